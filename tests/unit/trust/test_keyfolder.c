// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/keyfolder.h"
#include "tap.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAY_S = 24 * 60 * 60, START_S = 1000 };

static char top[] = "/tmp/test_keyfolder.XXXXXX", path[64], storage[96];
static struct keys_error error;

static const char *in(const char *name)
{
    snprintf(storage, sizeof storage, "%s/%s", path, name);
    return storage;
}

static bool open_at(struct keyfolder **folder, int64_t now_s)
{
    keyfolder_close(folder);
    return keyfolder_open(&(struct key_place){path, NULL}, true, now_s, folder, &error) == 0;
}

static struct key_id signs_at(const struct keyfolder *folder, int64_t now_s)
{
    struct key_id id = {{0}};
    struct keyring *ring = keyfolder_ring(folder);
    (void)keyring_signing(ring, now_s, &id);
    keyring_unref(&ring);
    return id;
}

static bool verifies_at(const struct keyfolder *folder, struct key_id id, int64_t now_s)
{
    struct keyring *ring = keyfolder_ring(folder);
    bool verifies = keyring_verifying(ring, id, now_s);
    keyring_unref(&ring);
    return verifies;
}

static off_t size_of(const char *name)
{
    struct stat status;
    return stat(in(name), &status) ? -1 : status.st_size;
}

static void test_rotation(struct keyfolder **folder)
{
    struct key_id first = signs_at(*folder, START_S), second;
    int64_t due = START_S + 60LL * DAY_S;
    OK(keyfolder_settle(*folder, 0, due - 1, &error) == 0, "nothing is due for sixty days");
    OK(keyfolder_settle(*folder, 0, due, &error) == 1, "then the next key is made");
    OK(key_id_equal(signs_at(*folder, due + DAY_S - 1), first), "it waits a day to be known");
    second = signs_at(*folder, due + DAY_S);
    OK(!key_id_equal(second, first), "and then signs");
    OK(verifies_at(*folder, first, due + 29LL * DAY_S) &&
           !verifies_at(*folder, first, due + 30LL * DAY_S),
       "the old key verifies until its own end");
    OK(open_at(folder, due + DAY_S) && key_id_equal(signs_at(*folder, due + DAY_S), second),
       "all of it is found again");
    OK(size_of("signing.key") == 64 && keyfolder_settle(*folder, 0, due + DAY_S, &error) == 0 &&
           size_of("signing.key") == 32,
       "a secret that signs no more is forgotten");
    OK(keyfolder_settle(*folder, 3, due + DAY_S, &error) == 1, "a raised epoch is signed");
    struct keyring *ring = keyfolder_ring(*folder);
    OK(keyring_content(ring)->epoch == 3 && keyring_content(ring)->number == 3,
       "and the version goes on");
    keyring_unref(&ring);
    OK(keyfolder_settle(*folder, 2, due + DAY_S, &error) == 0, "a lower one is not");
}

static void test_by_hand(struct keyfolder **folder, int64_t now_s)
{
    struct key_id before = signs_at(*folder, now_s);
    OK(keyfolder_rotate(*folder, now_s, &error) == 0 &&
           !key_id_equal(signs_at(*folder, now_s + DAY_S), before),
       "a rotation by hand makes the next key");
    OK(keyfolder_rotate(*folder, now_s, &error) == -EALREADY && strstr(error.words, "already"),
       "but not two at once");
    OK(keyfolder_revoke(*folder, before, now_s, &error) == 0 &&
           !verifies_at(*folder, before, now_s) && !key_id_equal(signs_at(*folder, now_s), before),
       "a revoked key verifies nothing, and another signs at once");
    struct keyring *ring = keyfolder_ring(*folder);
    OK(keyring_content(ring)->revoked_count == 1 &&
           key_id_equal(keyring_content(ring)->revoked[0].id, before),
       "and /keys says so");
    keyring_unref(&ring);
    OK(keyfolder_revoke(*folder, before, now_s, &error) == -ENOENT, "a stranger is not revoked");
}

static void test_root_away(struct keyfolder **folder, int64_t now_s)
{
    char aside[96];
    struct key_id id = signs_at(*folder, now_s);
    snprintf(aside, sizeof aside, "%s/root", top);
    OK(rename(in("root.key"), aside) == 0 && open_at(folder, now_s) &&
           key_id_equal(signs_at(*folder, now_s), id),
       "without its root key a node goes on");
    int64_t due = now_s + 70LL * DAY_S;
    id = signs_at(*folder, due);
    struct keyfolder_status status = keyfolder_status(*folder, now_s + DAY_S);
    OK(!status.has_root && !status.is_due, "which its status does not mind");
    OK(keyfolder_settle(*folder, 0, due, &error) == -ENOKEY && strstr(error.words, "root.key"),
       "until the next key is due");
    OK(keyfolder_status(*folder, due).is_due && key_id_equal(signs_at(*folder, due), id),
       "then it says so, and signs with what it has");
    OK(open_at(folder, due + 300LL * DAY_S) &&
           verifies_at(*folder, signs_at(*folder, due + 300LL * DAY_S), due + 300LL * DAY_S),
       "for as long as it must");
    OK(keyfolder_settle(*folder, 0, due + 300LL * DAY_S, &error) == -ENOKEY &&
           rename(aside, in("root.key")) == 0 &&
           keyfolder_settle(*folder, 0, due + 300LL * DAY_S, &error) == 1,
       "put back, it renews them");
    OK(!keyfolder_status(*folder, due + 300LL * DAY_S).is_due, "and nothing is due any more");
}

static void flip(const char *name)
{
    uint8_t byte = 0;
    int fd = open(in(name), O_RDWR);
    bool is_done = pread(fd, &byte, 1, 20) == 1 && (byte ^= 1, pwrite(fd, &byte, 1, 20) == 1);
    OK(is_done, name);
    close(fd);
}

static void test_refused(struct keyfolder **folder, int64_t now_s)
{
    flip("keys.signed");
    OK(!open_at(folder, now_s) && strstr(error.words, "keys.signed"),
       "an altered list is refused, with its name");
    flip("keys.signed");
    flip("root.pub");
    OK(!open_at(folder, now_s), "so is one of another root");
    flip("root.pub");
    flip("root.key");
    OK(open_at(folder, now_s) &&
           keyfolder_rotate(*folder, now_s + 3LL * DAY_S, &error) == -EINVAL &&
           strstr(error.words, "another root"),
       "another root key signs nothing here");
    flip("root.key");
    OK(truncate(in("signing.key"), 33) == 0 && !open_at(folder, now_s) &&
           strstr(error.words, "signing.key"),
       "half a signing key is refused");
}

/* As a folder of an older version: a signing key and no list. */
static void test_migration(void)
{
    struct keyfolder *folder = NULL;
    uint8_t seed[32] = {7};
    static const char *const names[] = {"root.key", "root.pub", "keys.signed", "signing.key"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        unlink(in(names[i]));
    int fd = open(in("signing.key"), O_CREAT | O_WRONLY, 0600);
    OK(write(fd, seed, sizeof seed) == sizeof seed && open_at(&folder, START_S),
       "a signing key of an older version");
    close(fd);
    OK(size_of("signing.key") == 32 && size_of("keys.signed") > 0 &&
           verifies_at(folder, signs_at(folder, START_S), START_S),
       "becomes the first of a list");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        unlink(in(names[i]));
    keyfolder_close(&folder);
}

/* --- keys that the service is given --- */

static bool give(const char *credentials, const char *name, const char *bytes, size_t size)
{
    char file[128];
    snprintf(file, sizeof file, "%s/%s", credentials, name);
    unlink(file);
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0440);
    bool is_put = fd >= 0 && write(fd, bytes, size) == (ssize_t)size;
    close(fd);
    return is_put;
}

static void test_credentials(void)
{
    static char credentials[] = "/tmp/test_keyfolder.XXXXXX";
    char seeds[128];
    struct keyfolder *folder = NULL;
    int64_t due = START_S + 60LL * DAY_S;
    if (!mkdtemp(credentials))
        return;
    const struct key_place place = {path, credentials};
    for (size_t i = 0; i < sizeof seeds; i++)
        seeds[i] = (char)(i / 32 + 1);
    OK(give(credentials, "root.key", "32 bytes that nobody else can know", 32) &&
           give(credentials, "signing.key", seeds, 32) &&
           keyfolder_open(&place, true, START_S, &folder, &error) == 0,
       "root and signing key may be credentials");
    OK(size_of("root.key") < 0 && size_of("signing.key") < 0 && size_of("keys.signed") > 0,
       "then neither is written in the folder");
    struct key_id first = signs_at(folder, START_S);
    OK(keyfolder_settle(folder, 0, due, &error) == -ENOKEY &&
           strstr(error.words, "32 random bytes") && keyfolder_status(folder, due).is_due &&
           key_id_equal(signs_at(folder, due), first),
       "a next key that is not there is due and said; the old one goes on");
    OK(give(credentials, "signing.key", seeds, 64) &&
           keyfolder_settle(folder, 0, due, &error) == 1 &&
           !key_id_equal(signs_at(folder, due + DAY_S), first) && size_of("signing.key") < 0,
       "one put behind it is the next");
    keyfolder_close(&folder);
    OK(keyfolder_open(&place, true, due + 2LL * DAY_S, &folder, &error) == 0 &&
           !key_id_equal(signs_at(folder, due + 2LL * DAY_S), first),
       "and is found again");
    OK(keyfolder_revoke(folder, signs_at(folder, due + 2LL * DAY_S), due + 2LL * DAY_S, &error) ==
           -ENOKEY,
       "to revoke it there must be a third");
    OK(give(credentials, "signing.key", seeds, 96) &&
           keyfolder_revoke(folder, signs_at(folder, due + 2LL * DAY_S), due + 2LL * DAY_S,
                            &error) == 0,
       "which is the one behind the last that was used, and none that has ended");
    keyfolder_close(&folder);
    static const char *const names[] = {"root.pub", "keys.signed"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        unlink(in(names[i]));
    (void)give(credentials, "root.key", "", 0);
    char file[128];
    snprintf(file, sizeof file, "%s/root.key", credentials);
    unlink(file);
    snprintf(file, sizeof file, "%s/signing.key", credentials);
    unlink(file);
    rmdir(credentials);
}

/* --- in another's place --- */

static void forget_files(void)
{
    static const char *const names[] = {"root.pub", "signing.key", "keys.signed", "root.key"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        unlink(in(names[i]));
}

static void test_inherited(void)
{
    struct keyfolder *folder = NULL;
    uint8_t seed[KEYRING_SEED_BYTES], stranger[KEYRING_SEED_BYTES] = {7};
    const struct key_place place = {path, NULL};
    OK(open_at(&folder, START_S) && keyfolder_root_seed(folder, seed, &error) == 0,
       "an origin has a root key");
    struct keyring *ring = keyfolder_ring(folder);
    struct text former = keyring_object(ring);
    struct key_id old = signs_at(folder, START_S);
    keyfolder_close(&folder);
    OK(keyfolder_inherit(&place, seed, former, 2, START_S + 5, &error) == -EEXIST,
       "an origin takes nobody's place");
    forget_files();
    OK(keyfolder_inherit(&place, NULL, former, 2, START_S + 5, &error) == -ENOKEY,
       "nor does anybody without the root key");
    OK(keyfolder_inherit(&place, stranger, former, 2, START_S + 5, &error) == -EPERM &&
           size_of("root.pub") < 0,
       "nor with another's, which makes nothing");
    OK(keyfolder_inherit(&place, seed, former, 2, START_S + 5, &error) == 0 &&
           size_of("root.key") < 0,
       "with the origin's it does, and the root key is not written");
    OK(open_at(&folder, START_S + 5) && !key_id_equal(signs_at(folder, START_S + 5), old),
       "another key signs, at once");
    OK(verifies_at(folder, old, START_S + 5), "what the former one signed still verifies");
    struct keyring *now = keyfolder_ring(folder);
    OK(keyring_content(now)->epoch == 2, "the list is of the greater epoch");
    keyring_unref(&now);
    OK(keyfolder_root_seed(folder, stranger, &error) == -ENOKEY, "the root key is away");
    keyfolder_lend_root(folder, seed);
    OK(keyfolder_rotate(folder, START_S + 6, &error) == 0 && size_of("root.key") < 0,
       "lent, it signs for as long as the folder is open");
    keyfolder_close(&folder);
    keyring_unref(&ring);
    forget_files();
}

int main(void)
{
    struct keyfolder *folder = NULL;
    int64_t later = START_S + 62LL * DAY_S;
    if (!mkdtemp(top))
        return 1;
    snprintf(path, sizeof path, "%s/keys", top);
    OK(keyfolder_open(&(struct key_place){path, NULL}, false, START_S, &folder, &error) < 0,
       "without leave nothing is made");
    OK(open_at(&folder, START_S), "with leave it is");
    OK(size_of("root.key") == 32 && size_of("root.pub") == 32, "a root key and its public half");
    test_rotation(&folder);
    test_by_hand(&folder, later);
    test_root_away(&folder, later + 2LL * DAY_S);
    test_refused(&folder, later + 400LL * DAY_S);
    keyfolder_close(&folder);
    test_migration();
    test_credentials();
    test_inherited();
    rmdir(path);
    rmdir(top);
    return tap_done();
}

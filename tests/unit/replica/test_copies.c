// SPDX-License-Identifier: GPL-3.0-or-later
#include "replica/copies.h"
#include "tap.h"
#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <unistd.h>

enum { NOW_S = 1795287000 };
#define NOW_MS (1000LL * NOW_S)

static char folder[64];
static struct keyring *ring, *strangers;
static uint8_t fingerprint[32];

static struct copies *open_copies(void)
{
    struct copies *copies = NULL;
    if (copies_open(folder, fingerprint, &copies) != 0)
        abort();
    return copies;
}

static struct text sign(struct keyring *by, const char *name, uint64_t epoch, uint64_t number,
                        int64_t issued_s, struct buffer *out)
{
    const struct signed_object object = {.name = text_of(name),
                                         .epoch = epoch,
                                         .number = number,
                                         .issued_s = issued_s,
                                         .expires_s = issued_s + 60,
                                         .body = TEXT("{}")};
    buffer_reset(out);
    if (!keyring_seal(by, &object, NOW_S, out))
        abort();
    return buffer_view(out);
}

static enum copies_verdict offer(struct copies *copies, struct keyring *by, uint64_t epoch,
                                 uint64_t number, int64_t issued_s)
{
    struct buffer bytes;
    const char *why = "";
    buffer_init(&bytes, 4096);
    struct text object = sign(by, "/nodes", epoch, number, issued_s, &bytes);
    enum copies_verdict verdict = copies_offer(copies, "/nodes", object, NOW_MS, &why);
    buffer_release(&bytes);
    return verdict;
}

static void keys_come_first(void)
{
    const char *why = "";
    struct copies *copies = open_copies();
    OK(offer(copies, ring, 1, 1, NOW_S) == COPIES_UNKNOWN, "without keys nothing verifies");
    OK(copies_offer(copies, "/keys", keyring_object(strangers), NOW_MS, &why) == COPIES_BAD &&
           !copies_ring(copies),
       "keys of another root are refused");
    OK(copies_offer(copies, "/keys", TEXT_NONE, NOW_MS, &why) == COPIES_BAD,
       "no bytes are no keys");
    OK(copies_offer(copies, "/keys", TEXT("<html>Bad Gateway</html>"), NOW_MS, &why) == COPIES_BAD,
       "and an error page");
    OK(copies_offer(copies, "/keys", TEXT("\n\n{\"root\": 1}"), NOW_MS, &why) == COPIES_BAD,
       "and a list that names no root");
    OK(copies_offer(copies, "/keys", keyring_object(ring), NOW_MS, &why) == COPIES_TAKEN &&
           copies_ring(copies),
       "those of the fingerprint are taken");
    OK(copies_offer(copies, "/keys", keyring_object(ring), NOW_MS, &why) == COPIES_SAME,
       "and are the same when they come again");
    copies_close(&copies);
}

static void nothing_goes_backwards(void)
{
    struct copies *copies = open_copies();
    OK(copies_load(copies, "/keys", NOW_S), "a restart finds the keys");
    OK(offer(copies, ring, 1, 5, NOW_S) == COPIES_TAKEN, "a first version is taken");
    OK(offer(copies, ring, 1, 4, NOW_S) == COPIES_OLDER, "a smaller number is not");
    OK(offer(copies, ring, 1, 5, NOW_S + 10) == COPIES_SAME,
       "the same one signed anew is the same");
    OK(offer(copies, ring, 2, 1, NOW_S) == COPIES_TAKEN, "a greater epoch is newer");
    OK(offer(copies, ring, 1, 900, NOW_S) == COPIES_OLDER, "whatever number the old one had");
    OK(offer(copies, strangers, 3, 1, NOW_S) == COPIES_UNKNOWN, "a stranger's is refused");
    OK(offer(copies, ring, 3, 1, NOW_S + 86400) == COPIES_BAD, "and one from the future");
    const struct copy *copy = copies_get(copies, "/nodes");
    OK(copy && copy->object.epoch == 2 && copy->object.number == 1 &&
           text_equal(copy->object.body, TEXT("{}")),
       "what is held is what was good last");
    copies_close(&copies);
}

static void another_name_is_another_object(void)
{
    const char *why = "";
    struct buffer bytes;
    struct copies *copies = open_copies();
    buffer_init(&bytes, 4096);
    (void)!copies_load(copies, "/keys", NOW_S);
    struct text object = sign(ring, "/revoked", 9, 9, NOW_S, &bytes);
    OK(copies_offer(copies, "/nodes", object, NOW_MS, &why) == COPIES_BAD,
       "an object under another's name is refused");
    buffer_release(&bytes);
    copies_close(&copies);
}

static void the_disk_is_not_believed(void)
{
    char path[100];
    struct copies *copies = open_copies();
    OK(copies_load(copies, "/keys", NOW_S + 400 * 86400), "keys are read whatever the date");
    OK(copies_load(copies, "/nodes", NOW_S + 3600), "an expired copy is one still");
    copies_close(&copies);
    (void)snprintf(path, sizeof path, "%s/nodes", folder);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || pwrite(fd, "X", 1, 40) != 1)
        abort();
    (void)close(fd);
    copies = open_copies();
    OK(copies_load(copies, "/keys", NOW_S) && !copies_load(copies, "/nodes", NOW_S) &&
           !copies_get(copies, "/nodes"),
       "one that was altered on the disk is none");
    OK(offer(copies, ring, 1, 1, NOW_S) == COPIES_TAKEN, "and gives way to the next good one");
    copies_close(&copies);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

int main(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/sostenuto-copies-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    ring = keyring_ephemeral(NOW_S);
    strangers = keyring_ephemeral(NOW_S);
    crypto_hash_sha256(fingerprint, keyring_content(ring)->root, SIGNED_PUBLIC_BYTES);
    keys_come_first();
    nothing_goes_backwards();
    another_name_is_another_object();
    the_disk_is_not_believed();
    keyring_unref(&ring);
    keyring_unref(&strangers);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return tap_done();
}

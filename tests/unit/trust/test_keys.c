// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/keys.h"
#include "trust/uid.h"
#include "tap.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/test_keys.XXXXXX", path[64], sealing[96];

static void test_refused(void)
{
    struct keys *keys = NULL;
    struct keys_error error;
    OK(chmod(sealing, 0640) == 0 &&
           keys_open(&(struct key_place){path, NULL}, true, &keys, &error) < 0 &&
           strstr(error.words, "chmod 600"),
       "a key that the group may read is refused, with what to do");
    OK(chmod(sealing, 0600) == 0 && truncate(sealing, 31) == 0 &&
           keys_open(&(struct key_place){path, NULL}, true, &keys, &error) < 0,
       "a key of another size is refused, not replaced");
    OK(unlink(sealing) == 0 && symlink("/dev/zero", sealing) == 0 &&
           keys_open(&(struct key_place){path, NULL}, true, &keys, &error) < 0,
       "a symlink is refused");
    OK(unlink(sealing) == 0 && keys_open(&(struct key_place){path, NULL}, false, &keys, &error) < 0,
       "a missing one is not made when we may not");
    OK(keys == NULL, "a refusal returns nothing");
}

static bool put(const char *in_folder, const char *name, uint8_t byte, size_t size)
{
    char file[128];
    uint8_t bytes[128];
    memset(bytes, byte, sizeof bytes);
    snprintf(file, sizeof file, "%s/%s", in_folder, name);
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0440);
    bool is_put = fd >= 0 && write(fd, bytes, size) == (ssize_t)size;
    close(fd);
    return is_put;
}

static void drop(const char *in_folder, const char *name)
{
    char file[128];
    snprintf(file, sizeof file, "%s/%s", in_folder, name);
    unlink(file);
}

/* A key that the service is given, as systemd gives it: read-only, for its group too. */
static void test_credential(void)
{
    static char credentials[] = "/tmp/test_keys.XXXXXX";
    struct keys *keys = NULL;
    struct keys_error error;
    if (!mkdtemp(credentials))
        return;
    const struct key_place given = {path, credentials}, not_given = {path, NULL};
    OK(put(credentials, "sealing.key", 7, 32) && keys_open(&given, true, &keys, &error) == 0 &&
           keys->sealing[0] == 7 && access(sealing, F_OK) != 0,
       "a credential is taken, and no key is written beside it");
    keys_free(&keys);
    OK(keys_open(&not_given, true, &keys, &error) < 0 && strstr(error.words, "credential"),
       "without it no other key is made");
    OK(put(credentials, "sealing.key", 8, 32) && keys_open(&given, true, &keys, &error) < 0 &&
           strstr(error.words, "another key"),
       "another credential than before is refused");
    OK(put(credentials, "sealing.key", 7, 31) && keys_open(&given, true, &keys, &error) < 0,
       "and one of another size");
    drop(credentials, "sealing.key");
    drop(path, "sealing.id");
    OK(rmdir(credentials) == 0 && keys_open(&given, true, &keys, &error) < 0 && !keys,
       "a folder of credentials that is away is said to be");
}

int main(void)
{
    struct keys *keys = NULL, *again = NULL;
    struct keys_error error;
    struct stat status;
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/keys", folder);
    snprintf(sealing, sizeof sealing, "%s/sealing.key", path);
    OK(keys_open(&(struct key_place){path, NULL}, false, &keys, &error) < 0,
       "without leave no folder is made");
    OK(keys_open(&(struct key_place){path, NULL}, true, &keys, &error) == 0,
       "with leave keys are made");
    OK(stat(sealing, &status) == 0 && (status.st_mode & 07777) == 0600, "with mode 0600");
    OK(keys_open(&(struct key_place){path, NULL}, false, &again, &error) == 0 &&
           memcmp(keys, again, sizeof *keys) == 0,
       "and found again");
    keys_free(&again);
    keys_free(&keys);
    test_refused();
    test_credential();

    struct uid uid = uid_random(), got;
    struct uid_text storage;
    OK(uid_from_text(uid_text(&storage, uid), &got) && uid_equal(uid, got),
       "a uid's text reads back");
    OK(!uid_from_text(TEXT("AAAAAAAAAAAAAAAAAAAAAB"), &got),
       "a text with stray last bits is not an id");
    rmdir(path);
    rmdir(folder);
    return tap_done();
}

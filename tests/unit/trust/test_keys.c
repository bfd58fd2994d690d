// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/keys.h"
#include "trust/uid.h"
#include "tap.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/test_keys.XXXXXX", path[64], sealing[96];

static void test_refused(void)
{
    struct keys *keys = NULL;
    struct keys_error error;
    OK(chmod(sealing, 0640) == 0 && keys_open(path, true, &keys, &error) < 0 &&
           strstr(error.words, "chmod 600"),
       "a key that the group may read is refused, with what to do");
    OK(chmod(sealing, 0600) == 0 && truncate(sealing, 31) == 0 &&
           keys_open(path, true, &keys, &error) < 0,
       "a key of another size is refused, not replaced");
    OK(unlink(sealing) == 0 && symlink("/dev/zero", sealing) == 0 &&
           keys_open(path, true, &keys, &error) < 0,
       "a symlink is refused");
    OK(unlink(sealing) == 0 && keys_open(path, false, &keys, &error) < 0,
       "a missing one is not made when we may not");
    OK(keys == NULL, "a refusal returns nothing");
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
    OK(keys_open(path, false, &keys, &error) < 0, "without leave no folder is made");
    OK(keys_open(path, true, &keys, &error) == 0, "with leave keys are made");
    OK(stat(sealing, &status) == 0 && (status.st_mode & 07777) == 0600, "with mode 0600");
    OK(keys_open(path, false, &again, &error) == 0 && memcmp(keys, again, sizeof *keys) == 0,
       "and found again");
    keys_free(&again);
    keys_free(&keys);
    test_refused();

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

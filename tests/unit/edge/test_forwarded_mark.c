// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/forwarded_mark.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/test_forwarded_mark.XXXXXX", path[64];

static bool reads_nothing(const char *bytes)
{
    struct uid journal = {{1}};
    uint64_t lsn = 1;
    FILE *file = fopen(path, "w");
    if (!file || fputs(bytes, file) < 0 || fclose(file) != 0)
        return false;
    forwarded_mark_read(folder, &journal, &lsn);
    return uid_is_none(journal) && lsn == 0;
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    (void)snprintf(path, sizeof path, "%s/forwarded", folder);
    struct uid own, journal = {{1}};
    uint64_t lsn = 1;
    struct stat status;
    memset(own.bytes, 7, sizeof own.bytes);
    forwarded_mark_read(folder, &journal, &lsn);
    OK(uid_is_none(journal) && lsn == 0, "where none was left, nothing has arrived");
    OK(forwarded_mark_write(folder, own, UINT64_MAX) && stat(path, &status) == 0 &&
           (status.st_mode & 0777) == 0600,
       "a mark is left, for the owner alone");
    forwarded_mark_read(folder, &journal, &lsn);
    OK(uid_equal(journal, own) && lsn == UINT64_MAX, "and is read as it was written");
    OK(reads_nothing(""), "an empty one says nothing");
    OK(reads_nothing("BwcHBwcHBwcHBwcHBwcHBw x\n"), "nor does one without a number");
    OK(reads_nothing("BwcH 12\n"), "or without an id");
    OK(!forwarded_mark_write("/nonexistent", own, 1), "where no file can be, none is claimed");
    (void)unlink(path);
    (void)rmdir(folder);
    return tap_done();
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/resident.h"

#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES = 3 << 20 };

static int make_file(void)
{
    static char megabyte[1 << 20];
    char path[] = "resident-XXXXXX"; /* where the build is: a disk, if there is one */
    int fd = mkstemp(path);
    (void)unlink(path);
    for (int i = 0; i < FILE_BYTES >> 20; i++)
        if (fd < 0 || write(fd, megabyte, sizeof megabyte) != (ssize_t)sizeof megabyte)
            abort();
    return fd;
}

static bool forget(int fd)
{
    char byte;
    return fsync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 &&
           pread(fd, &byte, 1, 0) == 1 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0;
}

static void test_memory(int fd)
{
    struct resident resident;
    resident_init(&resident, FILE_BYTES);
    OK(resident_has(NULL, fd, 0, FILE_BYTES, 1), "what was just written is in memory");
    OK(resident_has(&resident, fd, 0, FILE_BYTES, 1), "and that is remembered");
    OK(resident_has(&resident, fd, FILE_BYTES - 1, FILE_BYTES + (1 << 20), 1),
       "past the end there is nothing to wait for");
    OK(resident_has(&resident, fd, 7, 7, 1), "nothing is always there");
    OK(resident_has(&resident, fd, 0, UINT64_C(1) << 40, 1), "a file that grew is asked anew");
}

static void test_disk(int fd)
{
    struct resident resident;
    uint64_t now_us = 5000000;
    resident_init(&resident, FILE_BYTES);
    OK(resident_has(&resident, fd, 0, FILE_BYTES, now_us), "all is there");
    if (!forget(fd) || resident_has(NULL, fd, 0, FILE_BYTES, now_us)) {
        OK(true, "this file system keeps all of it, or cannot tell # SKIP");
        return;
    }
    OK(resident_has(&resident, fd, 0, FILE_BYTES, now_us + 900000),
       "within a second nobody is asked again");
    (void)forget(fd);
    OK(!resident_has(&resident, fd, 1 << 20, FILE_BYTES, now_us + 1100000),
       "what was thrown away is found out after it");
}

static void test_no_way_to_tell(void)
{
    int ends[2];
    if (pipe(ends))
        abort();
    OK(resident_has(NULL, ends[0], 0, 100, 1), "where nobody can tell, all is called resident");
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    int fd = make_file();
    test_memory(fd);
    test_disk(fd);
    test_no_way_to_tell();
    close(fd);
    return tap_done();
}

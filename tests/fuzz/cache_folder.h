// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "store/disk.h"
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* cache_folder: the one folder of this process with a file `name` in which `data` lies from `at`
 * on; from 0 on it is all of it.  The folder's descriptor is borrowed. */
static inline int cache_folder(const char *name, long at, const void *data, size_t size)
{
    static int dir_fd = -1;
    static char path[] = "/tmp/fuzz_cache.XXXXXX";
    if (dir_fd < 0 && mkdtemp(path))
        dir_fd = open(path, O_RDONLY | O_DIRECTORY);
    int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert(fd >= 0);
    if (at == 0 && ftruncate(fd, 0))
        abort();
    if (size > 0 && pwrite(fd, data, size, at) < 0)
        abort();
    close(fd);
    return dir_fd;
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* Bits of an edge's cache turn while they lie on its disk. */
#include "drills/fleet_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One bit in each `every` bytes; returns how many. */
static uint64_t turn_bits(int fd, int64_t every)
{
    struct stat status;
    uint64_t turned = 0;
    char byte;
    int64_t size = fstat(fd, &status) == 0 ? status.st_size : 0;
    for (int64_t at = every / 2; at < size; at += every) {
        if (pread(fd, &byte, 1, at) != 1)
            break;
        byte = (char)(byte ^ 1);
        turned += pwrite(fd, &byte, 1, at) == 1;
    }
    return turned;
}

static bool holds_music(const char *name)
{
    static const char ending[] = ".region";
    size_t size = strlen(name);
    return size > sizeof ending - 1 && strcmp(name + size - (sizeof ending - 1), ending) == 0;
}

uint64_t fleet_rot(const struct fleet_node *node, int64_t every_bytes)
{
    char folder[PATH_MAX + 8];
    uint64_t turned = 0;
    (void)snprintf(folder, sizeof folder, "%s/cache", node->state);
    DIR *cache = opendir(folder);
    for (struct dirent *entry; cache && (entry = readdir(cache)) != NULL;) {
        int fd = holds_music(entry->d_name)
                     ? openat(dirfd(cache), entry->d_name, O_RDWR | O_CLOEXEC)
                     : -1;
        turned += fd >= 0 ? turn_bits(fd, every_bytes) : 0;
        if (fd >= 0)
            (void)close(fd);
    }
    if (cache)
        (void)closedir(cache);
    return turned;
}

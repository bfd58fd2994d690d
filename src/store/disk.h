// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * disk: the few calls by which the store changes a disk, so that tests can put a failing one in
 * between. Every call returns 0 or -errno; write takes all bytes or fails (some may have been
 * written then).
 */
struct disk {
    int (*create)(const struct disk *disk, int dir_fd,
                  const char *name); /* new, for writing; the fd or -errno */
    int (*write)(const struct disk *disk, int fd, const void *data, size_t size);
    int (*sync)(const struct disk *disk, int fd); /* fdatasync: data and size are on the medium */
    int (*sync_dir)(const struct disk *disk, int fd); /* the folder's entries are, too */
    int (*truncate)(const struct disk *disk, int fd, uint64_t size);
    int (*rename)(const struct disk *disk, int dir_fd, const char *from, const char *to);
    int (*unlink)(const struct disk *disk, int dir_fd, const char *name);
    int (*write_at)(const struct disk *disk, int fd, const void *data, size_t size, uint64_t at);
    int (*read_at)(const struct disk *disk, int fd, void *data, size_t size,
                   uint64_t at); /* all, or -ENODATA when the file ends before */
};

extern const struct disk disk_real;

/*
 * A disk that fails as told: full after some bytes (a write then takes what fits and fails with
 * -ENOSPC, as ext4 does), the n-th write or sync fails with an error, or all do.  Everything else
 * goes to disk_real.  Counts are for one writing thread; the test sets the fields before and
 * between.
 */
struct failing_disk {
    struct disk disk;                     /* give &failing.disk */
    uint64_t capacity_bytes;              /* left */
    unsigned fail_write_at, fail_sync_at; /* counting down; 1: the next one; 0: none */
    _Atomic bool fail_reads, fail_writes; /* all, from any thread */
    _Atomic int error;                    /* what fails with, as -errno; 0: -EIO */
};
void failing_disk_init(struct failing_disk *failing);

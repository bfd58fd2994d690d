// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "store/cache.h"
#include "store/cache_marks_log.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/*
 * cache_marks: purges as numbers; internal.  Each purge is one generation, and a mark remembers the
 * last one that was its own: what is older is purged, however many objects that are.
 *
 * At most CACHE_PURGED_MARKS are remembered; past that all are forgotten at once and everything
 * older counts as purged, which costs revalidations and no truth.  A file keeps them: 24 bytes a
 * purge, appended by cache_marks_log, which never lets a purge wait for the disk; who wants to know
 * is told when no power cut undoes it.  A torn last one was not answered yet, a damaged one purges
 * everything.  Where
 * whole ones are missing at its end nothing in it says so: generations are microseconds of the
 * clock (or one more than the last), so a later purge is later than all that lies there, and what
 * is newer than all known purges lost some and counts as purged.
 *
 *   0  8  mark        8  8  generation        16  8  XXH3 of both
 */
enum { CACHE_PURGED_MARKS = 1 << 16, CACHE_MARK_BYTES = 24 };

struct cache_marks {
    _Atomic uint64_t generation, newest_purge, floor;
    pthread_rwlock_t lock; /* guards all below */
    struct cache_mark_slot {
        uint64_t mark, generation; /* generation 0: empty */
    } * slots;
    size_t count;
    int fd;              /* -1: memory only */
    uint64_t file_bytes; /* when it was opened */
    struct marks_log log;
};
void cache_marks_init(struct cache_marks *marks);
void cache_marks_release(struct cache_marks *marks);
/* Reads the file and appends to it from here on.  0 or -errno; what is damaged purges everything
 * older. */
int marks_open(struct cache_marks *marks, const struct disk *disk, int dir_fd) MUST_USE;
/* False where no log is running: then `kept`, which may be NULL, is never called; else when it is
 * on the medium. */
bool marks_purge(struct cache_marks *marks, uint64_t mark, marks_log_kept *kept, void *context);
void marks_let_go(struct cache_marks *marks); /* memory only from here on; waits for the disk */
bool marks_hit(const struct cache_marks *marks, uint64_t generation, const uint64_t *list,
               size_t count) MUST_USE;

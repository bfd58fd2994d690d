// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "store/cache_logs.h"
#include "store/cache_object.h"

/*
 * cache_index: where on the disk an object lies, in 16 bytes; internal.
 *
 * A hash has two buckets of INDEX_WAYS entries.  An entry is a print of the hash, the region with
 * the low bits of its sequence, offset and size in units: a good guess, which the record's own head
 * confirms.  What the file says may therefore be old, torn or damaged: it costs objects, never the
 * truth.
 *
 * The file is read group by group when first needed, or in the background: to open costs nothing.
 * Every change is written through to the page cache by the writer, so kill -9 loses none.  It is
 * not mapped: a dead disk would be a SIGBUS.
 *
 * Any thread finds, by atomic loads; changes take the lock.  An entry's memory is 16 bytes / the
 * load: INDEX_LOAD_PERCENT, so 21 bytes an object when full.
 */
enum { INDEX_WAYS = 8, INDEX_GROUP_BUCKETS = 512, INDEX_LOAD_PERCENT = 75, INDEX_FOUND_MAX = 16 };

struct where {
    uint32_t slot, sequence16; /* region */
    uint32_t offset_units, size_units;
};

struct index_entry {
    _Atomic uint64_t tag, place; /* tag 0: free */
};

struct cache_index {
    const struct disk *disk;
    int fd;
    uint64_t bucket_count, group_count, max_objects;
    struct index_entry *entries;
    _Atomic uint8_t *is_loaded; /* of each group */
    pthread_mutex_t lock;       /* of whoever changes; never held while the disk works */
    pthread_mutex_t loading;    /* held while it does: of those who may block */
    _Atomic uint64_t count, pinned_units;
    _Atomic uint32_t changes; /* odd while an entry changes: who found nothing looks again */
    /* Of the region in each slot, or 0: entries of another sequence are free.  The disk's. */
    _Atomic uint16_t *sequences;
    _Atomic uint8_t stamp;      /* of hits: logs_stamp(); the disk's */
    _Atomic uint32_t hit_count; /* of all, for chance */
    uint32_t slot_count;
    uint8_t boot[16];
    bool is_whole; /* every record of the disk that should be in is in */
};

/* Opens or makes the file.  *ret_is_trusted: it was closed in order, or by this same boot. */
int index_open(struct cache_index *index, const struct disk *disk, int dir_fd, uint64_t max_objects,
               bool *ret_is_trusted) MUST_USE;
/* It was not trusted, and now it is: all that the disk has was entered. */
void index_is_whole(struct cache_index *index);
/* Writes what only memory has (hits), and that all is well. */
void index_close(struct cache_index *index);

uint64_t index_file_bytes(const struct cache_index *index);
bool index_is_loaded(const struct cache_index *index, struct cache_hash hash);
/* Blocks. */
void index_load(struct cache_index *index, struct cache_hash hash);
void index_load_all(struct cache_index *index);

/* Those that may be it, the likeliest first; INDEX_FOUND_MAX at most. */
size_t index_find(const struct cache_index *index, struct cache_hash hash, struct where *ret);
void index_hit(struct cache_index *index, struct cache_hash hash, struct where where);
/* What is remembered of exactly that entry; false when it is not in (any more). */
bool index_mark(const struct cache_index *index, struct cache_hash hash, struct where where,
                struct log_mark *ret) MUST_USE;

/* The writer's, and blocks.  Puts it in the place of `old` (NULL: a new one), in one step.  When
 * there is no room the least wanted of its buckets goes; false when that may not be, or `old` is
 * not in any more. */
bool index_put(struct cache_index *index, struct cache_hash hash, struct where where,
               struct log_mark mark, bool is_pinned, const struct where *old) MUST_USE;
/* At once in memory, and never waits; in the file with index_write().  NULL: all that may be it. */
void index_drop(struct cache_index *index, struct cache_hash hash, const struct where *where);
/* The buckets of that hash as they are now; the writer's. */
void index_write(struct cache_index *index, struct cache_hash hash);

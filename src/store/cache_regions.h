// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "store/cache_chooser.h"
#include "store/cache_index.h"
#include "store/cache_volume.h"

/*
 * cache_regions: the disk tier's files; internal.
 *
 * There are `slot_count` places for regions of `region_bytes`, or of one larger record, and never
 * more files: a
 * region that is retired while somebody reads it keeps its place, and counts with its bytes, until
 * that reader is done.  Names are their
 * sequences; a region is appended to until it is full, and never written again but for metadata.
 * The writer's thread creates, appends and retires; any thread gets and gives back.
 */
struct regions;

struct region {
    _Atomic uint32_t refs;
    uint32_t slot;
    uint64_t sequence, first_serial;
    struct log_stand stand; /* the writer's, as are the next two and end */
    unsigned log;
    bool is_sealed, is_retired;
    _Atomic uint64_t end;
    int fd;
    struct regions *regions;
};

struct regions {
    const struct disk *disk;
    int dir_fd;
    uint64_t region_bytes, record_most;
    uint32_t slot_count;
    pthread_mutex_t lock;
    struct region **by_slot;     /* NULL: free, or retired and read to its end by somebody */
    bool *is_taken;              /* also by those */
    _Atomic uint16_t *sequences; /* as the index wants them */
    uint64_t next_sequence, last_serial;
    _Atomic uint64_t leaving_bytes; /* retired and still read by somebody */
    struct region_header newest;    /* of what was found */
};

/* Lists the folder; files that are no regions of ours, or too many, are deleted. */
int regions_open(struct regions *regions, const struct disk *disk, int dir_fd,
                 uint64_t region_bytes, uint64_t record_most, uint32_t slot_count) MUST_USE;
void regions_close(struct regions *regions);
/* Lists none any more; those that somebody reads stay until that reader is done. */
void regions_let_go(struct regions *regions);

/* The region that `where` is in, with a reference, or NULL. */
struct region *regions_get(struct regions *regions, struct where where) MUST_USE;
struct region *region_ref(struct region *region);
void region_unref(struct region *region);

/* --- the writer's --- */
uint32_t regions_free(struct regions *regions);
/* 0 or -errno: -ENOBUFS when no slot is free.  Sequence and slot of the header are chosen here. */
int regions_create(struct regions *regions, struct region_header header,
                   struct region **ret) MUST_USE;
void regions_retire(struct region *region);
/* Whose objects are worth least, of those equal the oldest; NULL: there is none with any. Borrowed.
 */
struct region *regions_least(struct regions *regions);
/* The newest of that log that is not sealed; borrowed. */
struct region *regions_open_one(struct regions *regions, unsigned log);
uint64_t regions_bytes(struct regions *regions);

static inline struct where where_in(const struct region *region, uint64_t at, uint64_t bytes)
{
    return (struct where){region->slot, (uint32_t)(region->sequence & 0xffff),
                          (uint32_t)(at / CACHE_UNIT), (uint32_t)(bytes / CACHE_UNIT)};
}
/* The next record from *at on, which is moved to it; steps over dead and damaged ones.  1; 0 when
 * no other follows: *at is then where the next one could be written; or -errno. */
int region_walk(struct region *region, uint64_t limit, uint64_t *at, struct record *ret) MUST_USE;

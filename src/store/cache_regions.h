// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "store/cache_index.h"
#include "store/cache_queues.h"
#include "store/cache_volume.h"

/*
 * cache_regions: the disk tier's files; internal.
 *
 * There are `slot_count` places for regions of `region_bytes`, and never more files: a region that
 * is retired while somebody reads it keeps its place until that reader is done.  Names are their
 * sequences; a region is appended to until it is full, and never written again but for metadata.
 * The writer's thread creates, appends and retires; any thread gets and gives back.
 */
struct regions;

struct region {
    _Atomic uint32_t refs;
    uint32_t slot;
    uint64_t sequence, first_serial;
    enum evict_queue queue;
    bool is_sealed; /* the writer's, as is end */
    _Atomic uint64_t end;
    int fd;
    struct regions *regions;
};

struct regions {
    const struct disk *disk;
    int dir_fd;
    uint64_t region_bytes;
    uint32_t slot_count;
    pthread_mutex_t lock;
    struct region **by_slot;     /* NULL: free, or retired and read to its end by somebody */
    bool *is_taken;              /* also by those */
    _Atomic uint16_t *sequences; /* as the index wants them */
    uint64_t next_sequence, last_serial;
};

/* Lists the folder; files that are no regions of ours, or too many, are deleted. */
int regions_open(struct regions *regions, const struct disk *disk, int dir_fd,
                 uint64_t region_bytes, uint32_t slot_count) MUST_USE;
void regions_close(struct regions *regions);

/* The region that `where` is in, with a reference, or NULL. */
struct region *regions_get(struct regions *regions, struct where where) MUST_USE;
struct region *region_ref(struct region *region);
void region_unref(struct region *region);

/* --- the writer's --- */
uint32_t regions_free(struct regions *regions);
/* 0 or -errno: -ENOBUFS when no slot is free. */
int regions_create(struct regions *regions, enum evict_queue queue, uint64_t first_serial,
                   struct region **ret) MUST_USE;
void regions_retire(struct region *region);
/* Of those that are sealed and of that queue (EVICT_NONE: any); NULL: there is none. Borrowed. */
struct region *regions_oldest(struct regions *regions, enum evict_queue queue);
/* The newest that is not sealed; borrowed. */
struct region *regions_open_one(struct regions *regions, enum evict_queue queue);
void regions_weigh(struct regions *regions, uint64_t ret_bytes[EVICT_QUEUES]);

static inline struct where where_in(const struct region *region, uint64_t at, uint64_t bytes)
{
    return (struct where){region->slot, (uint32_t)(region->sequence & 0xffff),
                          (uint32_t)(at / CACHE_UNIT), (uint32_t)(bytes / CACHE_UNIT)};
}
/* The next record from *at on, which is moved to it; steps over dead and damaged ones.  1; 0 when
 * no other follows: *at is then where the next one could be written; or -errno. */
int region_walk(struct region *region, uint64_t limit, uint64_t *at, struct record *ret) MUST_USE;

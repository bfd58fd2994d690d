// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "store/cache_disk.h"
#include <errno.h>

/* Free places kept: what is copied while a region is reclaimed may need a new one. */
enum { SPARE_REGIONS = 2 };

int region_for(struct cache_disk *disk, enum evict_queue queue, uint64_t bytes, bool is_reclaiming,
               struct region **ret)
{
    struct region *region = disk->open[queue];
    if (bytes > disk->regions.region_bytes - REGION_HEADER)
        return -EFBIG;
    if (region && atomic_load(&region->end) + bytes <= disk->regions.region_bytes) {
        *ret = region;
        return 0;
    }
    if (region) {
        region->is_sealed = true;
        disk->open[queue] = NULL;
        int error = disk->disk->sync(disk->disk, region->fd);
        if (error)
            return error;
    }
    if (!is_reclaiming) {
        for (uint32_t tries = 0;
             regions_free(&disk->regions) < SPARE_REGIONS && tries < disk->regions.slot_count;
             tries++)
            if (!reclaim_one(disk))
                break;
        region = disk->open[queue]; /* what was copied may have opened one */
        if (region && atomic_load(&region->end) + bytes <= disk->regions.region_bytes) {
            *ret = region;
            return 0;
        }
    }
    int error = regions_create(&disk->regions, queue, disk->next_serial, &region);
    if (error)
        return error;
    if (disk->open[queue])
        disk->open[queue]->is_sealed = true;
    disk->open[queue] = region;
    *ret = region;
    return 0;
}

/* --- reclaiming --- */
/* Its bytes on the disk go: what is whole in memory stays there, the rest is no object any more
 * (who reads it keeps the region). */
static void leave_disk(struct cache_disk *disk, const struct region *region, uint64_t at,
                       const struct record *record)
{
    struct cache_object *object = memory_find(&disk->cache->memory, record->hash);
    if (!object)
        return;
    bool is_resident = true;
    struct region *held = NULL;
    pthread_mutex_lock(&object->lock);
    if (object->place.region == region && object->place.record_at == at) {
        for (size_t i = 0; i < object->slot_count; i++)
            is_resident = is_resident && object->slots[i].chunk;
        if (is_resident) {
            held = object->place.region;
            object->place.region = NULL;
        }
    }
    pthread_mutex_unlock(&object->lock);
    region_unref(held);
    if (!is_resident)
        memory_drop(&disk->cache->memory, object);
    cache_object_unref(object);
}

/* Whether somebody reads it just now and would miss it. */
static bool is_in_use(struct cache_disk *disk, const struct record *record, uint8_t *ret_hits)
{
    struct cache_object *object = memory_find(&disk->cache->memory, record->hash);
    if (!object)
        return false;
    *ret_hits = atomic_load_explicit(&object->node.hits, memory_order_relaxed);
    bool is_used = atomic_load(&object->refs) > 2; /* the table's and ours */
    cache_object_unref(object);
    return is_used;
}

static enum evict_queue judge(struct cache_disk *disk, const struct region *region,
                              const struct record *record, uint8_t *hits)
{
    uint8_t in_memory = 0;
    bool is_used = is_in_use(disk, record, &in_memory);
    if (in_memory > *hits)
        *hits = in_memory;
    enum evict_queue stay = region->queue == EVICT_PROBATION ? EVICT_MAIN : region->queue;
    enum evict_queue next = queues_judge(region->queue, record_bytes(record), hits);
    return next == EVICT_NONE && (is_used || record->is_pinned) ? stay : next;
}

static void reclaim_region(struct cache_disk *disk, struct region *region)
{
    uint64_t at = REGION_HEADER, copied = 0, end = atomic_load(&region->end);
    uint64_t most = disk->regions.region_bytes / 4 * 3; /* so that every reclaiming makes room */
    struct record record;
    for (; region_walk(region, end, &at, &record) == 1; at += record_bytes(&record)) {
        struct where where = where_in(region, at, record_bytes(&record));
        int found = index_hits(&disk->index, record.hash, where);
        if (found < 0)
            continue;
        uint8_t hits = (uint8_t)found;
        enum evict_queue next = judge(disk, region, &record, &hits);
        if (next != EVICT_NONE && copied + record_bytes(&record) <= most &&
            append_copy(disk, region, at, &record, next, NULL, hits) == 0) {
            copied += record_bytes(&record);
            continue;
        }
        queues_remember(disk->queues, record.hash.low, region->queue);
        index_drop(&disk->index, record.hash, &where);
        index_write(&disk->index, record.hash);
        leave_disk(disk, region, at, &record);
        counter_add(COUNTER_CACHE_DISK_EVICTED, 1);
    }
}

bool reclaim_one(struct cache_disk *disk)
{
    uint64_t bytes[EVICT_QUEUES];
    regions_weigh(&disk->regions, bytes);
    struct region *region = regions_oldest(&disk->regions, queues_which(disk->queues, bytes));
    if (!region)
        region = regions_oldest(&disk->regions, EVICT_NONE);
    if (!region)
        return false;
    reclaim_region(disk, region);
    regions_retire(region);
    return true;
}

/* --- going on after an end --- */
void reopen_regions(struct cache_disk *disk)
{
    for (uint32_t slot = 0; slot < disk->regions.slot_count; slot++) {
        struct region *region = disk->regions.by_slot[slot];
        if (!region)
            continue;
        struct region *open = regions_open_one(&disk->regions, region->queue);
        if (region != open || atomic_load(&region->end) + CACHE_BLOCK > disk->regions.region_bytes)
            region->is_sealed = true;
    }
    for (size_t queue = 0; queue < EVICT_QUEUES; queue++) {
        struct region *region = regions_open_one(&disk->regions, (enum evict_queue)queue);
        if (!region)
            continue;
        uint64_t at = REGION_HEADER, end = atomic_load(&region->end);
        struct record record;
        int result;
        while ((result = region_walk(region, end, &at, &record)) == 1)
            at += record_bytes(&record);
        if (result < 0) { /* who knows what is behind */
            region->is_sealed = true;
            continue;
        }
        atomic_store(&region->end, at); /* what is torn behind it is written over */
        disk->open[queue] = region;
    }
}

/* --- an index that was lost --- */
/* Whether what the index has for that hash was written before. */
static bool is_newer(struct cache_disk *disk, const struct record *record, const struct where *old)
{
    struct region *region = regions_get(&disk->regions, *old);
    if (!region)
        return true;
    uint64_t at = (uint64_t)old->offset_units * CACHE_UNIT, start = at;
    struct record other;
    bool is_there = region_walk(region, atomic_load(&region->end), &at, &other) == 1 &&
                    at == start && other.hash.high == record->hash.high &&
                    other.hash.low == record->hash.low;
    region_unref(region);
    return !is_there || other.serial < record->serial;
}

static void recover(struct cache_disk *disk, const struct region *region, uint64_t at,
                    const struct record *record)
{
    struct where where = where_in(region, at, record_bytes(record));
    struct where old[INDEX_FOUND_MAX];
    index_load(&disk->index, record->hash);
    if (record->serial >= disk->first_serial) /* entered when it was written */
        return;
    if (index_hits(&disk->index, record->hash, where) >= 0)
        return;
    size_t count = index_find(&disk->index, record->hash, old);
    if (count > 0 && !is_newer(disk, record, &old[0]))
        return;
    (void)!index_put(&disk->index, record->hash, where, 0, record->is_pinned,
                     count > 0 ? &old[0] : NULL);
}

bool rebuild_step(struct cache_disk *disk)
{
    if (disk->rebuild_slot == disk->regions.slot_count)
        return false;
    struct region *region = disk->regions.by_slot[disk->rebuild_slot++];
    if (!region)
        return true;
    uint64_t at = REGION_HEADER, end = atomic_load(&region->end);
    struct record record;
    for (; region_walk(region, end, &at, &record) == 1; at += record_bytes(&record))
        recover(disk, region, at, &record);
    return true;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "store/cache_disk.h"
#include <errno.h>

/* Free places kept: what is copied while a region is reclaimed may need new ones. */
enum { SPARE_REGIONS = 4 };

static bool has_room(struct cache_disk *disk, uint64_t bytes)
{
    return regions_bytes(&disk->regions) + bytes + REGION_HEADER <= disk->limit_bytes;
}

/* Room beside for what is copied of the region that is reclaimed next. */
static uint64_t reserve(struct cache_disk *disk)
{
    struct region *least = regions_least(&disk->regions);
    uint64_t end = least ? atomic_load(&least->end) : 0, usual = disk->regions.region_bytes;
    return (end > usual ? end : usual) + REGION_HEADER * LOGS;
}

static void make_room(struct cache_disk *disk, uint64_t bytes)
{
    for (uint32_t tries = 0;
         tries < disk->regions.slot_count &&
         (!has_room(disk, bytes + reserve(disk)) || regions_free(&disk->regions) < SPARE_REGIONS);
         tries++)
        if (!reclaim_one(disk))
            break;
}

static int seal_region(struct cache_disk *disk, struct region *region)
{
    region->is_sealed = true;
    if (disk->open[region->log] == region)
        disk->open[region->log] = NULL;
    return disk->disk->sync(disk->disk, region->fd);
}

int region_for(struct cache_disk *disk, const struct log_mark *mark, uint64_t bytes, bool is_copy,
               double *ret_value, struct region **ret)
{
    if (bytes > disk->regions.record_most)
        return -EFBIG;
    if (!is_copy)
        make_room(disk, bytes);
    if (!has_room(disk, bytes)) /* somebody reads what was retired */
        return -ENOBUFS;
    *ret_value = logs_value(&disk->chooser->logs, mark, bytes);
    unsigned log = logs_which(&disk->chooser->logs, *ret_value);
    struct region *region = disk->open[log];
    if (region && atomic_load(&region->end) + bytes > disk->regions.region_bytes) {
        int error = seal_region(disk, region);
        if (error)
            return error;
        region = NULL;
    }
    if (!region) { /* for a larger record, one of its own */
        struct region_header header = {.first_serial = disk->next_serial};
        chooser_describe(disk->chooser, log, mark, bytes, &header);
        int error = regions_create(&disk->regions, header, &region);
        if (error)
            return error;
        disk->open[log] = region;
    }
    *ret = region;
    return 0;
}

/* Of two that are open and come to one log the fuller is sealed. */
static void open_again(struct cache_disk *disk, struct region *region)
{
    struct region *other = disk->open[region->log];
    bool is_fuller = other && atomic_load(&region->end) > atomic_load(&other->end);
    if (!is_fuller)
        disk->open[region->log] = region;
    if (other)
        (void)seal_region(disk, is_fuller ? region : other);
}

void carry_regions(struct cache_disk *disk)
{
    memset(disk->open, 0, sizeof disk->open);
    for (uint32_t slot = 0; slot < disk->regions.slot_count; slot++) {
        struct region *region = disk->regions.by_slot[slot];
        if (!region)
            continue;
        chooser_carry(disk->chooser, &region->stand);
        region->log = logs_which(&disk->chooser->logs, region->stand.value);
        if (!region->is_sealed)
            open_again(disk, region);
    }
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

/* What is read just now, or pinned, stays whatever that costs. */
static bool stays(struct cache_disk *disk, const struct record *record, struct log_mark *mark)
{
    uint8_t in_memory = 0;
    bool is_used = is_in_use(disk, record, &in_memory);
    if (in_memory > 0 && !mark->is_hit)
        *mark = log_mark_hit(*mark, logs_stamp(&disk->chooser->logs), 0);
    bool is_kept = chooser_stays(disk->chooser, mark, record_bytes(record));
    if (!is_kept && !is_used && !record->is_pinned)
        return false;
    mark->is_hit = false;
    return true;
}

static void reclaim_region(struct cache_disk *disk, struct region *region)
{
    uint64_t at = REGION_HEADER, end = atomic_load(&region->end);
    struct record record;
    for (; region_walk(region, end, &at, &record) == 1; at += record_bytes(&record)) {
        struct where where = where_in(region, at, record_bytes(&record));
        struct log_mark mark;
        if (!index_mark(&disk->index, record.hash, where, &mark))
            continue;
        if (stays(disk, &record, &mark) && append_copy(disk, region, at, &record, NULL, mark) == 0)
            continue;
        chooser_left(disk->chooser, record.hash.low, &mark, record_bytes(&record));
        index_drop(&disk->index, record.hash, &where);
        index_write(&disk->index, record.hash);
        leave_disk(disk, region, at, &record);
        counter_add(COUNTER_CACHE_DISK_EVICTED, 1);
    }
}

bool reclaim_one(struct cache_disk *disk)
{
    if (chooser_full(disk->chooser))
        carry_regions(disk);
    struct region *region = regions_least(&disk->regions);
    if (!region)
        return false;
    region->is_sealed = true;
    if (disk->open[region->log] == region)
        disk->open[region->log] = NULL;
    logs_left(&disk->chooser->logs, region->stand.value);
    reclaim_region(disk, region);
    regions_retire(region);
    return true;
}

/* --- going on after an end --- */
void weigh_regions(struct cache_disk *disk)
{
    if (disk->regions.newest.sequence > 0)
        chooser_resume(disk->chooser, &disk->regions.newest);
    for (uint32_t slot = 0; slot < disk->regions.slot_count; slot++) {
        struct region *region = disk->regions.by_slot[slot];
        if (!region)
            continue;
        region->stand.value += logs_reach(&disk->chooser->logs, region->log);
        logs_meet(&disk->chooser->logs, region->stand.asked, region->stand.size);
    }
    atomic_store(&disk->index.stamp, logs_stamp(&disk->chooser->logs));
}

void reopen_regions(struct cache_disk *disk)
{
    for (uint32_t slot = 0; slot < disk->regions.slot_count; slot++) {
        struct region *region = disk->regions.by_slot[slot];
        if (!region)
            continue;
        struct region *open = regions_open_one(&disk->regions, region->log);
        if (region != open || atomic_load(&region->end) + CACHE_BLOCK > disk->regions.region_bytes)
            region->is_sealed = true;
    }
    for (unsigned log = 0; log < LOGS; log++) {
        struct region *region = regions_open_one(&disk->regions, log);
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
        disk->open[log] = region;
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
    struct log_mark mark;
    if (index_mark(&disk->index, record->hash, where, &mark))
        return;
    size_t count = index_find(&disk->index, record->hash, old);
    if (count > 0 && !is_newer(disk, record, &old[0]))
        return;
    mark = (struct log_mark){0, logs_stamp(&disk->chooser->logs), false};
    (void)!index_put(&disk->index, record->hash, where, mark, record->is_pinned,
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

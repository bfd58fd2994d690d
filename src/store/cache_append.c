// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/mem.h"
#include "store/cache_disk.h"
#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* --- sums of what is stored --- */
struct sums {
    XXH3_state_t block;
    uint64_t in_block, count, *list;
    EVP_MD_CTX *sha256; /* or NULL: it is known */
};

static void sums_add(struct sums *sums, const char *bytes, size_t size)
{
    if (sums->sha256)
        EVP_DigestUpdate(sums->sha256, bytes, size);
    while (size > 0) {
        size_t room = (size_t)(CACHE_BLOCK - sums->in_block);
        size_t part = size < room ? size : room;
        (void)XXH3_64bits_update(&sums->block, bytes, part);
        sums->in_block += part;
        bytes += part;
        size -= part;
        if (sums->in_block == CACHE_BLOCK) {
            sums->list[sums->count++] = XXH3_64bits_digest(&sums->block);
            (void)XXH3_64bits_reset(&sums->block);
            sums->in_block = 0;
        }
    }
}

/* Fills `list` and, of a whole object, its digest. */
static void sum_object(struct cache_object *object, uint64_t *list)
{
    struct sums sums = {.list = list};
    (void)XXH3_64bits_reset(&sums.block);
    if (object->state == CACHE_WHOLE && !object->has_digest) {
        sums.sha256 = EVP_MD_CTX_new();
        bool ok = sums.sha256 && EVP_DigestInit_ex(sums.sha256, EVP_sha256(), NULL);
        assert(ok);
    }
    for (size_t i = 0; i < object->slot_count; i++)
        sums_add(&sums, object->slots[i].chunk->bytes, object->slots[i].chunk->size);
    if (sums.in_block > 0)
        sums.list[sums.count++] = XXH3_64bits_digest(&sums.block);
    if (!sums.sha256)
        return;
    uint8_t sha256[32];
    EVP_DigestFinal_ex(sums.sha256, sha256, NULL);
    EVP_MD_CTX_free(sums.sha256);
    pthread_mutex_lock(&object->lock);
    memcpy(object->sha256, sha256, sizeof sha256);
    object->has_digest = true;
    pthread_mutex_unlock(&object->lock);
}

/* --- a new record --- */
/* Head and both places for metadata, of which the first is filled. */
static uint8_t *front_of(struct record *record, struct text key, const struct cache_range *ranges,
                         const uint64_t *sums, const struct cache_meta *meta)
{
    uint8_t *front = mem_zalloc((size_t)record_body_at(record));
    record_encode(record, key, ranges, sums, front);
    meta_encode(meta, record->serial, 1, front + record->head_bytes);
    return front;
}

static int write_object(struct cache_disk *disk, struct region *region, const uint8_t *front,
                        const struct record *record, const struct cache_object *object)
{
    uint64_t at = region->end, body_at = record_body_at(record);
    int error = disk->disk->write_at(disk->disk, region->fd, front, (size_t)body_at, at);
    at += body_at;
    for (size_t i = 0; i < object->slot_count && !error; i++) {
        const struct chunk *chunk = object->slots[i].chunk;
        error = disk->disk->write_at(disk->disk, region->fd, chunk->bytes, chunk->size, at);
        at += chunk->size;
    }
    uint64_t spare = region->end + record_bytes(record) - at;
    static const uint8_t zeros[CACHE_UNIT];
    if (!error && spare > 0)
        error = disk->disk->write_at(disk->disk, region->fd, zeros, (size_t)spare, at);
    return error;
}

/* The bytes can be brought back from there; `sums` are the object's from here on, if it has none.
 */
static void set_place(struct cache_object *object, struct region *region, uint64_t at,
                      const struct record *record, uint64_t *sums)
{
    pthread_mutex_lock(&object->lock);
    struct region *old = object->place.region;
    object->place.region = region_ref(region);
    object->place.record_at = at;
    object->place.body_at = at + record_body_at(record);
    object->place.bytes = record_bytes(record);
    if (sums) {
        object->place.sums = sums;
        object->charged += record_blocks(record) * sizeof sums[0];
    }
    pthread_mutex_unlock(&object->lock);
    region_unref(old);
}

/* In the place of what the key had before, if it had anything. */
static bool enter(struct cache_disk *disk, struct cache_hash hash, struct where where,
                  struct log_mark mark, bool is_pinned)
{
    struct where old[INDEX_FOUND_MAX];
    index_load(&disk->index, hash);
    size_t count = index_find(&disk->index, hash, old);
    struct log_mark before;
    if (count > 0 && index_mark(&disk->index, hash, old[0], &before) && before.asked > mark.asked)
        mark.asked = before.asked;
    bool is_in = count > 0 && index_put(&disk->index, hash, where, mark, is_pinned, &old[0]);
    for (size_t i = 1; i < count; i++)
        index_drop(&disk->index, hash, &old[i]);
    if (count > 1)
        index_write(&disk->index, hash);
    return is_in || index_put(&disk->index, hash, where, mark, is_pinned, NULL);
}

static struct record record_of(struct cache_disk *disk, const struct cache_object *object)
{
    struct record record = {.serial = disk->next_serial++,
                            .hash = object->hash,
                            .length = object->length,
                            .stored = object->stored,
                            .key_bytes = (uint16_t)object->key.size,
                            .range_count = (uint8_t)object->range_count,
                            .is_pinned = object->is_pinned};
    memcpy(record.sha256, object->sha256, sizeof record.sha256);
    return record;
}

static bool is_listed(struct cache_object *object)
{
    struct cache_object *there = memory_find(object->memory, object->hash);
    cache_object_unref(there);
    return there == object;
}

/* The record is written; unless the object was removed or replaced meanwhile it counts. */
static bool commit(struct cache_disk *disk, struct cache_object *object, struct region *region,
                   const struct record *record, struct log_mark mark, uint64_t *sums)
{
    uint64_t at = region->end;
    struct where where = where_in(region, at, record_bytes(record));
    atomic_store(&region->end, at + record_bytes(record));
    disk->is_dirty = true;
    counter_add(COUNTER_CACHE_DISK_WRITTEN, (int64_t)record_bytes(record));
    if (!enter(disk, object->hash, where, mark, record->is_pinned))
        return false;
    set_place(object, region, at, record, sums);
    if (!is_listed(object)) {
        index_drop(&disk->index, object->hash, &where);
        index_write(&disk->index, object->hash);
    }
    memory_resized(object->memory, object);
    return true;
}

static struct log_mark came(struct cache_disk *disk, const struct record *record)
{
    struct log_mark mark;
    if (chooser_came(disk->chooser, record->hash.low, record_bytes(record), &mark))
        carry_regions(disk);
    atomic_store_explicit(&disk->index.stamp, mark.asked_at, memory_order_relaxed);
    return mark;
}

int append_object(struct cache_disk *disk, struct cache_object *object)
{
    struct record record = {.stored = object->stored};
    size_t sums_bytes = (size_t)record_blocks(&record) * sizeof(uint64_t);
    if (!is_listed(object))
        return 0;
    if (!memory_reserve(object->memory, sums_bytes))
        return -ENOBUFS;
    uint64_t *sums = mem_alloc(sums_bytes + 1);
    sum_object(object, sums);
    const struct cache_meta *meta = cache_object_meta(object);
    record = record_of(disk, object);
    struct region *region = NULL;
    int error = record_lay_out(&record, meta_bytes(meta)) ? 0 : -EFBIG;
    struct log_mark mark = {0, 0, false};
    double value = 0;
    if (!error) {
        mark = came(disk, &record);
        error = region_for(disk, &mark, record_bytes(&record), false, &value, &region);
    }
    if (!error) {
        record.region = region->sequence;
        uint8_t *front = front_of(&record, object->key, object->ranges, sums, meta);
        error = write_object(disk, region, front, &record, object);
        mem_free(front);
    }
    if (!error)
        log_stand_add(&region->stand, value, &mark, record_bytes(&record));
    if (error || !commit(disk, object, region, &record, mark, sums)) {
        mem_free(sums);
        memory_return(object->memory, sums_bytes);
    }
    cache_meta_unref(meta);
    return error;
}

/* --- a copy --- */
static int copy_body(struct cache_disk *disk, const struct region *from, uint64_t at,
                     const struct region *to, uint64_t to_at, uint64_t bytes)
{
    while (bytes > 0) {
        size_t part = bytes < DISK_COPY_BYTES ? (size_t)bytes : DISK_COPY_BYTES;
        int error = disk->disk->read_at(disk->disk, from->fd, disk->copy, part, at);
        if (!error)
            error = disk->disk->write_at(disk->disk, to->fd, disk->copy, part, to_at);
        if (error)
            return error;
        at += part;
        to_at += part;
        bytes -= part;
    }
    return 0;
}

/* The front of the copy: the head for another region and the places as they are, or with other
 * metadata laid out anew; *record becomes that of the copy. */
static int front_of_copy(struct cache_disk *disk, struct region *from, uint64_t at,
                         struct record *record, const struct cache_meta *meta, uint64_t sequence,
                         uint8_t **ret)
{
    size_t size = (size_t)record_body_at(record);
    uint8_t *front = mem_alloc(size);
    int error = disk->disk->read_at(disk->disk, from->fd, front, size, at);
    if (!error && meta) {
        struct text key;
        struct cache_range ranges[CACHE_RANGES_MAX];
        uint64_t *sums = mem_alloc(record_blocks(record) * sizeof(uint64_t) + 1);
        error =
            record_decode_rest(record, text_make((const char *)front, size), &key, ranges, sums) &&
                    record_lay_out(record, meta_bytes(meta))
                ? 0
                : -EBADMSG;
        record->region = sequence;
        uint8_t *other = error ? NULL : front_of(record, key, ranges, sums, meta);
        mem_free(sums);
        mem_free(front);
        front = other;
    } else if (!error) {
        record_move(front, sequence);
    }
    if (error)
        mem_free(front);
    else
        *ret = front;
    return error;
}

static void move_object(struct cache_disk *disk, const struct region *from, uint64_t from_at,
                        struct region *to, uint64_t at, const struct record *record)
{
    struct cache_object *object = memory_find(&disk->cache->memory, record->hash);
    if (!object)
        return;
    pthread_mutex_lock(&object->lock);
    bool is_its = object->place.region == from && object->place.record_at == from_at;
    pthread_mutex_unlock(&object->lock);
    if (is_its)
        set_place(object, to, at, record, NULL);
    cache_object_unref(object);
}

int append_copy(struct cache_disk *disk, struct region *from, uint64_t at,
                const struct record *record, const struct cache_meta *meta, struct log_mark mark)
{
    struct record copy = *record;
    struct region *to;
    uint8_t *front;
    if (meta && !record_lay_out(&copy, meta_bytes(meta)))
        return -EFBIG;
    uint64_t room = record_bytes(&copy);
    double value;
    int error = region_for(disk, &mark, room, true, &value, &to);
    if (error)
        return error;
    copy = *record;
    error = front_of_copy(disk, from, at, &copy, meta, to->sequence, &front);
    if (error)
        return error;
    uint64_t to_at = to->end, body_at = record_body_at(&copy);
    error = disk->disk->write_at(disk->disk, to->fd, front, (size_t)body_at, to_at);
    mem_free(front);
    if (!error)
        error = copy_body(disk, from, at + record_body_at(record), to, to_at + body_at,
                          record_bytes(record) - record_body_at(record));
    if (error)
        return error;
    struct where old = where_in(from, at, record_bytes(record));
    struct where where = where_in(to, to_at, record_bytes(&copy));
    atomic_store(&to->end, to_at + record_bytes(&copy));
    disk->is_dirty = true;
    counter_add(COUNTER_CACHE_DISK_WRITTEN, (int64_t)record_bytes(&copy));
    log_stand_add(&to->stand, value, &mark, room);
    if (index_put(&disk->index, record->hash, where, mark, record->is_pinned, &old))
        move_object(disk, from, at, to, to_at, &copy);
    return 0;
}

/* --- other metadata --- */
/* Which of the places is written next, and with which version. */
static int next_place(struct cache_disk *disk, struct region *region, uint64_t at,
                      const struct record *record, uint64_t *ret_at, uint32_t *ret_version)
{
    size_t room = record->meta_room;
    uint8_t *places = mem_alloc(2 * room);
    uint64_t marks[CACHE_MARKS_MAX], places_at = at + record->head_bytes;
    struct cache_meta meta;
    uint32_t versions[2] = {0, 0};
    int error = disk->disk->read_at(disk->disk, region->fd, places, 2 * room, places_at);
    for (size_t i = 0; i < 2 && !error; i++)
        if (!meta_decode(text_make((const char *)places + i * room, room), record->serial,
                         &versions[i], &meta, marks))
            versions[i] = 0;
    mem_free(places);
    *ret_at = places_at + (versions[0] < versions[1] ? 0 : room);
    *ret_version = (versions[0] < versions[1] ? versions[1] : versions[0]) + 1;
    return error;
}

static int write_meta(struct cache_disk *disk, struct region *region, uint64_t at,
                      const struct record *record, const struct cache_meta *meta)
{
    uint64_t place_at;
    uint32_t version;
    size_t size = META_HEADER + meta_bytes(meta);
    if (size > record->meta_room) {
        struct log_mark mark = {0, logs_stamp(&disk->chooser->logs), false};
        struct where where = where_in(region, at, record_bytes(record));
        return index_mark(&disk->index, record->hash, where, &mark)
                   ? append_copy(disk, region, at, record, meta, mark)
                   : 0;
    }
    int error = next_place(disk, region, at, record, &place_at, &version);
    if (error)
        return error;
    uint8_t *bytes = mem_zalloc(size);
    meta_encode(meta, record->serial, version, bytes);
    error = disk->disk->write_at(disk->disk, region->fd, bytes, size, place_at);
    mem_free(bytes);
    disk->is_dirty = true;
    return error;
}

int append_meta(struct cache_disk *disk, struct cache_object *object)
{
    pthread_mutex_lock(&object->lock);
    struct region *region = object->place.region ? region_ref(object->place.region) : NULL;
    uint64_t at = object->place.record_at;
    pthread_mutex_unlock(&object->lock);
    if (!region)
        return 0;
    struct record record;
    uint64_t found_at = at;
    int error = 0;
    const struct cache_meta *meta = cache_object_meta(object);
    if (region_walk(region, region->end, &found_at, &record) == 1 && found_at == at)
        error = write_meta(disk, region, at, &record, meta);
    cache_meta_unref(meta);
    region_unref(region);
    return error;
}

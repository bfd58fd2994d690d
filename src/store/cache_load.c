// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/loop.h"
#include "store/cache_disk.h"
#include <errno.h>
#include <fcntl.h>

/* What is read in one go: an object of one piece, or the front of a larger one. */
enum { ONE_READ = CACHE_CONTIGUOUS_BYTES + (256 << 10), FRONT_READ = 16 << 10, SLOT = 256 << 10 };
enum { TRIES = 3 };

enum bring { BRING_DONE, BRING_OTHER, BRING_DAMAGED, BRING_FAILED };

static bool is_block_good(const char *block, size_t size, uint64_t sum)
{
    return !guard_is_on(GUARD_CACHE_SUMS) || cache_sum(block, size) == sum;
}

/* --- one record --- */
struct reading {
    struct cache_disk *disk;
    struct region *region;
    uint64_t at;
    uint8_t *bytes;
    size_t size; /* that are in `bytes` */
    struct record record;
    struct cache_range ranges[CACHE_RANGES_MAX];
    uint64_t *sums;
};

static int read_more(struct reading *reading, size_t size)
{
    if (size <= reading->size)
        return 0;
    mem_free(reading->bytes);
    reading->bytes = mem_alloc(size);
    reading->size = size;
    return reading->disk->disk->read_at(reading->disk->disk, reading->region->fd, reading->bytes,
                                        size, reading->at);
}

static struct text text_at(const struct reading *reading, uint64_t from, uint64_t size)
{
    return text_make((const char *)reading->bytes + from, (size_t)size);
}

/* The head and both places, and whose they are. */
static enum bring read_front(struct reading *reading, uint64_t bytes, struct cache_hash hash,
                             struct text key)
{
    struct record *record = &reading->record;
    if (read_more(reading, bytes <= ONE_READ ? (size_t)bytes : FRONT_READ))
        return BRING_FAILED;
    if (reading->size < RECORD_FIXED ||
        record_decode(text_at(reading, 0, reading->size), reading->region->sequence, record) !=
            RECORD_LIVE ||
        record_bytes(record) != bytes)
        return BRING_DAMAGED;
    if (record->hash.high != hash.high || record->hash.low != hash.low)
        return BRING_OTHER;
    if (read_more(reading, (size_t)record_body_at(record)))
        return BRING_FAILED;
    struct text found;
    reading->sums = mem_alloc(record_blocks(record) * sizeof(uint64_t) + 1);
    if (!record_decode_rest(record, text_at(reading, 0, reading->size), &found, reading->ranges,
                            reading->sums))
        return BRING_DAMAGED;
    return text_equal(found, key) ? BRING_DONE : BRING_OTHER;
}

/* The newer good one of the two. */
static bool read_meta(struct reading *reading, struct cache_meta *ret,
                      uint64_t ret_marks[CACHE_MARKS_MAX])
{
    const struct record *record = &reading->record;
    uint64_t marks[CACHE_MARKS_MAX];
    struct cache_meta meta;
    uint32_t version, newest = 0;
    for (size_t i = 0; i < 2; i++) {
        struct text place =
            text_at(reading, record->head_bytes + i * record->meta_room, record->meta_room);
        if (!meta_decode(place, record->serial, &version, &meta, marks) || version <= newest)
            continue;
        newest = version;
        memcpy(ret_marks, marks, sizeof marks);
        *ret = meta;
        ret->marks = ret_marks;
    }
    return newest > 0;
}

static bool are_blocks_good(const char *bytes, uint64_t size, const uint64_t *sums)
{
    for (uint64_t at = 0; at < size; at += CACHE_BLOCK, sums++) {
        uint64_t left = size - at;
        if (!is_block_good(bytes + at, (size_t)(left < CACHE_BLOCK ? left : CACHE_BLOCK), *sums))
            return false;
    }
    return true;
}

static bool is_one_read(const struct record *record)
{
    return record_bytes(record) <= ONE_READ && record->stored <= CACHE_CONTIGUOUS_BYTES;
}

/* Slots, empty or with all of it.  Takes over the sums; false: no memory. */
static bool fill(struct reading *reading, struct cache_object *object)
{
    const struct record *record = &reading->record;
    size_t count =
        is_one_read(record) ? record->stored > 0 : (size_t)((record->stored + SLOT - 1) / SLOT);
    size_t bytes = record_blocks(record) * sizeof(uint64_t) + count * sizeof(struct slot) +
                   record->range_count * sizeof(struct cache_range);
    if (!memory_reserve(object->memory, bytes))
        return false;
    object->charged += bytes;
    object->slots = mem_zalloc(count * sizeof(struct slot) + 1);
    object->slot_count = object->slot_room = count;
    for (size_t i = 0; i < count; i++)
        object->slots[i].begin = i * SLOT;
    object->ranges =
        mem_realloc_array(object->ranges, record->range_count + 1U, sizeof object->ranges[0]);
    memcpy(object->ranges, reading->ranges, record->range_count * sizeof object->ranges[0]);
    object->range_count = record->range_count;
    object->place.sums = reading->sums;
    reading->sums = NULL;
    if (count == 0 || !is_one_read(record))
        return true;
    struct chunk *chunk = chunk_new(object->memory, (uint32_t)record->stored);
    if (!chunk)
        return false;
    memcpy(chunk->bytes, reading->bytes + record_body_at(record), (size_t)record->stored);
    chunk->size = (uint32_t)record->stored;
    object->slots[0].chunk = chunk;
    return true;
}

static struct cache_object *object_of(struct reading *reading, struct text key,
                                      const struct cache_meta *meta)
{
    const struct record *record = &reading->record;
    struct cache *cache = reading->disk->cache;
    struct cache_object *object = object_new(cache, &cache->memory, record->hash, key, meta);
    if (!object)
        return NULL;
    object->length = record->length;
    object->stored = record->stored;
    object->is_pinned = record->is_pinned;
    object->state = record->stored == record->length ? CACHE_WHOLE : CACHE_PARTIAL;
    object->has_digest = object->state == CACHE_WHOLE;
    memcpy(object->sha256, record->sha256, sizeof object->sha256);
    object->place.region = region_ref(reading->region);
    object->place.record_at = reading->at;
    object->place.body_at = reading->at + record_body_at(record);
    object->place.bytes = record_bytes(record);
    if (fill(reading, object))
        return object;
    cache_object_unref(object);
    return NULL;
}

static enum bring bring_one(struct reading *reading, uint64_t bytes, struct cache_hash hash,
                            struct text key, struct cache_object **ret)
{
    uint64_t marks[CACHE_MARKS_MAX];
    struct cache_meta meta;
    enum bring what = read_front(reading, bytes, hash, key);
    if (what != BRING_DONE)
        return what;
    if (!read_meta(reading, &meta, marks))
        return BRING_DAMAGED;
    const struct record *record = &reading->record;
    if (is_one_read(record) &&
        !are_blocks_good((const char *)reading->bytes + record_body_at(record), record->stored,
                         reading->sums))
        return BRING_DAMAGED;
    *ret = object_of(reading, key, &meta);
    return *ret ? BRING_DONE : BRING_FAILED;
}

static enum bring bring_from(struct cache_disk *disk, struct where where, struct cache_hash hash,
                             struct text key, uint64_t *ret_serial, struct cache_object **ret)
{
    struct reading reading = {.disk = disk, .at = (uint64_t)where.offset_units * CACHE_UNIT};
    reading.region = regions_get(&disk->regions, where);
    if (!reading.region)
        return BRING_OTHER;
    enum bring what = bring_one(&reading, (uint64_t)where.size_units * CACHE_UNIT, hash, key, ret);
    *ret_serial = reading.record.serial;
    region_unref(reading.region);
    mem_free(reading.bytes);
    mem_free(reading.sums);
    struct log_mark mark;
    if (what == BRING_DAMAGED && index_mark(&disk->index, hash, where, &mark))
        disk_damaged(disk, hash, where);
    if (what == BRING_FAILED)
        counter_add(COUNTER_CACHE_DISK_READS_FAILED, 1);
    return what;
}

/* Of several of one key (a crash may leave two) the one that was written last. */
static struct cache_object *bring_best(struct cache_disk *disk, struct cache_hash hash,
                                       struct text key, struct where *ret_where)
{
    struct where found[INDEX_FOUND_MAX];
    struct cache_object *best = NULL;
    uint64_t newest = 0, serial;
    size_t count = index_find(&disk->index, hash, found);
    for (size_t i = 0; i < count; i++) {
        struct cache_object *object = NULL;
        if (bring_from(disk, found[i], hash, key, &serial, &object) != BRING_DONE)
            continue;
        struct cache_object *worse = best && serial < newest ? object : best;
        if (worse != object) {
            best = object;
            newest = serial;
            *ret_where = found[i];
        }
        cache_object_unref(worse);
    }
    return best;
}

static bool is_on_disk(struct cache_object *object)
{
    pthread_mutex_lock(&object->lock);
    bool is_there = object->place.region != NULL;
    pthread_mutex_unlock(&object->lock);
    return is_there;
}

/* What was moved, replaced or removed while it was read is read again. */
struct cache_object *disk_bring(struct cache_disk *disk, struct cache_hash hash, struct text key)
{
    struct cache_memory *memory = &disk->cache->memory;
    index_load(&disk->index, hash);
    for (int i = 0; i < TRIES; i++) {
        struct where where;
        struct log_mark mark;
        struct cache_object *object = memory_get(memory, hash, key);
        if (object)
            return object;
        object = bring_best(disk, hash, key, &where);
        if (!object)
            return NULL;
        object = memory_put_if_new(memory, object);
        if (!is_on_disk(object) || index_mark(&disk->index, hash, where, &mark)) {
            index_hit(&disk->index, hash, where);
            chooser_hit(disk->chooser, hash.low, (uint64_t)where.size_units * CACHE_UNIT);
            counter_add(COUNTER_CACHE_DISK_HITS, 1);
            return object;
        }
        memory_drop(memory, object);
        cache_object_unref(object);
    }
    return NULL;
}

void disk_damaged(struct cache_disk *disk, struct cache_hash hash, struct where where)
{
    counter_add(COUNTER_CACHE_DISK_DAMAGED, 1);
    index_drop(&disk->index, hash, &where);
    disk_kill(disk, hash, where);
}

/* --- bytes of an object that is open --- */
struct load {
    struct cache_object *object;
    size_t slot;
};

/* Blocks of [begin, end) into `chunk`, each checked whole. */
static enum bring read_blocks(struct cache_disk *disk, const struct place *place, uint64_t stored,
                              uint64_t begin, uint64_t end, struct chunk *chunk)
{
    uint64_t first = begin / CACHE_BLOCK * CACHE_BLOCK;
    uint64_t last = (end + CACHE_BLOCK - 1) / CACHE_BLOCK * CACHE_BLOCK;
    last = last < stored ? last : stored;
    bool is_aligned = first == begin && last == end;
    char *bytes = is_aligned ? chunk->bytes : mem_alloc((size_t)(last - first));
    enum bring what = BRING_DONE;
    if (disk->disk->read_at(disk->disk, place->region->fd, bytes, (size_t)(last - first),
                            place->body_at + first))
        what = BRING_FAILED;
    else if (!are_blocks_good(bytes, last - first, place->sums + first / CACHE_BLOCK))
        what = BRING_DAMAGED;
    if (!is_aligned) {
        memcpy(chunk->bytes, bytes + (begin - first), (size_t)(end - begin));
        mem_free(bytes);
    }
    chunk->size = (uint32_t)(end - begin);
    (void)posix_fadvise(place->region->fd, (off_t)(place->body_at + last), 2 * SLOT,
                        POSIX_FADV_WILLNEED);
    return what;
}

static void finish_load(struct cache_object *object, size_t slot, struct chunk *chunk,
                        enum bring what)
{
    struct chunk *unused = chunk;
    if (what != BRING_DONE) /* first of all: who is woken and asks again gets another */
        memory_drop(object->memory, object);
    pthread_mutex_lock(&object->lock);
    object->slots[slot].is_loading = false;
    if (what != BRING_DONE) {
        object->state = CACHE_FAILED;
    } else if (!object->slots[slot].chunk) {
        object->slots[slot].chunk = chunk;
        unused = NULL;
    }
    object_wake(object);
    pthread_mutex_unlock(&object->lock);
    chunk_unref(unused);
    if (what != BRING_DONE)
        counter_add(COUNTER_CACHE_DISK_READS_FAILED, 1);
    else
        memory_resized(object->memory, object);
}

static void load(void *context)
{
    struct load *load = context;
    struct cache_object *object = load->object;
    struct cache_disk *disk = object->cache->disk;
    pthread_mutex_lock(&object->lock);
    struct place place = object->place;
    if (place.region)
        region_ref(place.region);
    uint64_t begin = object->slots[load->slot].begin, end = object_slot_end(object, load->slot);
    pthread_mutex_unlock(&object->lock);
    struct chunk *chunk = place.region ? chunk_new(object->memory, (uint32_t)(end - begin)) : NULL;
    enum bring what =
        chunk ? read_blocks(disk, &place, object->stored, begin, end, chunk) : BRING_FAILED;
    if (what == BRING_DAMAGED)
        disk_damaged(disk, object->hash, where_in(place.region, place.record_at, place.bytes));
    finish_load(object, load->slot, chunk, what);
    region_unref(place.region);
    cache_object_unref(object);
    mem_free(load);
}

bool disk_load(struct cache_object *object, size_t slot)
{
    struct cache_disk *disk = object->cache->disk;
    struct load *job = mem_alloc(sizeof *job);
    *job = (struct load){cache_object_ref(object), slot};
    if (disk && workers_submit(disk->readers, NULL, load, NULL, job)) {
        object->slots[slot].is_loading = true;
        return true;
    }
    atomic_fetch_sub(&object->refs, 1); /* never the last: the caller has one */
    mem_free(job);
    return false;
}

/* --- asking --- */
struct cache_ask {
    struct cache *cache;
    struct loop *loop;
    cache_found *found;
    void *context;
    bool is_cancelled;
    struct cache_object *object;
    struct cache_hash hash;
    size_t key_size;
    char key[];
};

static void answer(void *context)
{
    struct cache_ask *ask = context;
    if (ask->is_cancelled)
        cache_object_unref(ask->object);
    else
        ask->found(ask->context, ask->object);
    mem_free(ask);
}

static void bring(void *context)
{
    struct cache_ask *ask = context;
    struct cache_disk *disk = ask->cache->disk;
    ask->object = disk_bring(disk, ask->hash, text_make(ask->key, ask->key_size));
    atomic_fetch_sub(&disk->asks, 1);
    loop_post(ask->loop, answer, ask);
}

struct cache_ask *cache_ask(struct cache *cache, struct text key, struct loop *loop,
                            cache_found *found, void *context)
{
    struct cache_disk *disk = cache->disk;
    if (!disk)
        return NULL;
    if (atomic_fetch_add(&disk->asks, 1) >= DISK_ASKS_MAX && guard_is_on(GUARD_CACHE_ASKS)) {
        atomic_fetch_sub(&disk->asks, 1);
        counter_add(COUNTER_CACHE_ASKS_REFUSED, 1);
        return NULL;
    }
    struct cache_ask *ask = mem_zalloc(sizeof *ask + key.size);
    ask->cache = cache;
    ask->loop = loop;
    ask->found = found;
    ask->context = context;
    ask->hash = cache_hash(cache, key);
    ask->key_size = key.size;
    memcpy(ask->key, key.data, key.size);
    if (workers_submit(disk->readers, NULL, bring, NULL, ask))
        return ask;
    atomic_fetch_sub(&disk->asks, 1);
    mem_free(ask);
    return NULL;
}

void cache_ask_cancel(struct cache_ask *ask) { ask->is_cancelled = true; }

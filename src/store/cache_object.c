// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_object.h"
#include "base/mem.h"
#include "io/loop.h"
#include "store/cache_disk.h"
#include "store/cache_memory.h"
#include <assert.h>

/* --- chunks --- */
static struct chunk *chunk_init(struct chunk *chunk, struct cache_memory *memory, size_t capacity)
{
    *chunk = (struct chunk){.capacity = (uint32_t)capacity, .memory = memory};
    atomic_init(&chunk->refs, 1);
    return chunk;
}

/* NULL when there are no pages for it. */
static struct chunk *chunk_in_pages(struct cache_memory *memory, uint32_t capacity)
{
    struct pages_run run;
    size_t bytes = pages_round(memory->pages, capacity);
    if (!memory_reserve(memory, sizeof(struct chunk) + bytes))
        return NULL;
    if (!pages_take(memory->pages, capacity, &run)) {
        memory_return(memory, sizeof(struct chunk) + bytes);
        return NULL;
    }
    struct chunk *chunk = chunk_init(mem_alloc(sizeof *chunk), memory, bytes);
    chunk->bytes = run.bytes;
    chunk->has_run = true;
    return chunk;
}

struct chunk *chunk_new(struct cache_memory *memory, uint32_t capacity)
{
    bool fits_pages = memory->pages && capacity >= PAGES_LEAST && capacity <= PAGES_MOST;
    struct chunk *chunk = fits_pages ? chunk_in_pages(memory, capacity) : NULL;
    if (chunk || !memory_reserve(memory, sizeof(struct chunk) + capacity))
        return chunk;
    chunk = chunk_init(mem_alloc(sizeof *chunk + capacity), memory, capacity);
    chunk->bytes = (char *)(chunk + 1);
    return chunk;
}

struct chunk *chunk_trim(struct chunk *chunk)
{
    struct pages_run run = {chunk->bytes, chunk->capacity};
    uint32_t before = chunk->capacity;
    if (chunk->size == chunk->capacity || atomic_load(&chunk->refs) > 1)
        return chunk;
    if (!chunk->has_run) {
        chunk->capacity = chunk->size;
        chunk = mem_realloc(chunk, sizeof *chunk + chunk->size);
        chunk->bytes = (char *)(chunk + 1);
    } else {
        pages_trim(chunk->memory->pages, &run, chunk->size);
        chunk->capacity = (uint32_t)run.size;
    }
    memory_return(chunk->memory, before - chunk->capacity);
    return chunk;
}

void chunk_unref(struct chunk *chunk)
{
    if (!chunk || atomic_fetch_sub(&chunk->refs, 1) > 1)
        return;
    struct cache_memory *memory = chunk->memory;
    uint64_t bytes = sizeof *chunk + chunk->capacity;
    struct pages_run run = {chunk->bytes, chunk->capacity};
    if (chunk->has_run)
        pages_give_back(memory->pages, &run);
    mem_free(chunk);
    memory_return(memory, bytes);
}

/* --- metadata --- */
struct meta_box *meta_box_new(struct cache_memory *memory, const struct cache_meta *meta)
{
    size_t marks_bytes = meta->mark_count * sizeof meta->marks[0];
    size_t bytes = sizeof(struct meta_box) + marks_bytes + meta->bytes.size;
    if (!memory_reserve(memory, bytes))
        return NULL;
    struct meta_box *box = mem_alloc(bytes);
    atomic_init(&box->refs, 1);
    box->memory = memory;
    box->charged = bytes;
    bytes_copy(box->storage, meta->marks, marks_bytes);
    char *copy = (char *)(box->storage + meta->mark_count);
    bytes_copy(copy, meta->bytes.data, meta->bytes.size);
    box->meta = (struct cache_meta){text_make(copy, meta->bytes.size), meta->generation,
                                    box->storage, meta->mark_count};
    return box;
}

void cache_meta_unref(const struct cache_meta *meta)
{
    if (!meta)
        return;
    struct meta_box *box =
        CONTAINER_OF((struct cache_meta *)(uintptr_t)meta, struct meta_box, meta);
    if (atomic_fetch_sub(&box->refs, 1) > 1)
        return;
    struct cache_memory *memory = box->memory;
    size_t bytes = box->charged;
    mem_free(box);
    memory_return(memory, bytes);
}

const struct cache_meta *cache_object_meta(struct cache_object *object)
{
    pthread_mutex_lock(&object->lock);
    struct meta_box *box = object->meta;
    atomic_fetch_add(&box->refs, 1);
    pthread_mutex_unlock(&object->lock);
    return &box->meta;
}

/* --- life --- */
struct cache_object *object_new(struct cache *cache, struct cache_memory *memory,
                                struct cache_hash hash, struct text key,
                                const struct cache_meta *meta)
{
    size_t charged = sizeof(struct cache_object) + key.size + sizeof(struct cache_range);
    if (!memory_reserve(memory, charged))
        return NULL;
    struct meta_box *box = meta_box_new(memory, meta);
    if (!box) {
        memory_return(memory, charged);
        return NULL;
    }
    struct cache_object *object = mem_zalloc(sizeof *object + key.size);
    char *copy = (char *)(object + 1);
    memcpy(copy, key.data, key.size);
    object->key = text_make(copy, key.size);
    atomic_init(&object->refs, 1);
    object->memory = memory;
    object->cache = cache;
    object->hash = hash;
    object->charged = charged;
    object->meta = box;
    object->length = CACHE_LENGTH_UNKNOWN;
    object->ranges = mem_zalloc(sizeof(struct cache_range));
    pthread_mutex_init(&object->lock, NULL);
    return object;
}

struct cache_object *cache_object_ref(struct cache_object *object)
{
    atomic_fetch_add(&object->refs, 1);
    return object;
}

void cache_object_unref(struct cache_object *object)
{
    if (!object || atomic_fetch_sub(&object->refs, 1) > 1)
        return;
    assert(!object->is_listed && !object->waits);
    for (size_t i = 0; i < object->slot_count; i++)
        chunk_unref(object->slots[i].chunk);
    struct cache_memory *memory = object->memory;
    size_t charged = object->charged;
    cache_meta_unref(&object->meta->meta);
    disk_place_release(&object->place);
    mem_free(object->ranges);
    mem_free(object->slots);
    pthread_mutex_destroy(&object->lock);
    mem_free(object);
    memory_return(memory, charged);
}

/* --- slots --- */
bool object_reserve_slot(struct cache_object *object)
{
    if (object->slot_count < object->slot_room)
        return true;
    size_t room = object->slot_room ? 2 * object->slot_room : 1;
    size_t more = (room - object->slot_room) * sizeof(struct slot);
    if (!memory_reserve(object->memory, more))
        return false;
    pthread_mutex_lock(&object->lock);
    object->charged += more;
    object->slots = mem_realloc_array(object->slots, room, sizeof(struct slot));
    object->slot_room = room;
    pthread_mutex_unlock(&object->lock);
    return true;
}

void object_add_slot(struct cache_object *object, struct chunk *chunk)
{
    object->slots[object->slot_count++] = (struct slot){object->stored, chunk, false};
}

size_t object_slot_at(const struct cache_object *object, uint64_t stored_at)
{
    size_t low = 0, high = object->slot_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (object->slots[middle].begin <= stored_at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint64_t object_slot_end(const struct cache_object *object, size_t slot)
{
    return slot + 1 < object->slot_count ? object->slots[slot + 1].begin : object->stored;
}

/* The slots stay as they are: each can be brought again by itself. */
void object_drop_chunks(struct cache_object *object)
{
    for (size_t i = 0; i < object->slot_count; i++) {
        chunk_unref(object->slots[i].chunk);
        object->slots[i].chunk = NULL;
    }
}

uint64_t object_resident_bytes(const struct cache_object *object)
{
    uint64_t bytes = object->meta->charged;
    for (size_t i = 0; i < object->slot_count; i++)
        if (object->slots[i].chunk)
            bytes += sizeof(struct chunk) + object->slots[i].chunk->capacity;
    return bytes;
}

bool object_find(const struct cache_object *object, uint64_t offset, uint64_t *ret_stored_at,
                 uint64_t *ret_run)
{
    uint64_t stored = 0;
    for (size_t i = 0; i < object->range_count; i++) {
        struct cache_range range = object->ranges[i];
        if (offset >= range.begin && offset < range.end) {
            *ret_stored_at = stored + (offset - range.begin);
            *ret_run = range.end - offset;
            return true;
        }
        stored += range.end - range.begin;
    }
    return false;
}

/* --- what a user asks --- */
uint64_t cache_object_length(struct cache_object *object) { return atomic_load(&object->length); }

enum cache_state cache_object_state(struct cache_object *object)
{
    return atomic_load(&object->state);
}

size_t cache_object_ranges(struct cache_object *object, struct cache_range *ret)
{
    pthread_mutex_lock(&object->lock);
    size_t count = object->range_count;
    memcpy(ret, object->ranges, count * sizeof *ret);
    pthread_mutex_unlock(&object->lock);
    return count;
}

bool cache_object_digest(struct cache_object *object, uint8_t ret_sha256[32])
{
    pthread_mutex_lock(&object->lock);
    bool is_known = object->has_digest;
    if (is_known)
        memcpy(ret_sha256, object->sha256, sizeof object->sha256);
    pthread_mutex_unlock(&object->lock);
    return is_known;
}

/* --- reading --- */
static enum cache_read look(const struct cache_object *object, uint64_t offset,
                            struct cache_piece *ret)
{
    uint64_t stored_at, run;
    if (!object_find(object, offset, &stored_at, &run)) {
        if (object->state == CACHE_WRITING && offset < object->length)
            return CACHE_READ_WAIT;
        return object->state == CACHE_FAILED && offset < object->length ? CACHE_READ_FAILED
                                                                        : CACHE_READ_END;
    }
    const struct slot *slot = &object->slots[object_slot_at(object, stored_at)];
    struct chunk *chunk = slot->chunk;
    if (!chunk)
        return object->state == CACHE_FAILED ? CACHE_READ_FAILED : CACHE_READ_WAIT;
    uint64_t skip = stored_at - slot->begin, left = chunk->size - skip;
    ret->bytes = text_make(chunk->bytes + skip, (size_t)(left < run ? left : run));
    ret->is_lasting = chunk->has_run;
    ret->_chunk = chunk;
    return CACHE_READ_PIECE;
}

enum cache_read cache_read(struct cache_object *object, uint64_t offset, struct cache_piece *ret)
{
    struct cache_piece piece;
    pthread_mutex_lock(&object->lock);
    enum cache_read what = look(object, offset, &piece);
    if (what == CACHE_READ_PIECE) {
        atomic_fetch_add(&((struct chunk *)piece._chunk)->refs, 1);
        *ret = piece;
    }
    pthread_mutex_unlock(&object->lock);
    return what;
}

void cache_piece_release(struct cache_piece *piece)
{
    chunk_unref(piece->_chunk);
    *piece = (struct cache_piece){TEXT_NONE, false, NULL};
}

/* --- waiting --- */
struct cache_wait {
    struct cache_wait *next; /* object's lock, as is_posted */
    struct cache_object *object;
    uint64_t offset;
    struct loop *loop;
    cache_wake *wake;
    void *context;
    bool is_posted, is_cancelled; /* cancelled: its loop's */
};

static void wait_ends(void *context)
{
    struct cache_wait *wait = context;
    if (!wait->is_cancelled)
        wait->wake(wait->context);
    cache_object_unref(wait->object);
    mem_free(wait);
}

void object_wake(struct cache_object *object)
{
    struct cache_piece piece;
    for (struct cache_wait **at = &object->waits; *at;) {
        struct cache_wait *wait = *at;
        if (look(object, wait->offset, &piece) == CACHE_READ_WAIT) {
            at = &wait->next;
            continue;
        }
        *at = wait->next;
        wait->is_posted = true;
        loop_post(wait->loop, wait_ends, wait);
    }
}

struct cache_wait *cache_wait(struct cache_object *object, uint64_t offset, struct loop *loop,
                              cache_wake *wake, void *context)
{
    struct cache_wait *wait = MEM_NEW(struct cache_wait);
    *wait = (struct cache_wait){NULL, cache_object_ref(object), offset, loop, wake, context, false,
                                false};
    bool has_failed = false;
    pthread_mutex_lock(&object->lock);
    wait->next = object->waits;
    object->waits = wait;
    uint64_t stored_at, run;
    if (object_find(object, offset, &stored_at, &run)) {
        struct slot *slot = &object->slots[object_slot_at(object, stored_at)];
        if (!slot->chunk && !slot->is_loading && object->state != CACHE_FAILED)
            has_failed = !disk_load(object, (size_t)(slot - object->slots));
    }
    if (has_failed)
        object->state = CACHE_FAILED;
    object_wake(object);
    pthread_mutex_unlock(&object->lock);
    if (has_failed)
        memory_drop(object->memory, object);
    return wait;
}

void cache_wait_cancel(struct cache_wait *wait)
{
    struct cache_object *object = wait->object;
    pthread_mutex_lock(&object->lock);
    if (wait->is_posted) {
        wait->is_cancelled = true;
        pthread_mutex_unlock(&object->lock);
        return;
    }
    struct cache_wait **at = &object->waits;
    while (*at != wait)
        at = &(*at)->next;
    *at = wait->next;
    pthread_mutex_unlock(&object->lock);
    cache_object_unref(object);
    mem_free(wait);
}

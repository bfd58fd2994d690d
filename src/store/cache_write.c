// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "store/cache_core.h"
#include "store/cache_disk.h"
#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>

/* Of unknown length: doubling. */
enum { FIRST_CHUNK = 4 << 10, LAST_CHUNK = 256 << 10 };

struct cache_writer {
    struct cache_object *object;
    uint64_t at; /* offset of the next byte */
    bool is_partial, has_failed, is_expecting;
    uint8_t expected[32];
    EVP_MD_CTX *sha256; /* when is_expecting */
};

static bool is_in_bounds(const struct cache_draft *draft)
{
    return draft->key.size > 0 && draft->key.size <= CACHE_KEY_MAX &&
           draft->meta.bytes.size <= CACHE_META_MAX && draft->meta.mark_count <= CACHE_MARKS_MAX &&
           (!draft->is_partial || draft->length != CACHE_LENGTH_UNKNOWN);
}

static void expect(struct cache_writer *writer, const uint8_t *sha256)
{
    if (!sha256)
        return;
    writer->is_expecting = true;
    memcpy(writer->expected, sha256, sizeof writer->expected);
    writer->sha256 = EVP_MD_CTX_new();
    bool ok = writer->sha256 && EVP_DigestInit_ex(writer->sha256, EVP_sha256(), NULL);
    assert(ok);
}

int cache_write_begin(struct cache *cache, const struct cache_draft *draft,
                      struct cache_writer **ret, struct cache_object **ret_object)
{
    if (!is_in_bounds(draft))
        return -EINVAL;
    if (draft->length != CACHE_LENGTH_UNKNOWN && !draft->is_partial &&
        draft->length > cache->max_object_bytes)
        return -EFBIG;
    struct cache_object *object =
        object_new(cache, &cache->memory, cache_hash(cache, draft->key), draft->key, &draft->meta);
    if (!object)
        return -ENOBUFS;
    object->length = draft->length;
    object->is_pinned = draft->is_pinned;
    struct cache_writer *writer = MEM_NEW(struct cache_writer);
    writer->object = object;
    writer->is_partial = draft->is_partial;
    expect(writer, draft->expect_sha256);
    *ret = writer;
    if (ret_object)
        *ret_object = cache_object_ref(object);
    return 0;
}

/* --- growing --- */
static uint32_t next_capacity(const struct cache_writer *writer, size_t wanted)
{
    const struct cache_object *object = writer->object;
    uint64_t left = object->length - writer->at;
    if (object->length != CACHE_LENGTH_UNKNOWN && !writer->is_partial) {
        uint64_t most = left >= PAGES_MOST ? PAGES_MOST : CACHE_CONTIGUOUS_BYTES;
        return (uint32_t)(left < most ? left : most);
    }
    uint64_t grown = object->stored < FIRST_CHUNK ? FIRST_CHUNK : object->stored;
    if (grown < wanted)
        grown = wanted;
    if (grown > LAST_CHUNK)
        grown = LAST_CHUNK;
    return (uint32_t)(left < grown ? left : grown);
}

/* The chunk that the next byte goes into; NULL when there is no memory for one. */
static struct chunk *chunk_for(struct cache_writer *writer, size_t wanted)
{
    struct cache_object *object = writer->object;
    if (object->slot_count > 0) {
        struct chunk *last = object->slots[object->slot_count - 1].chunk;
        if (last->size < last->capacity)
            return last;
    }
    if (!object_reserve_slot(object))
        return NULL;
    struct chunk *chunk = chunk_new(object->memory, next_capacity(writer, wanted));
    if (!chunk)
        return NULL;
    pthread_mutex_lock(&object->lock);
    object_add_slot(object, chunk);
    pthread_mutex_unlock(&object->lock);
    return chunk;
}

/* `size` bytes are in the chunk: they are there for readers from here on. */
static void publish(struct cache_writer *writer, struct chunk *chunk, size_t size)
{
    struct cache_object *object = writer->object;
    pthread_mutex_lock(&object->lock);
    chunk->size += (uint32_t)size;
    object->stored += size;
    writer->at += size;
    if (object->range_count == 0)
        object->ranges[object->range_count++] = (struct cache_range){writer->at - size, 0};
    object->ranges[object->range_count - 1].end = writer->at;
    object_wake(object);
    pthread_mutex_unlock(&object->lock);
}

static void fail(struct cache_writer *writer)
{
    struct cache_object *object = writer->object;
    writer->has_failed = true;
    pthread_mutex_lock(&object->lock);
    object->state = CACHE_FAILED;
    object_wake(object);
    pthread_mutex_unlock(&object->lock);
}

int cache_write(struct cache_writer *writer, struct text bytes)
{
    struct cache_object *object = writer->object;
    if (writer->has_failed)
        return -ENOBUFS;
    if (bytes.size > object->length - writer->at ||
        bytes.size > object->cache->max_object_bytes - object->stored) {
        fail(writer);
        return -EFBIG;
    }
    if (writer->is_expecting && bytes.size > 0)
        EVP_DigestUpdate(writer->sha256, bytes.data, bytes.size);
    while (bytes.size > 0) {
        struct chunk *chunk = chunk_for(writer, bytes.size);
        if (!chunk) {
            fail(writer);
            return -ENOBUFS;
        }
        size_t room = chunk->capacity - chunk->size;
        size_t size = bytes.size < room ? bytes.size : room;
        memcpy(chunk->bytes + chunk->size, bytes.data, size);
        publish(writer, chunk, size);
        bytes = text_from(bytes, size);
    }
    return 0;
}

int cache_write_seek(struct cache_writer *writer, uint64_t offset)
{
    struct cache_object *object = writer->object;
    if (writer->has_failed)
        return -ENOBUFS;
    if (offset == writer->at && object->range_count > 0)
        return 0;
    size_t count = object->range_count + 1;
    if (!writer->is_partial || offset < writer->at || offset > object->length ||
        count > CACHE_RANGES_MAX)
        return -EINVAL;
    if (!memory_reserve(object->memory, sizeof(struct cache_range)))
        return -ENOBUFS;
    pthread_mutex_lock(&object->lock);
    object->charged += sizeof(struct cache_range);
    object->ranges = mem_realloc_array(object->ranges, count + 1, sizeof(struct cache_range));
    object->ranges[object->range_count++] = (struct cache_range){offset, offset};
    writer->at = offset;
    pthread_mutex_unlock(&object->lock);
    return 0;
}

/* --- ending --- */
static void writer_free(struct cache_writer **writer)
{
    EVP_MD_CTX_free((*writer)->sha256);
    mem_free_p(writer);
}

void cache_write_abort(struct cache_writer **writer)
{
    if (!*writer)
        return;
    struct cache_object *object = (*writer)->object;
    fail(*writer);
    writer_free(writer);
    cache_object_unref(object);
}

/* Gives back what the last chunk has too much, if nobody reads in it. */
static void trim(struct cache_object *object)
{
    if (object->slot_count == 0)
        return;
    struct slot *slot = &object->slots[object->slot_count - 1];
    slot->chunk = chunk_trim(slot->chunk);
}

/* Empty ranges go: they were sought and never written. */
static void tidy_ranges(struct cache_object *object)
{
    size_t kept = 0;
    for (size_t i = 0; i < object->range_count; i++)
        if (object->ranges[i].end > object->ranges[i].begin)
            object->ranges[kept++] = object->ranges[i];
    object->range_count = kept;
}

static bool is_as_expected(struct cache_writer *writer)
{
    struct cache_object *object = writer->object;
    if (!writer->is_partial && object->length != CACHE_LENGTH_UNKNOWN &&
        object->length != object->stored)
        return false;
    if (!writer->is_expecting)
        return true;
    EVP_DigestFinal_ex(writer->sha256, object->sha256, NULL);
    object->has_digest = memcmp(object->sha256, writer->expected, sizeof writer->expected) == 0;
    return object->has_digest;
}

static int settle(struct cache_writer *writer, const struct cache_meta *meta)
{
    struct cache_object *object = writer->object;
    struct meta_box *box = NULL;
    if (meta && (meta->bytes.size > CACHE_META_MAX || meta->mark_count > CACHE_MARKS_MAX))
        return -EINVAL;
    if (writer->has_failed || (meta && !(box = meta_box_new(object->memory, meta))))
        return -ENOBUFS;
    pthread_mutex_lock(&object->lock);
    bool is_good = is_as_expected(writer);
    if (is_good) {
        if (box) {
            cache_meta_unref(&object->meta->meta);
            object->meta = box;
        }
        trim(object);
        tidy_ranges(object);
        if (!writer->is_partial)
            object->length = object->stored;
        object->state = object->stored == object->length ? CACHE_WHOLE : CACHE_PARTIAL;
        object_wake(object);
    }
    pthread_mutex_unlock(&object->lock);
    if (!is_good && box)
        cache_meta_unref(&box->meta);
    return is_good ? 0 : -EBADMSG;
}

int cache_write_end(struct cache_writer **writer, const struct cache_meta *meta)
{
    struct cache_object *object = (*writer)->object;
    int error = settle(*writer, meta);
    if (error) {
        cache_write_abort(writer);
        return error;
    }
    writer_free(writer);
    memory_put(object->memory, object);
    disk_store(object);
    cache_object_unref(object);
    return 0;
}

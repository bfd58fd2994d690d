// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/memory.h"
#include "base/buffer.h"
#include "base/mem.h"
#include "catalog/heap.h"
#include <openssl/evp.h>

static void *heap_alloc(void *context, size_t size)
{
    (void)context;
    return mem_alloc(size ? size : 1);
}

static void heap_free(void *context, void *block)
{
    (void)context;
    mem_free(block);
}

struct catalog_memory catalog_heap(void)
{
    return (struct catalog_memory){heap_alloc, heap_free, NULL};
}

bool segment_digest_is_right(struct text object)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    if (object.size < FORMAT_HEADER_SIZE)
        return false;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_done = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) &&
                   EVP_DigestUpdate(context, object.data, FORMAT_DIGEST_AT) &&
                   EVP_DigestUpdate(context, object.data + FORMAT_PARTNER_AT,
                                    object.size - FORMAT_PARTNER_AT) &&
                   EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
    return is_done && memcmp(digest, object.data + FORMAT_DIGEST_AT, FORMAT_DIGEST_SIZE) == 0;
}

/* The objects of a snapshot, which owns them. */
struct held_objects {
    struct segment *segments;
    void **blocks;
    size_t count;
};

static void free_objects(void *context)
{
    struct held_objects *held = context;
    for (size_t i = 0; i < held->count * SEGMENT_OBJECTS; i++)
        mem_free(held->blocks[i]);
    mem_free(held->blocks);
    mem_free(held->segments);
    mem_free(held);
}

static bool hold(struct held_objects *held, size_t i, struct text object, bool check_digests)
{
    if (object.size == 0)
        return i % SEGMENT_OBJECTS == SEGMENT_DETAIL;
    held->blocks[i] = mem_dup(object.data, object.size);
    struct text copy = text_make(held->blocks[i], object.size);
    return (!check_digests || segment_digest_is_right(copy)) &&
           segment_add(&held->segments[i / SEGMENT_OBJECTS],
                       (enum segment_object)(i % SEGMENT_OBJECTS), copy) == SEGMENT_GOOD;
}

struct catalog *catalog_of_objects(const struct text *objects, size_t count, bool check_digests)
{
    struct held_objects *held = MEM_NEW(struct held_objects);
    held->count = count / SEGMENT_OBJECTS;
    held->segments = mem_zalloc((held->count + 1) * sizeof *held->segments);
    held->blocks = mem_zalloc((count + 1) * sizeof *held->blocks);
    bool all_good = held->count <= CATALOG_MAX_PARTS;
    for (size_t i = 0; all_good && i < held->count * SEGMENT_OBJECTS; i++)
        all_good = hold(held, i, objects[i], check_digests);
    if (!all_good) {
        free_objects(held);
        return NULL;
    }
    const struct segment **list = mem_alloc((held->count + 1) * sizeof *list);
    for (size_t i = 0; i < held->count; i++)
        list[i] = &held->segments[i];
    struct catalog *catalog = catalog_open(list, (uint32_t)held->count, CATALOG_LIVING,
                                           catalog_heap(), free_objects, held);
    mem_free(list);
    return catalog;
}

static bool into_buffers(void *context, enum segment_object object, const void *data, size_t size)
{
    struct buffer *buffers = context;
    buffer_append(&buffers[object], data, size);
    return !buffers[object].overflowed;
}

struct catalog *catalog_of_builds(struct build **builds, size_t count)
{
    struct buffer *buffers = mem_zalloc((count + 1) * SEGMENT_OBJECTS * sizeof *buffers);
    struct text *objects = mem_zalloc((count + 1) * SEGMENT_OBJECTS * sizeof *objects);
    bool all_good = true;
    for (size_t i = 0; i < count * SEGMENT_OBJECTS; i++)
        buffer_init(&buffers[i], SIZE_MAX / 2);
    for (size_t i = 0; i < count; i++) {
        struct build_totals totals;
        struct catalog_id dangling;
        all_good = all_good && build_finish(builds[i], into_buffers, &buffers[i * SEGMENT_OBJECTS],
                                            &totals, &dangling) == BUILD_DONE;
        build_free(&builds[i]);
    }
    for (size_t i = 0; i < count * SEGMENT_OBJECTS; i++)
        objects[i] = buffer_view(&buffers[i]);
    struct catalog *catalog =
        all_good ? catalog_of_objects(objects, count * SEGMENT_OBJECTS, true) : NULL;
    for (size_t i = 0; i < count * SEGMENT_OBJECTS; i++)
        buffer_release(&buffers[i]);
    mem_free(objects);
    mem_free(buffers);
    return catalog;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache.h"
#include "base/mem.h"
#include "store/cache_core.h"
#include "store/cache_disk.h"
#include <errno.h>
#include <sodium.h>

enum { DEFAULT_MEMORY = 64 << 20, DEFAULT_OBJECT = 32 << 20 };

int cache_open(const struct cache_config *config, struct cache **ret)
{
    struct cache *cache = MEM_NEW(struct cache);
    memory_init(&cache->memory, config->memory_bytes ? config->memory_bytes : DEFAULT_MEMORY);
    cache_marks_init(&cache->marks);
    uint64_t quarter = cache->memory.limit_bytes / 4;
    cache->max_object_bytes = config->max_object_bytes ? config->max_object_bytes : DEFAULT_OBJECT;
    if (cache->max_object_bytes > quarter)
        cache->max_object_bytes = quarter;
    randombytes_buf(cache->keys, sizeof cache->keys);
    cache->open_error = config->folder ? disk_open(cache, config, &cache->disk) : -ENOTSUP;
    if (cache->open_error == -EWOULDBLOCK) {
        cache_close(&cache);
        return -EWOULDBLOCK;
    }
    uint64_t half = cache->disk ? cache->disk->regions.record_most / 2 : UINT64_MAX;
    if (cache->max_object_bytes > half)
        cache->max_object_bytes = half;
    *ret = cache;
    return 0;
}

void cache_close(struct cache **cache)
{
    if (!*cache)
        return;
    marks_log_stop(&(*cache)->marks.log);
    if ((*cache)->disk)
        disk_stop((*cache)->disk);
    memory_release(&(*cache)->memory);
    disk_close(&(*cache)->disk);
    cache_marks_release(&(*cache)->marks);
    mem_free_p(cache);
}

void cache_let_go(struct cache *cache)
{
    if (!cache->disk)
        return;
    disk_let_go(cache->disk);
    marks_let_go(&cache->marks);
    atomic_store(&cache->open_error, -EBUSY); /* a purge here does not reach who has it next */
    disk_unlock(cache->disk);
}

struct cache_hash cache_hash(const struct cache *cache, struct text key)
{
    return (struct cache_hash){hash_bytes(cache->keys[0], key.data, key.size),
                               hash_bytes(cache->keys[1], key.data, key.size)};
}

enum cache_place cache_get(struct cache *cache, struct text key, struct cache_object **ret)
{
    struct cache_hash hash = cache_hash(cache, key);
    struct cache_object *object = memory_get(&cache->memory, hash, key);
    if (!object)
        return cache->disk && disk_may_have(cache->disk, hash) ? CACHE_ON_DISK : CACHE_ABSENT;
    *ret = object;
    return CACHE_HERE;
}

int cache_replace_meta(struct cache *cache, struct cache_object *object,
                       const struct cache_meta *meta)
{
    if (meta->bytes.size > CACHE_META_MAX || meta->mark_count > CACHE_MARKS_MAX)
        return -EINVAL;
    struct meta_box *box = meta_box_new(&cache->memory, meta);
    if (!box)
        return -ENOBUFS;
    pthread_mutex_lock(&object->lock);
    struct meta_box *old = object->meta;
    object->meta = box;
    pthread_mutex_unlock(&object->lock);
    cache_meta_unref(&old->meta);
    memory_resized(&cache->memory, object);
    disk_store_meta(object);
    return 0;
}

void cache_remove(struct cache *cache, struct text key)
{
    struct cache_hash hash = cache_hash(cache, key);
    memory_remove(&cache->memory, hash, key);
    if (cache->disk)
        disk_forget(cache->disk, hash);
}

void cache_settle(struct cache *cache)
{
    if (cache->disk)
        disk_settle(cache->disk);
}

/* --- purge --- */
uint64_t cache_mark(const struct cache *cache, struct text tag)
{
    return hash_bytes(cache->keys[2], tag.data, tag.size) | 1;
}

uint64_t cache_generation(const struct cache *cache)
{
    return atomic_load_explicit(&cache->marks.generation, memory_order_acquire);
}

void cache_purge(struct cache *cache, uint64_t mark)
{
    (void)marks_purge(&cache->marks, mark, NULL, NULL);
}

void cache_purge_kept(struct cache *cache, uint64_t mark, cache_purged *kept, void *context)
{
    bool is_told = marks_purge(&cache->marks, mark, kept, context);
    if (!is_told) /* with no disk nothing comes back that could be purged */
        kept(context, cache->open_error == -ENOTSUP ? 0 : cache->open_error);
}

bool cache_is_purged(const struct cache *cache, const struct cache_meta *meta)
{
    return marks_hit(&cache->marks, meta->generation, meta->marks, meta->mark_count);
}

struct cache_status cache_status(const struct cache *cache)
{
    struct cache_status status = {.memory_bytes = atomic_load(&cache->memory.bytes),
                                  .disk_error = cache->open_error};
    for (size_t i = 0; i < CACHE_SHARDS; i++) {
        struct shard *shard = (struct shard *)(uintptr_t)&cache->memory.shards[i];
        pthread_mutex_lock(&shard->lock);
        status.memory_objects += shard->count;
        pthread_mutex_unlock(&shard->lock);
    }
    if (cache->disk)
        disk_status(cache->disk, &status);
    return status;
}

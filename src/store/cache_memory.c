// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_memory.h"
#include "base/guard.h"
#include "base/mem.h"
#include <assert.h>

enum { FIRST_BUCKETS = 16, TRIES = 8192 };

void memory_init(struct cache_memory *memory, uint64_t limit_bytes)
{
    memory->limit_bytes = limit_bytes;
    memory->evict = evict_new(limit_bytes);
    memory->pages = pages_new(limit_bytes);
    pthread_mutex_init(&memory->policy, NULL);
    for (size_t i = 0; i < CACHE_SHARDS; i++) {
        struct shard *shard = &memory->shards[i];
        pthread_mutex_init(&shard->lock, NULL);
        shard->bucket_count = FIRST_BUCKETS;
        shard->buckets = mem_zalloc(FIRST_BUCKETS * sizeof(struct cache_object *));
    }
}

/* --- the table --- */
static struct shard *shard_of(struct cache_memory *memory, struct cache_hash hash)
{
    return &memory->shards[hash.high >> 58];
}

static struct cache_object **bucket_of(const struct shard *shard, uint64_t low)
{
    return &shard->buckets[low & (shard->bucket_count - 1)];
}

static struct cache_object **find(const struct shard *shard, struct cache_hash hash,
                                  struct text key)
{
    struct cache_object **at = bucket_of(shard, hash.low);
    while (*at && ((*at)->hash.low != hash.low || (*at)->hash.high != hash.high ||
                   !text_equal((*at)->key, key)))
        at = &(*at)->next;
    return at;
}

static void grow(struct shard *shard)
{
    struct cache_object **old = shard->buckets;
    size_t old_count = shard->bucket_count;
    shard->bucket_count *= 2;
    shard->buckets = mem_zalloc(shard->bucket_count * sizeof(struct cache_object *));
    for (size_t i = 0; i < old_count; i++) {
        for (struct cache_object *object = old[i], *next; object; object = next) {
            next = object->next;
            struct cache_object **bucket = bucket_of(shard, object->hash.low);
            object->next = *bucket;
            *bucket = object;
        }
    }
    mem_free(old);
}

/* Takes *at out; the table's reference is now the caller's. */
static struct cache_object *unlist(struct shard *shard, struct cache_object **at)
{
    struct cache_object *object = *at;
    assert(object);
    *at = object->next;
    object->next = NULL;
    object->is_listed = false;
    shard->count--;
    return object;
}

static void list(struct shard *shard, struct cache_object *object)
{
    if (shard->count >= shard->bucket_count)
        grow(shard);
    struct cache_object **bucket = bucket_of(shard, object->hash.low);
    object->next = *bucket;
    *bucket = object;
    object->node.hash = object->hash.low; /* before anybody can find and touch it */
    object->is_listed = true;
    shard->count++;
    cache_object_ref(object);
}

struct cache_object *memory_get(struct cache_memory *memory, struct cache_hash hash,
                                struct text key)
{
    struct shard *shard = shard_of(memory, hash);
    pthread_mutex_lock(&shard->lock);
    struct cache_object *object = *find(shard, hash, key);
    if (object) {
        cache_object_ref(object);
        evict_touch(memory->evict, &object->node);
    }
    pthread_mutex_unlock(&shard->lock);
    return object;
}

struct cache_object *memory_find(struct cache_memory *memory, struct cache_hash hash)
{
    struct shard *shard = shard_of(memory, hash);
    pthread_mutex_lock(&shard->lock);
    struct cache_object *object = *bucket_of(shard, hash.low);
    while (object && (object->hash.low != hash.low || object->hash.high != hash.high))
        object = object->next;
    if (object)
        cache_object_ref(object);
    pthread_mutex_unlock(&shard->lock);
    return object;
}

/* Holding the policy's lock: what is off the table is off the queues. */
static void drop_locked(struct cache_memory *memory, struct cache_object *object)
{
    evict_drop(memory->evict, &object->node);
    if (object->is_pinned)
        atomic_fetch_sub(&memory->pinned_bytes, object->node.size_bytes);
    object->is_pinned = false;
}

static void add_locked(struct cache_memory *memory, struct cache_object *object)
{
    pthread_mutex_lock(&object->lock);
    uint64_t size = object->charged + object_resident_bytes(object);
    pthread_mutex_unlock(&object->lock);
    object->node.size_bytes = size;
    if (object->is_pinned &&
        atomic_fetch_add(&memory->pinned_bytes, size) + size > memory->limit_bytes / 10) {
        atomic_fetch_sub(&memory->pinned_bytes, size);
        object->is_pinned = false;
    }
    object->node.is_pinned = object->is_pinned;
    evict_add(memory->evict, &object->node);
}

void memory_put(struct cache_memory *memory, struct cache_object *object)
{
    struct shard *shard = shard_of(memory, object->hash);
    pthread_mutex_lock(&memory->policy);
    pthread_mutex_lock(&shard->lock);
    struct cache_object **at = find(shard, object->hash, object->key);
    struct cache_object *older = *at ? unlist(shard, at) : NULL;
    list(shard, object);
    pthread_mutex_unlock(&shard->lock);
    if (older)
        drop_locked(memory, older);
    add_locked(memory, object);
    pthread_mutex_unlock(&memory->policy);
    cache_object_unref(older);
}

struct cache_object *memory_put_if_new(struct cache_memory *memory, struct cache_object *object)
{
    struct shard *shard = shard_of(memory, object->hash);
    pthread_mutex_lock(&memory->policy);
    pthread_mutex_lock(&shard->lock);
    struct cache_object *there = *find(shard, object->hash, object->key);
    if (there)
        cache_object_ref(there);
    else
        list(shard, object);
    pthread_mutex_unlock(&shard->lock);
    if (!there)
        add_locked(memory, object);
    pthread_mutex_unlock(&memory->policy);
    if (!there)
        return object;
    cache_object_unref(object);
    return there;
}

void memory_drop(struct cache_memory *memory, struct cache_object *object)
{
    struct shard *shard = shard_of(memory, object->hash);
    pthread_mutex_lock(&memory->policy);
    pthread_mutex_lock(&shard->lock);
    bool was_listed = object->is_listed;
    if (was_listed)
        (void)unlist(shard, find(shard, object->hash, object->key));
    pthread_mutex_unlock(&shard->lock);
    drop_locked(memory, object);
    pthread_mutex_unlock(&memory->policy);
    if (was_listed)
        cache_object_unref(object);
}

void memory_remove(struct cache_memory *memory, struct cache_hash hash, struct text key)
{
    struct cache_object *object = memory_get(memory, hash, key);
    if (!object)
        return;
    memory_drop(memory, object);
    cache_object_unref(object);
}

void memory_resized(struct cache_memory *memory, struct cache_object *object)
{
    pthread_mutex_lock(&memory->policy);
    pthread_mutex_lock(&object->lock);
    uint64_t size = object->charged + object_resident_bytes(object);
    pthread_mutex_unlock(&object->lock);
    if (evict_has(&object->node)) {
        if (object->is_pinned)
            atomic_fetch_add(&memory->pinned_bytes, size - object->node.size_bytes);
        evict_resize(memory->evict, &object->node, size);
    }
    pthread_mutex_unlock(&memory->policy);
}

/* --- the bound --- */
/*
 * Holding the policy's lock, a victim that is off the queues.  Nobody uses it: it goes, and is
 * returned for its table's reference to be given up.  Else it stays listed and loses the bytes that
 * the disk has, too.
 */
static struct cache_object *let_go(struct cache_memory *memory, struct cache_object *object)
{
    struct shard *shard = shard_of(memory, object->hash);
    pthread_mutex_lock(&shard->lock);
    bool is_used = atomic_load(&object->refs) > 1;
    if (!is_used)
        (void)unlist(shard, find(shard, object->hash, object->key));
    pthread_mutex_unlock(&shard->lock);
    if (!is_used)
        return object;
    pthread_mutex_lock(&object->lock);
    if (object->place.region)
        object_drop_chunks(object);
    object->node.size_bytes = object->charged + object_resident_bytes(object);
    pthread_mutex_unlock(&object->lock);
    evict_put_back(memory->evict, &object->node);
    return NULL;
}

static bool make_room(struct cache_memory *memory)
{
    pthread_mutex_lock(&memory->policy);
    struct evict_node *node = evict_victim(memory->evict);
    struct cache_object *gone =
        node ? let_go(memory, CONTAINER_OF(node, struct cache_object, node)) : NULL;
    pthread_mutex_unlock(&memory->policy);
    cache_object_unref(gone);
    return node;
}

bool memory_reserve(struct cache_memory *memory, uint64_t bytes)
{
    if (bytes > memory->limit_bytes)
        return false;
    for (unsigned fruitless = 0;;) {
        uint64_t now = atomic_load(&memory->bytes);
        while (now + bytes <= memory->limit_bytes || !guard_is_on(GUARD_CACHE_MEMORY))
            if (atomic_compare_exchange_weak(&memory->bytes, &now, now + bytes))
                return true;
        if (!make_room(memory))
            return false;
        fruitless = atomic_load(&memory->bytes) < now ? 0 : fruitless + 1;
        if (fruitless > TRIES)
            return false;
    }
}

void memory_return(struct cache_memory *memory, uint64_t bytes)
{
    uint64_t before = atomic_fetch_sub(&memory->bytes, bytes);
    assert(before >= bytes);
}

void memory_release(struct cache_memory *memory)
{
    for (size_t i = 0; i < CACHE_SHARDS; i++) {
        struct shard *shard = &memory->shards[i];
        for (size_t b = 0; b < shard->bucket_count; b++)
            while (shard->buckets[b])
                memory_drop(memory, shard->buckets[b]);
        mem_free(shard->buckets);
        pthread_mutex_destroy(&shard->lock);
    }
    evict_free(&memory->evict);
    pthread_mutex_destroy(&memory->policy);
    assert(atomic_load(&memory->bytes) == 0); /* all pieces and metadata came back */
    pages_free(&memory->pages);
}

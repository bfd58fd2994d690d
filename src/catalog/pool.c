// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/pool.h"
#include "base/mem.h"
#include "catalog/bytes.h"
#include <sys/random.h>

enum { POOL_FIRST_SLOTS = 64 };

/* Names come from people's files: slots are keyed so that no file can make them collide. */
static struct hash_key random_key(void)
{
    struct hash_key key = {0, 0};
    if (getrandom(&key, sizeof key, 0) != (ssize_t)sizeof key)
        key.k0 = (uintptr_t)&key;
    return key;
}

static struct text string_at(const struct string_pool *pool, uint32_t number)
{
    return text_make(pool->bytes + pool->starts[number],
                     pool->starts[number + 1] - pool->starts[number]);
}

struct text string_pool_at(const struct string_pool *pool, uint32_t number)
{
    return string_at(pool, number);
}

static void string_pool_rehash(struct string_pool *pool)
{
    pool->slot_count *= 2;
    mem_free_p(&pool->slots);
    pool->slots = mem_zalloc(pool->slot_count * sizeof *pool->slots);
    for (uint32_t number = 0; number < pool->count; number++) {
        struct text t = string_at(pool, number);
        uint32_t slot = (uint32_t)hash_bytes(pool->key, t.data, t.size) & (pool->slot_count - 1);
        while (pool->slots[slot])
            slot = (slot + 1) & (pool->slot_count - 1);
        pool->slots[slot] = number + 1;
    }
}

static void string_pool_grow(struct string_pool *pool, size_t size)
{
    if (!pool->bytes || pool->size + size > pool->capacity) {
        pool->capacity = pool->size + size + pool->capacity / 2 + 4096;
        pool->bytes = mem_realloc(pool->bytes, pool->capacity);
    }
    if (pool->count + 2 > pool->start_capacity) {
        pool->start_capacity += pool->start_capacity / 2 + 64;
        pool->starts = mem_realloc_array(pool->starts, pool->start_capacity, sizeof *pool->starts);
    }
    if (pool->count * 3ULL > pool->slot_count * 2ULL)
        string_pool_rehash(pool);
}

uint32_t string_pool_put(struct string_pool *pool, struct text t)
{
    if (pool->is_full || t.size > UINT32_MAX - pool->size || pool->count >= UINT32_MAX / 4) {
        pool->is_full = true;
        return 0;
    }
    string_pool_grow(pool, t.size);
    uint32_t slot = (uint32_t)hash_bytes(pool->key, t.data, t.size) & (pool->slot_count - 1);
    for (; pool->slots[slot]; slot = (slot + 1) & (pool->slot_count - 1))
        if (bytes_equal(string_at(pool, pool->slots[slot] - 1), t))
            return pool->slots[slot] - 1;
    bytes_copy(pool->bytes + pool->size, t.data, t.size);
    pool->size += (uint32_t)t.size;
    pool->starts[pool->count + 1] = pool->size;
    pool->slots[slot] = ++pool->count;
    return pool->count - 1;
}

void string_pool_init(struct string_pool *pool)
{
    *pool = (struct string_pool){.slot_count = POOL_FIRST_SLOTS, .key = random_key()};
    pool->slots = mem_zalloc(POOL_FIRST_SLOTS * sizeof *pool->slots);
    string_pool_grow(pool, 0);
    pool->starts[0] = 0;
    (void)string_pool_put(pool, TEXT_NONE);
}

void string_pool_release(struct string_pool *pool)
{
    mem_free_p(&pool->bytes);
    mem_free_p(&pool->starts);
    mem_free_p(&pool->slots);
}

static uint32_t id_slot(const struct id_pool *pool, const struct catalog_id *id)
{
    uint64_t halves[2];
    memcpy(halves, id->bytes, sizeof halves);
    return (uint32_t)hash_mix(hash_mix(halves[0] ^ pool->seed) ^ halves[1]) &
           (pool->slot_count - 1);
}

static void id_pool_rehash(struct id_pool *pool)
{
    pool->slot_count *= 2;
    mem_free_p(&pool->slots);
    pool->slots = mem_zalloc(pool->slot_count * sizeof *pool->slots);
    for (uint32_t number = 0; number < pool->count; number++) {
        uint32_t slot = id_slot(pool, &pool->ids[number]);
        while (pool->slots[slot])
            slot = (slot + 1) & (pool->slot_count - 1);
        pool->slots[slot] = number + 1;
    }
}

uint32_t id_pool_put(struct id_pool *pool, const struct catalog_id *id)
{
    if (pool->count * 3ULL > pool->slot_count * 2ULL)
        id_pool_rehash(pool);
    uint32_t slot = id_slot(pool, id);
    for (; pool->slots[slot]; slot = (slot + 1) & (pool->slot_count - 1))
        if (catalog_id_equal(&pool->ids[pool->slots[slot] - 1], id))
            return pool->slots[slot] - 1;
    if (pool->count == pool->capacity) {
        pool->capacity += pool->capacity / 2 + 64;
        pool->ids = mem_realloc_array(pool->ids, pool->capacity, sizeof *pool->ids);
    }
    pool->ids[pool->count] = *id;
    pool->slots[slot] = ++pool->count;
    return pool->count - 1;
}

void id_pool_init(struct id_pool *pool)
{
    *pool = (struct id_pool){.slot_count = POOL_FIRST_SLOTS, .seed = random_key().k0};
    pool->slots = mem_zalloc(POOL_FIRST_SLOTS * sizeof *pool->slots);
}

void id_pool_release(struct id_pool *pool)
{
    mem_free_p(&pool->ids);
    mem_free_p(&pool->slots);
}

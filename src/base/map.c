// SPDX-License-Identifier: GPL-3.0-or-later
/* Open addressing, linear probing, load at most 3/4, deletion by shifting back. */
#include "base/map.h"

#include "base/hash.h"
#include "base/mem.h"

struct slot {
    uint64_t hash;
    char *key; /* NULL when empty */
    size_t key_size;
    void *value;
};

struct map {
    struct slot *slots;
    size_t capacity, count, max_entries; /* capacity is a power of two */
    struct hash_key key;
};

struct map *map_new(uint64_t seed, size_t max_entries)
{
    struct map *map = MEM_NEW(struct map);
    map->key = (struct hash_key){seed, hash_mix(seed)};
    map->max_entries = max_entries;
    map->capacity = 16;
    map->slots = mem_zalloc(map->capacity * sizeof *map->slots);
    return map;
}

void map_free(struct map **map)
{
    if (!*map)
        return;
    for (size_t i = 0; i < (*map)->capacity; i++)
        mem_free((*map)->slots[i].key);
    mem_free((*map)->slots);
    mem_free_p(map);
}

/* The slot that holds `key`, or the empty one where it belongs. */
static size_t find(const struct map *map, uint64_t hash, struct text key)
{
    size_t at = hash & (map->capacity - 1);
    for (;; at = (at + 1) & (map->capacity - 1)) {
        const struct slot *slot = &map->slots[at];
        if (!slot->key ||
            (slot->hash == hash && text_equal(text_make(slot->key, slot->key_size), key)))
            return at;
    }
}

static void grow(struct map *map)
{
    struct slot *old = map->slots;
    size_t old_capacity = map->capacity;
    map->capacity *= 2;
    map->slots = mem_zalloc(map->capacity * sizeof *map->slots);
    for (size_t i = 0; i < old_capacity; i++) {
        if (!old[i].key)
            continue;
        size_t at = old[i].hash & (map->capacity - 1);
        while (map->slots[at].key)
            at = (at + 1) & (map->capacity - 1);
        map->slots[at] = old[i];
    }
    mem_free(old);
}

bool map_put(struct map *map, struct text key, void *value)
{
    uint64_t hash = hash_bytes(map->key, key.data, key.size);
    size_t at = find(map, hash, key);
    if (!map->slots[at].key) {
        if (map->count >= map->max_entries)
            return false;
        if ((map->count + 1) * 4 > map->capacity * 3) {
            grow(map);
            at = find(map, hash, key);
        }
        map->slots[at] = (struct slot){.hash = hash, .key = text_dup(key), .key_size = key.size};
        map->count++;
    }
    map->slots[at].value = value;
    return true;
}

void *map_get(const struct map *map, struct text key)
{
    return map->slots[find(map, hash_bytes(map->key, key.data, key.size), key)].value;
}

struct text map_key(const struct map *map, struct text key)
{
    const struct slot *slot = &map->slots[find(map, hash_bytes(map->key, key.data, key.size), key)];
    return text_make(slot->key, slot->key ? slot->key_size : 0);
}

void *map_remove(struct map *map, struct text key)
{
    size_t hole = find(map, hash_bytes(map->key, key.data, key.size), key);
    void *value = map->slots[hole].value;
    if (!map->slots[hole].key)
        return NULL;
    mem_free(map->slots[hole].key);
    map->count--;
    size_t mask = map->capacity - 1;
    for (size_t at = (hole + 1) & mask; map->slots[at].key; at = (at + 1) & mask) {
        size_t home = map->slots[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole] = (struct slot){0};
    return value;
}

size_t map_count(const struct map *map) { return map->count; }

bool map_next(const struct map *map, size_t *cursor, struct text *ret_key, void **ret_value)
{
    while (*cursor < map->capacity) {
        const struct slot *slot = &map->slots[(*cursor)++];
        if (!slot->key)
            continue;
        *ret_key = text_make(slot->key, slot->key_size);
        *ret_value = slot->value;
        return true;
    }
    return false;
}

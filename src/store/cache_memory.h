// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "store/cache_object.h"
#include "store/cache_pages.h"

/*
 * cache_memory: the memory tier: a bound on bytes, a table of objects in shards, and who leaves;
 * internal.
 *
 * Everything that grows is reserved first, and what cannot be had is refused: the count is never
 * over the bound.  Evicting an object that somebody uses takes only its bytes, when the disk has
 * them.
 */
enum { CACHE_SHARDS = 64 };

struct shard {
    _Alignas(64) pthread_mutex_t lock;
    struct cache_object **buckets;
    size_t bucket_count, count; /* grows with what is in */
};

struct cache_memory {
    uint64_t limit_bytes;
    _Atomic uint64_t bytes;
    _Atomic uint64_t pinned_bytes;
    pthread_mutex_t policy; /* guards evict and the nodes in it */
    struct evict *evict;
    struct pages *pages; /* of large chunks; NULL: ordinary memory */
    struct shard shards[CACHE_SHARDS];
};

void memory_init(struct cache_memory *memory, uint64_t limit_bytes);
void memory_release(struct cache_memory *memory);

/* Evicts until `bytes` more fit, then counts them.  False: what is left is in use. */
bool memory_reserve(struct cache_memory *memory, uint64_t bytes) MUST_USE;
void memory_return(struct cache_memory *memory, uint64_t bytes);

/* The object of that key with a reference, or NULL. */
struct cache_object *memory_get(struct cache_memory *memory, struct cache_hash hash,
                                struct text key) MUST_USE;
/* The same by its hash alone, and not as a hit. */
struct cache_object *memory_find(struct cache_memory *memory, struct cache_hash hash) MUST_USE;
/* Lists it in the place of an older one of its key. */
void memory_put(struct cache_memory *memory, struct cache_object *object);
/* The same unless the key is listed: then that one, with a reference, and `object` is unref'd. */
struct cache_object *memory_put_if_new(struct cache_memory *memory,
                                       struct cache_object *object) MUST_USE;
/* Takes it off the list, if it is the one that is listed. */
void memory_drop(struct cache_memory *memory, struct cache_object *object);
void memory_remove(struct cache_memory *memory, struct cache_hash hash, struct text key);
/* Its bytes in memory became more or fewer. */
void memory_resized(struct cache_memory *memory, struct cache_object *object);

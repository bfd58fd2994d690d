// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "store/cache.h"
#include "store/cache_evict.h"
#include <pthread.h>

/*
 * cache_object: one object as the cache sees it; internal.
 *
 * Its bytes lie end to end in "stored" order, the ranges one after the other, in chunks that are
 * counted against the memory's bound until the last reader gives them back.  What is on the disk
 * may be missing in memory; the slots then say what can be brought as one.
 *
 * Locks, outer first: memory.policy, a shard's, an object's.  Nothing is reserved under the last.
 */
struct cache_memory;

struct cache_hash {
    uint64_t high, low;
};

struct chunk {
    _Atomic uint32_t refs;
    uint32_t capacity, size; /* size: written, which only grows */
    struct cache_memory *memory;
    bool has_run; /* of the memory's pages; or its bytes lie behind this */
    char *bytes;
};
/* NULL when the memory's bound leaves no room. */
struct chunk *chunk_new(struct cache_memory *memory, uint32_t capacity) MUST_USE;
/* Gives back what it has too much, when nobody else has it: it may be another one then. */
struct chunk *chunk_trim(struct chunk *chunk) MUST_USE;
void chunk_unref(struct chunk *chunk);

struct slot {
    uint64_t begin;      /* stored offset; it ends where the next begins */
    struct chunk *chunk; /* NULL: on the disk only */
    bool is_loading;
};

/* Metadata with its count of references; the public part first. */
struct meta_box {
    struct cache_meta meta;
    _Atomic uint32_t refs;
    struct cache_memory *memory;
    size_t charged;
    uint64_t storage[];
};
struct meta_box *meta_box_new(struct cache_memory *memory, const struct cache_meta *meta) MUST_USE;

/* Where it lies on the disk; `region` is referenced. */
struct region;
struct place {
    struct region *region; /* NULL: not on the disk (any more) */
    uint64_t record_at, body_at, bytes;
    uint64_t *sums; /* of each block, borrowed from the object */
};

struct cache_object {
    struct evict_node node;    /* policy's lock */
    _Atomic uint32_t refs;     /* the table's, jobs' and users' */
    struct cache_object *next; /* in its shard; shard's lock, as is_listed */
    bool is_listed;
    _Atomic bool is_pinned;
    struct cache_memory *memory;
    struct cache *cache;
    struct cache_hash hash;
    struct text key;
    size_t charged;

    pthread_mutex_t lock; /* guards all below; the first two are read without it */
    _Atomic enum cache_state state;
    _Atomic uint64_t length;
    struct meta_box *meta;
    uint64_t stored; /* bytes there are */
    struct cache_range *ranges;
    size_t range_count;
    struct slot *slots;
    size_t slot_count, slot_room;
    struct cache_wait *waits;
    struct place place;
    bool has_digest;
    uint8_t sha256[32];
};

/* With one reference; NULL when the memory's bound leaves no room. */
struct cache_object *object_new(struct cache *cache, struct cache_memory *memory,
                                struct cache_hash hash, struct text key,
                                const struct cache_meta *meta) MUST_USE;
/* Room for one more slot; for its writer, without its lock. */
bool object_reserve_slot(struct cache_object *object) MUST_USE;
/* --- under its lock --- */
void object_add_slot(struct cache_object *object, struct chunk *chunk); /* behind what is stored */
void object_drop_chunks(struct cache_object *object); /* the slots stay: the disk has them */
/* Wakes those for whom cache_read() has changed. */
void object_wake(struct cache_object *object);
uint64_t object_resident_bytes(const struct cache_object *object);
/* Of `offset`: where it is stored, and how many bytes follow without a hole.  False: not there. */
bool object_find(const struct cache_object *object, uint64_t offset, uint64_t *ret_stored_at,
                 uint64_t *ret_run) MUST_USE;
size_t object_slot_at(const struct cache_object *object, uint64_t stored_at);
uint64_t object_slot_end(const struct cache_object *object, size_t slot);

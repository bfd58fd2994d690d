// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * cache_evict: what leaves a full cache; pure: no bytes of objects, no clock, no locks.
 *
 * Memory: GDSF (Cherkasova 1998) with a long memory.  An object is worth how often it was asked for
 * by size to the power of 0.7, so that small ones are protected, above a level that rises with
 * each eviction, so that what was wanted once grows old.  How often counts what is remembered of
 * its hash from before it left: four counters of a sketch, halved now and then.  A hit is one
 * relaxed store and needs no lock; it is worth something when the object is next about to leave.
 *
 * Disk: its queues are logs, where order is place.  There S3-FIFO (Yang et al., SOSP 2023) is what
 * fits: a short probation, a main queue that what is asked for goes round in, one of their own for
 * small objects.  evict_admit() and evict_judge() are its decisions.
 *
 * bench/eviction measures both.  One thread at a time, but for hits.
 */
enum { EVICT_SMALL_BYTES = 64 << 10, EVICT_HITS_MAX = 200 };

/* --- memory --- */
struct evict_node {
    uint64_t hash, size_bytes;
    double value;
    uint32_t position;    /* in the heap, + 1; 0: not in */
    float asked;          /* times, what is remembered among them */
    _Atomic uint8_t hits; /* since it was last looked at */
    bool is_pinned;
};

struct evict;
struct evict *evict_new(void) MUST_USE;
void evict_free(struct evict **evict);

/* The owner keeps the node, whose hash and size are set, until it is dropped or a victim. */
void evict_add(struct evict *evict, struct evict_node *node);
void evict_drop(struct evict *evict, struct evict_node *node); /* not in is fine */
void evict_resize(struct evict *evict, struct evict_node *node, uint64_t size_bytes);
static inline bool evict_has(const struct evict_node *node) { return node->position; }
static inline void evict_touch(struct evict_node *node)
{
    uint8_t hits = atomic_load_explicit(&node->hits, memory_order_relaxed);
    if (hits < EVICT_HITS_MAX)
        atomic_store_explicit(&node->hits, (uint8_t)(hits + 1), memory_order_relaxed);
}
/* Who goes next, taken out; NULL when nothing but pinned nodes is in. */
struct evict_node *evict_victim(struct evict *evict) MUST_USE;
uint64_t evict_bytes(const struct evict *evict);

/* --- disk --- */
enum evict_queue { EVICT_PROBATION, EVICT_MAIN, EVICT_PROTECTED, EVICT_QUEUES, EVICT_NONE };
/* Where a new object of that hash begins. */
enum evict_queue evict_admit(struct evict *evict, uint64_t hash, uint64_t size_bytes) MUST_USE;
/* It left: who comes back soon joins the main queue. */
void evict_remember(struct evict *evict, uint64_t hash);
/* Which queue gives way, by what each holds. */
enum evict_queue evict_which(const uint64_t bytes[EVICT_QUEUES]) MUST_USE;
/* At the end of its queue: the queue to go on in, with *hits for there, or EVICT_NONE: it leaves.
 */
enum evict_queue evict_judge(enum evict_queue queue, uint8_t *hits) MUST_USE;

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * cache_evict: what leaves a full cache.  S3-FIFO (Yang et al., SOSP 2023): a new object stays in
 * a short probation queue, leaves early when nobody asks for it again, and is remembered for a
 * while by its hash alone, so that who comes back joins the main queue at once; that is a FIFO
 * whose objects go round again while they are asked for.  Small objects, of which many fit where
 * one large one was, have a protected queue of their own.
 *
 * Pure: no memory of the objects, no clock, no locks.  A hit is one relaxed store and needs no
 * lock; everything else is for one thread at a time.  The disk, whose queues are logs, asks
 * evict_admit() and evict_judge() for the same decisions.
 */
enum evict_queue { EVICT_PROBATION, EVICT_MAIN, EVICT_PROTECTED, EVICT_QUEUES, EVICT_NONE };
enum { EVICT_SMALL_BYTES = 64 << 10, EVICT_HITS_MAX = 3 };

struct evict_node {
    struct evict_node *next, *prev; /* towards the tail; towards the head */
    uint64_t hash, size_bytes;
    _Atomic uint8_t hits;
    uint8_t queue; /* enum evict_queue */
    bool is_pinned;
};

struct evict;
struct evict *evict_new(uint64_t limit_bytes, size_t max_remembered) MUST_USE;
void evict_free(struct evict **evict);

/* The owner keeps the node, whose hash and size are set, until it is dropped or a victim. */
void evict_add(struct evict *evict, struct evict_node *node);
void evict_drop(struct evict *evict, struct evict_node *node); /* not in is fine */
void evict_resize(struct evict *evict, struct evict_node *node, uint64_t size_bytes);
static inline void evict_touch(struct evict_node *node)
{
    uint8_t hits = atomic_load_explicit(&node->hits, memory_order_relaxed);
    if (hits < EVICT_HITS_MAX)
        atomic_store_explicit(&node->hits, (uint8_t)(hits + 1), memory_order_relaxed);
}
/* Who goes next, taken out and remembered; NULL when nothing but pinned nodes is in. */
struct evict_node *evict_victim(struct evict *evict) MUST_USE;
uint64_t evict_bytes(const struct evict *evict);

/* --- the decisions alone --- */
/* Where a new object of that hash begins. */
enum evict_queue evict_admit(struct evict *evict, uint64_t hash, uint64_t size_bytes) MUST_USE;
void evict_remember(struct evict *evict, uint64_t hash);
/* Which queue gives way, by what each holds. */
enum evict_queue evict_which(const uint64_t bytes[EVICT_QUEUES]) MUST_USE;
/* At the end of its queue: the queue to go on in, with *hits for there, or EVICT_NONE: it leaves.
 */
enum evict_queue evict_judge(enum evict_queue queue, uint8_t *hits) MUST_USE;

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "store/cache_worth.h"

/*
 * cache_evict: what leaves a full memory; pure: no bytes of objects, no clock, no locks.
 *
 * Memory: by worth (cache_worth.h), and the rule of worth is the one that would have missed least
 * of late, as a few small rivals without bytes find out (cache_rivals.h); LRU is among them, so the
 * cache is not worse than that for long.  A hit is two relaxed stores and needs no lock; those of
 * sampled hashes, a few of a thousand in a large cache, are also noted in a ring that is read at
 * the next miss, and lost when it is full.
 *
 * bench/eviction measures it.  One thread at a time, but for hits.
 */
struct evict;
/* For a cache of so many bytes: what it knows of objects that are not in takes under 1 % of them,
 * and 32 bytes for each that is. */
struct evict *evict_new(uint64_t memory_bytes) MUST_USE;
void evict_free(struct evict **evict);

/* The owner keeps the node, whose hash and size are set, until it is dropped or a victim. */
void evict_add(struct evict *evict, struct evict_node *node);
/* The same for a victim that could not go: nobody asked for it. */
void evict_put_back(struct evict *evict, struct evict_node *node);
void evict_drop(struct evict *evict, struct evict_node *node); /* not in is fine */
void evict_resize(struct evict *evict, struct evict_node *node, uint64_t size_bytes);
static inline bool evict_has(const struct evict_node *node) { return node->position; }
/* A hit, from any thread. */
void evict_touch(struct evict *evict, struct evict_node *node);
/* Who goes next, taken out; NULL when nothing but pinned nodes is in. */
struct evict_node *evict_victim(struct evict *evict) MUST_USE;
uint64_t evict_bytes(const struct evict *evict);

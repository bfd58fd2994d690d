// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * cache_worth: objects in the order in which they leave, by one rule; pure: no clock, no locks.
 *
 * An object is worth asked^f / size^s above a level that rises with each that leaves, so that what
 * was wanted once grows old (GDSF, Cherkasova 1998, with exponents).  With f near 0 that is almost
 * the order of last asks, with f of 1 and more what is asked for often stays long; s protects small
 * objects.  The rule with f = 0 is LRU itself.  `asked` outlives the object: ghosts remember it for
 * about eight times as many objects as are in.
 *
 * A hit only marks its node; what it is worth is reckoned when the node is next about to leave.  So
 * hits need no lock, and everything else is one thread's at a time.
 */
enum { WORTH_GHOST_BYTES = 32 }; /* of memory for each object that is in */

struct worth_rule {
    double asked, size; /* exponents; asked 0: LRU, whatever the size */
};

struct evict_node {
    uint64_t hash;
    _Atomic uint64_t size_bytes;
    double value;
    _Atomic uint64_t touched; /* tick of the last ask */
    uint32_t position;        /* in the heap, + 1; 0: not in */
    float asked;              /* times, those that are remembered among them */
    _Atomic uint8_t hits;     /* since it was last looked at */
    _Atomic bool is_sampled;
    bool is_pinned;
};

struct worth {
    struct worth_rule rule;
    struct evict_node **heap; /* the least valuable first */
    size_t count, room;
    uint64_t bytes;
    double level;          /* value of the last that left */
    _Atomic uint64_t tick; /* additions */
    uint32_t *ghosts;  /* sets of those that left, the newest first: 24 bits of hash, 8 of asked */
    size_t ghost_sets; /* a power of two that grows with what is in */
};

void worth_init(struct worth *worth, struct worth_rule rule);
void worth_release(struct worth *worth);
/* Another rule for all that are in: heap and worth anew, so it is for rare changes. */
void worth_follow(struct worth *worth, struct worth_rule rule);

/* The owner keeps the node, whose hash and size are set, until it is dropped or a victim. */
void worth_add(struct worth *worth, struct evict_node *node);
/* The same for one that was taken out just now and nobody asked for. */
void worth_put_back(struct worth *worth, struct evict_node *node);
void worth_drop(struct worth *worth, struct evict_node *node); /* not in is fine */
/* From any thread, of a node that is in or was. */
void worth_touch(struct worth *worth, struct evict_node *node);
/* Who goes next, taken out; NULL when nothing but pinned nodes is in. */
struct evict_node *worth_victim(struct worth *worth) MUST_USE;

// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_worth.h"
#include "base/hash.h"
#include "base/mem.h"
#include <assert.h>
#include <math.h>
#include <string.h>

enum { GHOST_WAYS = 8, FIRST_SETS = 8, LAST_SETS = 1 << 17, FIRST_ROOM = 16, HITS_MAX = 200 };
static const double ASKED_MAX = 1e6, STEPS_PER_DOUBLING = 8; /* of what a ghost remembers */

void worth_init(struct worth *worth, struct worth_rule rule)
{
    *worth = (struct worth){.rule = rule, .room = FIRST_ROOM, .ghost_sets = FIRST_SETS};
    worth->heap = mem_alloc(worth->room * sizeof(struct evict_node *));
    worth->ghosts = mem_zalloc(FIRST_SETS * GHOST_WAYS * sizeof(uint32_t));
}

void worth_release(struct worth *worth)
{
    mem_free(worth->heap);
    mem_free(worth->ghosts);
}

/* --- who left --- */
static uint32_t *set_of(const struct worth *worth, uint64_t mixed)
{
    return worth->ghosts + ((mixed >> 24) & (worth->ghost_sets - 1)) * GHOST_WAYS;
}

/* A set's two successors begin as it was: whichever a hash falls into now, it is found. */
static void grow_ghosts(struct worth *worth)
{
    size_t bytes = worth->ghost_sets * GHOST_WAYS * sizeof(uint32_t);
    worth->ghosts = mem_realloc_array(worth->ghosts, 2, bytes);
    memcpy((char *)worth->ghosts + bytes, worth->ghosts, bytes);
    worth->ghost_sets *= 2;
}

static void remember(struct worth *worth, const struct evict_node *node)
{
    if (worth->ghost_sets < worth->count && worth->ghost_sets < LAST_SETS)
        grow_ghosts(worth);
    uint64_t mixed = hash_mix(node->hash);
    uint32_t *set = set_of(worth, mixed);
    double steps = log2((double)node->asked) * STEPS_PER_DOUBLING + 1;
    memmove(set + 1, set, (GHOST_WAYS - 1) * sizeof set[0]);
    set[0] = (uint32_t)(mixed & 0xffffff) << 8 | (uint32_t)(steps > 255 ? 255 : steps);
}

/* How often it was asked for before it left, about; 0: nobody knows. */
static double recall(struct worth *worth, uint64_t hash)
{
    uint64_t mixed = hash_mix(hash);
    uint32_t *set = set_of(worth, mixed);
    for (size_t i = 0; i < GHOST_WAYS; i++) {
        uint32_t ghost = set[i];
        if (ghost == 0 || ghost >> 8 != (mixed & 0xffffff))
            continue;
        memmove(set + i, set + i + 1, (GHOST_WAYS - 1 - i) * sizeof set[0]);
        set[GHOST_WAYS - 1] = 0;
        return exp2(((ghost & 0xff) - 1) / STEPS_PER_DOUBLING);
    }
    return 0;
}

/* --- the heap --- */
static void place(struct worth *worth, size_t at, struct evict_node *node)
{
    worth->heap[at] = node;
    node->position = (uint32_t)at + 1;
}

static void sift_up(struct worth *worth, size_t at)
{
    struct evict_node *node = worth->heap[at];
    for (; at > 0 && node->value < worth->heap[(at - 1) / 2]->value; at = (at - 1) / 2)
        place(worth, at, worth->heap[(at - 1) / 2]);
    place(worth, at, node);
}

static void sift_down(struct worth *worth, size_t at)
{
    struct evict_node *node = worth->heap[at];
    for (size_t child; (child = 2 * at + 1) < worth->count; at = child) {
        if (child + 1 < worth->count && worth->heap[child + 1]->value < worth->heap[child]->value)
            child++;
        if (worth->heap[child]->value >= node->value)
            break;
        place(worth, at, worth->heap[child]);
    }
    place(worth, at, node);
}

/* --- what it is worth --- */
static void value(const struct worth *worth, struct evict_node *node)
{
    struct worth_rule rule = worth->rule;
    if (rule.asked == 0) {
        node->value = (double)atomic_load_explicit(&node->touched, memory_order_relaxed);
    } else {
        double size = node->size_bytes ? (double)node->size_bytes : 1;
        node->value = worth->level + exp2(rule.asked * log2((double)node->asked) -
                                          (rule.size == 0 ? 0 : rule.size * log2(size)));
    }
    if (node->is_pinned) /* behind all others */
        node->value = INFINITY;
}

/* Its hits since it was last looked at; whether there were any. */
static bool take_hits(struct evict_node *node)
{
    uint8_t hits = atomic_exchange_explicit(&node->hits, 0, memory_order_relaxed);
    double asked = (double)node->asked + hits;
    node->asked = (float)(asked < ASKED_MAX ? asked : ASKED_MAX);
    return hits;
}

void worth_follow(struct worth *worth, struct worth_rule rule)
{
    worth->rule = rule;
    worth->level = 0;
    for (size_t i = 0; i < worth->count; i++) {
        (void)take_hits(worth->heap[i]);
        value(worth, worth->heap[i]);
    }
    for (size_t i = worth->count / 2; i-- > 0;)
        sift_down(worth, i);
}

static void insert(struct worth *worth, struct evict_node *node)
{
    assert(!node->position);
    if (worth->count == worth->room) {
        worth->room *= 2;
        worth->heap = mem_realloc_array(worth->heap, worth->room, sizeof(struct evict_node *));
    }
    value(worth, node);
    worth->bytes += node->size_bytes;
    place(worth, worth->count++, node);
    sift_up(worth, worth->count - 1);
}

void worth_add(struct worth *worth, struct evict_node *node)
{
    uint64_t tick = atomic_fetch_add_explicit(&worth->tick, 1, memory_order_relaxed) + 1;
    atomic_store_explicit(&node->hits, 0, memory_order_relaxed);
    atomic_store_explicit(&node->touched, tick, memory_order_relaxed);
    node->asked = (float)(1 + recall(worth, node->hash));
    insert(worth, node);
}

void worth_put_back(struct worth *worth, struct evict_node *node) { insert(worth, node); }

void worth_drop(struct worth *worth, struct evict_node *node)
{
    if (!node->position)
        return;
    size_t at = node->position - 1;
    struct evict_node *last = worth->heap[--worth->count];
    worth->bytes -= node->size_bytes;
    node->position = 0;
    if (last == node)
        return;
    place(worth, at, last);
    sift_up(worth, at);
    sift_down(worth, last->position - 1);
}

void worth_touch(struct worth *worth, struct evict_node *node)
{
    uint8_t hits = atomic_load_explicit(&node->hits, memory_order_relaxed);
    uint64_t tick = atomic_load_explicit(&worth->tick, memory_order_relaxed);
    if (hits < HITS_MAX)
        atomic_store_explicit(&node->hits, (uint8_t)(hits + 1), memory_order_relaxed);
    if (atomic_load_explicit(&node->touched, memory_order_relaxed) != tick)
        atomic_store_explicit(&node->touched, tick, memory_order_relaxed);
}

struct evict_node *worth_victim(struct worth *worth)
{
    while (worth->count > 0) {
        struct evict_node *node = worth->heap[0];
        if (take_hits(node)) {
            value(worth, node);
            sift_down(worth, 0);
            continue;
        }
        if (node->is_pinned) {
            if (isinf(node->value))
                return NULL; /* all that are left */
            value(worth, node);
            sift_down(worth, 0);
            continue;
        }
        worth->level = node->value > worth->level ? node->value : worth->level;
        worth_drop(worth, node);
        remember(worth, node);
        return node;
    }
    return NULL;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_evict.h"
#include "base/hash.h"
#include "base/mem.h"
#include <assert.h>

struct list {
    struct evict_node *head, *tail;
    uint64_t bytes;
};

struct evict {
    uint64_t limit_bytes;
    struct list lists[EVICT_QUEUES];
    size_t remembered_slots;
    uint32_t *remembered; /* fingerprints in sets of GHOST_WAYS, the newest first; 0: none */
};

enum { GHOST_WAYS = 8 };

struct evict *evict_new(uint64_t limit_bytes, size_t max_remembered)
{
    struct evict *evict = MEM_NEW(struct evict);
    evict->limit_bytes = limit_bytes;
    evict->remembered_slots = max_remembered / GHOST_WAYS + 1;
    evict->remembered =
        mem_zalloc(evict->remembered_slots * GHOST_WAYS * sizeof evict->remembered[0]);
    return evict;
}

void evict_free(struct evict **evict)
{
    if (*evict)
        mem_free((*evict)->remembered);
    mem_free_p(evict);
}

/* --- the queues --- */
static void push(struct evict *evict, struct evict_node *node, enum evict_queue queue)
{
    struct list *list = &evict->lists[queue];
    node->queue = (uint8_t)queue;
    node->prev = NULL;
    node->next = list->head;
    if (list->head)
        list->head->prev = node;
    else
        list->tail = node;
    list->head = node;
    list->bytes += node->size_bytes;
}

void evict_drop(struct evict *evict, struct evict_node *node)
{
    if (node->queue == EVICT_NONE)
        return;
    struct list *list = &evict->lists[node->queue];
    *(node->prev ? &node->prev->next : &list->head) = node->next;
    *(node->next ? &node->next->prev : &list->tail) = node->prev;
    list->bytes -= node->size_bytes;
    node->next = node->prev = NULL;
    node->queue = EVICT_NONE;
}

void evict_resize(struct evict *evict, struct evict_node *node, uint64_t size_bytes)
{
    if (node->queue != EVICT_NONE) {
        evict->lists[node->queue].bytes -= node->size_bytes;
        evict->lists[node->queue].bytes += size_bytes;
    }
    node->size_bytes = size_bytes;
}

void evict_add(struct evict *evict, struct evict_node *node)
{
    atomic_store_explicit(&node->hits, 0, memory_order_relaxed);
    push(evict, node, evict_admit(evict, node->hash, node->size_bytes));
}

struct evict_node *evict_victim(struct evict *evict)
{
    uint64_t bytes[EVICT_QUEUES];
    for (size_t steps = 0; steps < 1U << 20; steps++) {
        for (size_t i = 0; i < EVICT_QUEUES; i++)
            bytes[i] = evict->lists[i].tail ? evict->lists[i].bytes + 1 : 0;
        enum evict_queue queue = evict_which(bytes);
        struct evict_node *node = evict->lists[queue].tail;
        if (!node)
            return NULL;
        uint8_t hits = atomic_load_explicit(&node->hits, memory_order_relaxed);
        enum evict_queue next = node->is_pinned ? queue : evict_judge(queue, &hits);
        evict_drop(evict, node);
        if (next == EVICT_NONE) {
            evict_remember(evict, node->hash);
            return node;
        }
        atomic_store_explicit(&node->hits, hits, memory_order_relaxed);
        push(evict, node, next);
    }
    return NULL;
}

uint64_t evict_bytes(const struct evict *evict)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < EVICT_QUEUES; i++)
        bytes += evict->lists[i].bytes;
    return bytes;
}

/* --- who is remembered --- */
static uint32_t *ghosts_of(const struct evict *evict, uint64_t hash, uint32_t *ret_print)
{
    uint64_t mixed = hash_mix(hash);
    *ret_print = (uint32_t)mixed | 1;
    return &evict->remembered[(mixed >> 32) % evict->remembered_slots * GHOST_WAYS];
}

void evict_remember(struct evict *evict, uint64_t hash)
{
    uint32_t print, *ghosts = ghosts_of(evict, hash, &print);
    memmove(ghosts + 1, ghosts, (GHOST_WAYS - 1) * sizeof ghosts[0]);
    ghosts[0] = print;
}

static bool forget(struct evict *evict, uint64_t hash)
{
    uint32_t print, *ghosts = ghosts_of(evict, hash, &print);
    for (size_t i = 0; i < GHOST_WAYS; i++) {
        if (ghosts[i] == print) {
            memmove(ghosts + i, ghosts + i + 1, (GHOST_WAYS - 1 - i) * sizeof ghosts[0]);
            ghosts[GHOST_WAYS - 1] = 0;
            return true;
        }
    }
    return false;
}

/* --- the decisions --- */
enum evict_queue evict_admit(struct evict *evict, uint64_t hash, uint64_t size_bytes)
{
    bool is_known = forget(evict, hash);
    if (size_bytes < EVICT_SMALL_BYTES)
        return EVICT_PROTECTED;
    return is_known ? EVICT_MAIN : EVICT_PROBATION;
}

enum evict_queue evict_which(const uint64_t bytes[EVICT_QUEUES])
{
    uint64_t all = bytes[EVICT_PROBATION] + bytes[EVICT_MAIN] + bytes[EVICT_PROTECTED];
    if (bytes[EVICT_PROBATION] > all / 10)
        return EVICT_PROBATION;
    if (bytes[EVICT_PROTECTED] > all / 5)
        return EVICT_PROTECTED;
    return bytes[EVICT_MAIN]        ? EVICT_MAIN
           : bytes[EVICT_PROBATION] ? EVICT_PROBATION
                                    : EVICT_PROTECTED;
}

enum evict_queue evict_judge(enum evict_queue queue, uint8_t *hits)
{
    if (queue == EVICT_PROBATION) {
        bool is_wanted = *hits > 1;
        *hits = 0;
        return is_wanted ? EVICT_MAIN : EVICT_NONE;
    }
    if (*hits == 0)
        return EVICT_NONE;
    --*hits;
    return queue;
}

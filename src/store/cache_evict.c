// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_evict.h"
#include "base/hash.h"
#include "base/mem.h"
#include <assert.h>
#include <math.h>

enum {
    SKETCH_ROWS = 4,
    FIRST_COLUMNS = 1 << 12,
    LAST_COLUMNS = 1 << 20,
    COUNT_MAX = 60,
    HALVE_AFTER = 20
};
enum { GHOST_SETS = 1 << 13, GHOST_WAYS = 8, FIRST_ROOM = 256, HITS_OF_DISK = 3 };

struct evict {
    struct evict_node **heap; /* the least valuable first */
    size_t count, room;
    uint64_t bytes, counted; /* counted: since the sketch was halved */
    double level;            /* value of the last that left */
    uint8_t *sketch;         /* rows of `columns`, which grow with what is in */
    size_t columns;
    uint32_t ghosts[GHOST_SETS][GHOST_WAYS]; /* who left the disk, the newest first; 0: none */
};

struct evict *evict_new(void)
{
    struct evict *evict = MEM_NEW(struct evict);
    evict->room = FIRST_ROOM;
    evict->columns = FIRST_COLUMNS;
    evict->sketch = mem_zalloc(SKETCH_ROWS * evict->columns);
    evict->heap = mem_alloc(evict->room * sizeof(struct evict_node *));
    return evict;
}

void evict_free(struct evict **evict)
{
    if (!*evict)
        return;
    mem_free((*evict)->heap);
    mem_free((*evict)->sketch);
    mem_free_p(evict);
}

/* --- how often a hash was asked for, about --- */
static uint8_t *counter_of(struct evict *evict, uint64_t hash, unsigned row)
{
    size_t column = hash_mix(hash + row * 0x9e3779b97f4a7c15U) % evict->columns;
    return &evict->sketch[row * evict->columns + column];
}

static void sketch_halve(struct evict *evict)
{
    for (size_t i = 0; i < SKETCH_ROWS * evict->columns; i++)
        evict->sketch[i] /= 2;
    evict->counted = 0;
}

/* Columns are a power of two, so a counter's two successors begin as it was. */
static void sketch_grow(struct evict *evict)
{
    size_t old = evict->columns;
    uint8_t *sketch = mem_alloc(2 * SKETCH_ROWS * old);
    for (size_t half = 0; half < 2 * SKETCH_ROWS; half++)
        memcpy(sketch + half * old, evict->sketch + half / 2 * old, old);
    mem_free(evict->sketch);
    evict->sketch = sketch;
    evict->columns = 2 * old;
}

static void sketch_add(struct evict *evict, uint64_t hash, unsigned times)
{
    for (unsigned row = 0; row < SKETCH_ROWS; row++) {
        uint8_t *counter = counter_of(evict, hash, row);
        unsigned more = *counter + times;
        *counter = (uint8_t)(more < COUNT_MAX ? more : COUNT_MAX);
    }
    evict->counted += times;
    if (evict->columns < 8 * evict->count && evict->columns < LAST_COLUMNS)
        sketch_grow(evict);
    if (evict->counted > HALVE_AFTER * (evict->count + FIRST_COLUMNS))
        sketch_halve(evict);
}

static unsigned sketch_count(struct evict *evict, uint64_t hash)
{
    unsigned least = COUNT_MAX;
    for (unsigned row = 0; row < SKETCH_ROWS; row++) {
        uint8_t count = *counter_of(evict, hash, row);
        least = count < least ? count : least;
    }
    return least;
}

/* --- the heap --- */
static void place(struct evict *evict, size_t at, struct evict_node *node)
{
    evict->heap[at] = node;
    node->position = (uint32_t)at + 1;
}

static void sift_up(struct evict *evict, size_t at)
{
    struct evict_node *node = evict->heap[at];
    for (; at > 0 && node->value < evict->heap[(at - 1) / 2]->value; at = (at - 1) / 2)
        place(evict, at, evict->heap[(at - 1) / 2]);
    place(evict, at, node);
}

static void sift_down(struct evict *evict, size_t at)
{
    struct evict_node *node = evict->heap[at];
    for (size_t child; (child = 2 * at + 1) < evict->count; at = child) {
        if (child + 1 < evict->count && evict->heap[child + 1]->value < evict->heap[child]->value)
            child++;
        if (evict->heap[child]->value >= node->value)
            break;
        place(evict, at, evict->heap[child]);
    }
    place(evict, at, node);
}

static void value(const struct evict *evict, struct evict_node *node)
{
    double size = node->size_bytes ? (double)node->size_bytes : 1;
    node->value = evict->level + (double)node->asked / pow(size, 0.7);
}

void evict_add(struct evict *evict, struct evict_node *node)
{
    assert(!node->position);
    if (evict->count == evict->room) {
        evict->room *= 2;
        evict->heap = mem_realloc_array(evict->heap, evict->room, sizeof(struct evict_node *));
    }
    atomic_store_explicit(&node->hits, 0, memory_order_relaxed);
    node->asked = 1 + (float)sketch_count(evict, node->hash);
    sketch_add(evict, node->hash, 1);
    value(evict, node);
    evict->bytes += node->size_bytes;
    place(evict, evict->count++, node);
    sift_up(evict, evict->count - 1);
}

void evict_drop(struct evict *evict, struct evict_node *node)
{
    if (!node->position)
        return;
    size_t at = node->position - 1;
    struct evict_node *last = evict->heap[--evict->count];
    evict->bytes -= node->size_bytes;
    node->position = 0;
    if (last == node)
        return;
    place(evict, at, last);
    sift_up(evict, at);
    sift_down(evict, last->position - 1);
}

/* Its worth is reckoned anew when it is next looked at. */
void evict_resize(struct evict *evict, struct evict_node *node, uint64_t size_bytes)
{
    if (node->position)
        evict->bytes += size_bytes - node->size_bytes;
    node->size_bytes = size_bytes;
}

struct evict_node *evict_victim(struct evict *evict)
{
    for (size_t pinned = 0; pinned < evict->count;) {
        struct evict_node *node = evict->heap[0];
        uint8_t hits = atomic_exchange_explicit(&node->hits, 0, memory_order_relaxed);
        if (!hits && !node->is_pinned) {
            evict->level = node->value > evict->level ? node->value : evict->level;
            evict_drop(evict, node);
            return node;
        }
        node->asked += hits;
        if (hits)
            sketch_add(evict, node->hash, hits);
        pinned = node->is_pinned ? pinned + 1 : 0;
        value(evict, node);
        if (node->is_pinned) /* behind all others */
            node->value = evict->heap[evict->count - 1]->value * 2 + 1;
        sift_down(evict, 0);
    }
    return NULL;
}

uint64_t evict_bytes(const struct evict *evict) { return evict->bytes; }

/* --- who left the disk --- */
static uint32_t *ghosts_of(struct evict *evict, uint64_t hash, uint32_t *ret_print)
{
    uint64_t mixed = hash_mix(hash);
    *ret_print = (uint32_t)mixed | 1;
    return evict->ghosts[(mixed >> 32) % GHOST_SETS];
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

/* --- the disk's decisions --- */
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
    if (*hits > HITS_OF_DISK)
        *hits = HITS_OF_DISK;
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

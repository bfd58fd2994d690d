// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_evict.h"
#include "base/mem.h"
#include "store/cache_rivals.h"

enum { NOTES = 64, RIVAL_NODES_LEAST = 32, RIVAL_NODES_MOST = 1024 };
static const struct worth_rule FIRST_RULE = {1, 0.7};

/* A hit of a sampled hash, until the next miss; hash 0: none. */
struct note {
    _Atomic uint64_t hash, size_bytes;
};

struct evict {
    struct worth worth;
    struct rivals *rivals;
    uint64_t most_bytes; /* that were in when somebody had to go: about the bound */
    _Atomic uint32_t note_count;
    struct note notes[NOTES];
};

struct evict *evict_new(uint64_t memory_bytes)
{
    struct evict *evict = MEM_NEW(struct evict);
    uint64_t nodes = memory_bytes / 100 / (RIVALS * RIVAL_BYTES);
    nodes = nodes < RIVAL_NODES_LEAST  ? RIVAL_NODES_LEAST
            : nodes > RIVAL_NODES_MOST ? RIVAL_NODES_MOST
                                       : nodes;
    worth_init(&evict->worth, FIRST_RULE);
    evict->rivals = rivals_new((size_t)nodes);
    return evict;
}

void evict_free(struct evict **evict)
{
    if (!*evict)
        return;
    worth_release(&(*evict)->worth);
    rivals_free(&(*evict)->rivals);
    mem_free_p(evict);
}

/* --- what the rivals see --- */
void evict_touch(struct evict *evict, struct evict_node *node)
{
    worth_touch(&evict->worth, node);
    if (!node->is_sampled ||
        atomic_load_explicit(&evict->note_count, memory_order_relaxed) >= NOTES)
        return;
    uint32_t at = atomic_fetch_add_explicit(&evict->note_count, 1, memory_order_relaxed);
    if (at >= NOTES)
        return;
    atomic_store_explicit(&evict->notes[at].size_bytes, node->size_bytes, memory_order_relaxed);
    atomic_store_explicit(&evict->notes[at].hash, node->hash, memory_order_release);
}

/* One that is being written just now is lost, or seen the next time. */
static void read_notes(struct evict *evict)
{
    uint32_t count = atomic_load_explicit(&evict->note_count, memory_order_relaxed);
    for (uint32_t i = 0; i < count && i < NOTES; i++) {
        struct note *note = &evict->notes[i];
        uint64_t hash = atomic_exchange_explicit(&note->hash, 0, memory_order_acquire);
        if (hash)
            rivals_ask(evict->rivals, hash,
                       atomic_load_explicit(&note->size_bytes, memory_order_relaxed),
                       evict->most_bytes);
    }
    atomic_store_explicit(&evict->note_count, 0, memory_order_relaxed);
}

/* Before anybody had to go there is nothing to choose. */
static void show_rivals(struct evict *evict, const struct evict_node *node)
{
    struct worth_rule rule;
    if (evict->most_bytes == 0)
        return;
    read_notes(evict);
    if (node->is_sampled)
        rivals_ask(evict->rivals, node->hash, node->size_bytes, evict->most_bytes);
    if (rivals_judge(evict->rivals, &rule))
        worth_follow(&evict->worth, rule);
}

/* --- in and out --- */
void evict_add(struct evict *evict, struct evict_node *node)
{
    node->is_sampled = rivals_sample(evict->rivals, node->hash);
    show_rivals(evict, node);
    worth_add(&evict->worth, node);
}

void evict_put_back(struct evict *evict, struct evict_node *node)
{
    worth_put_back(&evict->worth, node);
}

void evict_drop(struct evict *evict, struct evict_node *node) { worth_drop(&evict->worth, node); }

/* Its worth is reckoned anew when it is next looked at. */
void evict_resize(struct evict *evict, struct evict_node *node, uint64_t size_bytes)
{
    if (node->position)
        evict->worth.bytes += size_bytes - node->size_bytes;
    node->size_bytes = size_bytes;
}

struct evict_node *evict_victim(struct evict *evict)
{
    if (evict->worth.bytes > evict->most_bytes)
        evict->most_bytes = evict->worth.bytes;
    return worth_victim(&evict->worth);
}

uint64_t evict_bytes(const struct evict *evict) { return evict->worth.bytes; }

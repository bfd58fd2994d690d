// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_rivals.h"
#include "base/hash.h"
#include "base/mem.h"
#include <assert.h>
#include <math.h>

static const struct worth_rule RULES[RIVALS] = {
    {0, 0}, {0.3, 0}, {1, 0}, {2, 0}, {4, 0}, {1, 0.5}, {2, 0.5}, {1, 0.7}, {2, 0.7}, {2, 1},
};
enum { FIRST_RULE = 7, ASKS_A_NODE = 4 /* between two verdicts */ };
static const double FORGET = 0.5, MARGIN = 0.01;

struct rival {
    struct worth worth;
    struct evict_node *nodes;
    uint32_t *table, *spare; /* node + 1 by hash, linear probing; free nodes */
    size_t spare_count;
    double misses, missed_bytes;
};

struct rivals {
    struct rival rivals[RIVALS];
    size_t nodes, slots;
    uint64_t mask, asks;
    double asked, asked_bytes;
    unsigned leader;
};

struct rivals *rivals_new(size_t nodes)
{
    struct rivals *rivals = MEM_NEW(struct rivals);
    rivals->nodes = nodes;
    rivals->slots = 2;
    while (rivals->slots < 2 * nodes)
        rivals->slots *= 2;
    rivals->leader = FIRST_RULE;
    for (size_t r = 0; r < RIVALS; r++) {
        struct rival *rival = &rivals->rivals[r];
        worth_init(&rival->worth, RULES[r]);
        rival->nodes = mem_zalloc(nodes * sizeof(struct evict_node));
        rival->table = mem_zalloc(rivals->slots * sizeof(uint32_t));
        rival->spare = mem_alloc(nodes * sizeof(uint32_t));
        for (size_t i = 0; i < nodes; i++)
            rival->spare[rival->spare_count++] = (uint32_t)i;
    }
    return rivals;
}

void rivals_free(struct rivals **rivals)
{
    if (!*rivals)
        return;
    for (size_t r = 0; r < RIVALS; r++) {
        struct rival *rival = &(*rivals)->rivals[r];
        worth_release(&rival->worth);
        mem_free(rival->nodes);
        mem_free(rival->table);
        mem_free(rival->spare);
    }
    mem_free_p(rivals);
}

/* --- the table of one --- */
static size_t home_of(const struct rivals *rivals, uint64_t hash)
{
    return hash_mix(hash + 1) & (rivals->slots - 1);
}

/* Where it is, or where it would be. */
static size_t find(const struct rivals *rivals, const struct rival *rival, uint64_t hash)
{
    size_t at = home_of(rivals, hash);
    while (rival->table[at] && rival->nodes[rival->table[at] - 1].hash != hash)
        at = (at + 1) & (rivals->slots - 1);
    return at;
}

/* Out of the table, and those that were pushed on by it back. */
static void forget(struct rivals *rivals, struct rival *rival, struct evict_node *node)
{
    size_t mask = rivals->slots - 1, hole = find(rivals, rival, node->hash);
    rival->spare[rival->spare_count++] = rival->table[hole] - 1;
    for (size_t at = (hole + 1) & mask; rival->table[at]; at = (at + 1) & mask) {
        size_t home = home_of(rivals, rival->nodes[rival->table[at] - 1].hash);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue; /* it would come before its home */
        rival->table[hole] = rival->table[at];
        hole = at;
    }
    rival->table[hole] = 0;
}

/* --- asks --- */
static bool is_in_sample(uint64_t hash, uint64_t mask)
{
    return (hash_mix(hash ^ 0x5a5a5a5a5a5a5a5a) & mask) == 0;
}

bool rivals_sample(const struct rivals *rivals, uint64_t hash)
{
    return is_in_sample(hash, rivals->mask);
}

static void halve_sample(struct rivals *rivals)
{
    rivals->mask = 2 * rivals->mask + 1;
    for (size_t r = 0; r < RIVALS; r++) {
        struct rival *rival = &rivals->rivals[r];
        for (size_t i = 0; i < rivals->nodes; i++) {
            struct evict_node *node = &rival->nodes[i];
            if (!node->position || is_in_sample(node->hash, rivals->mask))
                continue;
            worth_drop(&rival->worth, node);
            forget(rivals, rival, node);
        }
    }
}

static void ask_one(struct rivals *rivals, struct rival *rival, uint64_t hash, uint64_t size,
                    uint64_t limit)
{
    size_t at = find(rivals, rival, hash);
    if (rival->table[at]) {
        worth_touch(&rival->worth, &rival->nodes[rival->table[at] - 1]);
        return;
    }
    rival->misses++;
    rival->missed_bytes += (double)size;
    if (size > limit)
        return;
    while (rival->worth.bytes + size > limit)
        forget(rivals, rival, worth_victim(&rival->worth));
    assert(rival->spare_count > 0);
    uint32_t spare = rival->spare[--rival->spare_count];
    struct evict_node *node = &rival->nodes[spare];
    node->hash = hash;
    node->size_bytes = size;
    rival->table[find(rivals, rival, hash)] = spare + 1;
    worth_add(&rival->worth, node);
}

static bool is_full(const struct rivals *rivals)
{
    for (size_t r = 0; r < RIVALS; r++)
        if (rivals->rivals[r].spare_count == 0)
            return true;
    return false;
}

void rivals_ask(struct rivals *rivals, uint64_t hash, uint64_t size_bytes, uint64_t limit_bytes)
{
    while (is_full(rivals))
        halve_sample(rivals);
    if (!rivals_sample(rivals, hash))
        return;
    uint64_t limit = limit_bytes / (rivals->mask + 1);
    rivals->asks++;
    rivals->asked++;
    rivals->asked_bytes += (double)size_bytes;
    for (size_t r = 0; r < RIVALS; r++)
        ask_one(rivals, &rivals->rivals[r], hash, size_bytes, limit);
}

/* --- verdicts --- */
/* How much less than LRU it misses, as a logarithm; negative: more, in one way or the other. */
static double lead_of(const struct rivals *rivals, unsigned r)
{
    const struct rival *lru = &rivals->rivals[0], *rival = &rivals->rivals[r];
    double objects = log((lru->misses + 1) / (rival->misses + 1)),
           bytes = log((lru->missed_bytes + 1) / (rival->missed_bytes + 1));
    if (objects < 0 || bytes < 0)
        return objects < bytes ? objects : bytes;
    return objects + bytes;
}

bool rivals_judge(struct rivals *rivals, struct worth_rule *ret)
{
    if (rivals->asks < ASKS_A_NODE * rivals->nodes)
        return false;
    rivals->asks = 0;
    unsigned best = rivals->leader;
    double most = lead_of(rivals, best);
    most += most > 0 ? MARGIN : 0;
    for (unsigned r = 0; r < RIVALS; r++) {
        if (lead_of(rivals, r) > most) {
            best = r;
            most = lead_of(rivals, r);
        }
    }
    for (size_t r = 0; r < RIVALS; r++) {
        rivals->rivals[r].misses *= FORGET;
        rivals->rivals[r].missed_bytes *= FORGET;
    }
    bool is_other = best != rivals->leader;
    rivals->leader = best;
    *ret = RULES[best];
    return is_other;
}

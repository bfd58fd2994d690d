// SPDX-License-Identifier: GPL-3.0-or-later
/* Who leaves: by worth, by the rule that would have missed least from memory. */
#include "base/hash.h"
#include "base/mem.h"
#include "store/cache_evict.h"
#include "store/cache_rivals.h"
#include "tap.h"

enum { NODES = 4096 };
static struct evict_node nodes[NODES];

static struct evict_node *node_of(unsigned number, uint64_t size)
{
    struct evict_node *node = &nodes[number];
    *node = (struct evict_node){.hash = hash_mix(number), .size_bytes = size};
    return node;
}

/* --- worth --- */
static void last_asked_leaves_last(void)
{
    struct worth worth;
    worth_init(&worth, (struct worth_rule){0, 0});
    for (unsigned i = 0; i < 4; i++)
        worth_add(&worth, node_of(i, 10));
    worth_touch(&worth, &nodes[0]);
    worth_add(&worth, node_of(4, 10));
    OK(worth_victim(&worth) == &nodes[1] && worth_victim(&worth) == &nodes[2],
       "with exponent 0 those leave that nobody asked for since");
    OK(worth_victim(&worth) != &nodes[4] && worth_victim(&worth) != &nodes[4] &&
           worth_victim(&worth) == &nodes[4],
       "and who came last leaves last");
    OK(!worth_victim(&worth), "and an empty one has nobody to give");
    worth_release(&worth);
}

static void wanted_and_small_stay(void)
{
    struct worth worth;
    worth_init(&worth, (struct worth_rule){1, 1});
    worth_add(&worth, node_of(0, 1000));
    worth_add(&worth, node_of(1, 1000));
    worth_add(&worth, node_of(2, 10));
    for (unsigned i = 0; i < 5; i++)
        worth_touch(&worth, &nodes[0]);
    OK(worth_victim(&worth) == &nodes[1], "what nobody asked for leaves first");
    OK(worth_victim(&worth) == &nodes[0], "then what is large, though it was asked for");
    OK(worth_victim(&worth) == &nodes[2], "what is small last");
    worth_add(&worth, node_of(0, 1000));
    OK(nodes[0].asked > 5, "who comes back is known by how often it was asked for");
    worth_drop(&worth, &nodes[0]);
    worth_drop(&worth, &nodes[0]);
    OK(worth.bytes == 0 && worth.count == 0, "dropping twice is dropping once");
    worth_release(&worth);
}

static void wanted_once_grows_old(void)
{
    struct worth worth;
    unsigned turns = 0;
    worth_init(&worth, (struct worth_rule){1, 0});
    worth_add(&worth, node_of(0, 1));
    for (unsigned i = 0; i < 50; i++)
        worth_touch(&worth, &nodes[0]);
    for (unsigned i = 1; i < 10; i++)
        worth_add(&worth, node_of(i, 1));
    while (nodes[0].position && turns < NODES - 20) {
        struct evict_node *gone = worth_victim(&worth);
        if (gone != &nodes[0])
            worth_add(&worth, node_of(10 + turns++, 1));
    }
    OK(turns > 100, "what was asked for fifty times stays for long");
    OK(!nodes[0].position, "and not for ever");
    worth_release(&worth);
}

static void pinned_stay(void)
{
    struct evict *evict = evict_new(64 << 20);
    for (unsigned i = 0; i < 10; i++) {
        struct evict_node *node = node_of(i, 10);
        node->is_pinned = i % 2;
        evict_add(evict, node);
    }
    unsigned left = 0, pinned = 0;
    for (struct evict_node *node; (node = evict_victim(evict)); left++)
        pinned += node->is_pinned;
    OK(left == 5 && pinned == 0, "what is pinned is nobody's victim");
    OK(evict_bytes(evict) == 50, "and is counted");
    evict_resize(evict, &nodes[1], 25);
    OK(evict_bytes(evict) == 65, "with its size of now");
    for (unsigned i = 0; i < 10; i++)
        evict_drop(evict, &nodes[i]);
    OK(evict_bytes(evict) == 0, "until it is dropped");
    evict_free(&evict);
}

/* --- which rule: misses of a cache of `limit` objects of one size --- */
typedef unsigned asker(uint64_t i);

/* Some that are wanted, each rarely, among many that pass by: LRU keeps the wrong ones. */
static unsigned among_passers(uint64_t i)
{
    return (unsigned)(i % 2 ? hash_mix(i) % 250 : 250 + i / 2 % (NODES - 250));
}
/* Near what was just asked for, moving on: frequency knows nothing. */
static unsigned moving_on(uint64_t i) { return (unsigned)((i / 40 + hash_mix(i) % 160) % NODES); }

static unsigned misses_of(asker *ask, uint64_t asks, uint64_t limit)
{
    struct evict *evict = evict_new(64 << 20);
    unsigned misses = 0;
    memset(nodes, 0, sizeof nodes);
    for (uint64_t i = 0; i < asks; i++) {
        unsigned number = ask(i);
        if (evict_has(&nodes[number])) {
            evict_touch(evict, &nodes[number]);
            continue;
        }
        misses++;
        while (evict_bytes(evict) >= limit)
            (void)!evict_victim(evict);
        evict_add(evict, node_of(number, 1));
    }
    evict_free(&evict);
    return misses;
}

static unsigned misses_of_lru(asker *ask, uint64_t asks, uint64_t limit)
{
    struct worth worth;
    unsigned misses = 0;
    memset(nodes, 0, sizeof nodes);
    worth_init(&worth, (struct worth_rule){0, 0});
    for (uint64_t i = 0; i < asks; i++) {
        unsigned number = ask(i);
        if (nodes[number].position) {
            worth_touch(&worth, &nodes[number]);
            continue;
        }
        misses++;
        while (worth.count >= limit)
            (void)!worth_victim(&worth);
        worth_add(&worth, node_of(number, 1));
    }
    worth_release(&worth);
    return misses;
}

static void follows_who_misses_least(void)
{
    enum { ASKS = 200000, LIMIT = 200 };
    unsigned wanted = misses_of(among_passers, ASKS, LIMIT),
             lru = misses_of_lru(among_passers, ASKS, LIMIT);
    printf("# among passers: %u misses, LRU %u\n", wanted, lru);
    OK(wanted < lru / 10 * 8, "what is wanted is kept from what passes by");
    unsigned moving = misses_of(moving_on, ASKS, LIMIT);
    lru = misses_of_lru(moving_on, ASKS, LIMIT);
    printf("# moving on: %u misses, LRU %u\n", moving, lru);
    OK(moving <= lru + lru / 20, "where LRU is right it is followed");
}

static void rivals_are_bounded(void)
{
    struct rivals *rivals = rivals_new(64);
    unsigned sampled = 0;
    for (uint64_t i = 0; i < 20000; i++) /* a cache of 10,000 objects: each rival has 64 nodes */
        rivals_ask(rivals, hash_mix(i % 15000), 100, 1000000);
    for (uint64_t i = 0; i < 20000; i++)
        sampled += rivals_sample(rivals, hash_mix(i));
    OK(sampled > 0 && sampled < 20000 / 100, "the larger the cache the smaller the sample");
    rivals_free(&rivals);
    OK(!rivals, "and they can be freed");
}

int main(void)
{
    last_asked_leaves_last();
    wanted_and_small_stay();
    wanted_once_grows_old();
    pinned_stay();
    follows_who_misses_least();
    rivals_are_bounded();
    return tap_done();
}

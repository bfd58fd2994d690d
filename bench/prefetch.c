// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What listeners wait for: segments that are not held when they are asked for, on the music
 * workload (bench/eviction_trace.h), by the cache's own eviction and the edge's own prefetch with
 * its budgets, in virtual time.  A prefetch is taken to end before the segment that is playing
 * does.
 *
 *     prefetch_bench [ASKS]
 */
#include "base/hash.h"
#include "base/mem.h"
#include "edge/prefetch.h"
#include "eviction_trace.h"
#include "store/cache_evict.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TRACKS = 60000,
    ASKS = 2600000,
    SEGMENT_MS = 10000,
    MEMORY_BYTES = 64 << 20, /* an ordinary one: what the eviction may know */
};

struct run {
    const struct trace *trace;
    uint64_t limit_bytes;
    bool has_prefetch, holds_first; /* the first segment of every track, within the limit */
    /* what comes of it */
    uint64_t segments, missed, origin_bytes, ahead_bytes;
};

struct cache_model {
    struct evict *evict;
    struct evict_node *nodes;
    uint64_t limit_bytes;
};

static bool is_segment(uint32_t object) { return object < TRACKS * TRACE_MUSIC_SEGMENTS; }

static void add(struct cache_model *cache, uint32_t object, uint32_t size)
{
    struct evict_node *node = &cache->nodes[object];
    while (evict_bytes(cache->evict) + size > cache->limit_bytes)
        if (!evict_victim(cache->evict))
            break;
    node->hash = hash_mix(object);
    node->size_bytes = size;
    evict_add(cache->evict, node);
}

/* Pinned ones are not told to the eviction, which sees what is left of the room. */
static void hold_first(struct run *run, struct cache_model *cache, uint32_t segment_bytes)
{
    uint64_t bytes = (uint64_t)TRACKS * segment_bytes;
    if (run->holds_first && bytes < cache->limit_bytes)
        cache->limit_bytes -= bytes;
}

static bool is_held(const struct run *run, const struct cache_model *cache, uint32_t object)
{
    return evict_has(&cache->nodes[object]) ||
           (run->holds_first && is_segment(object) && object % TRACE_MUSIC_SEGMENTS == 0);
}

static void fetch_ahead(struct run *run, struct cache_model *cache, struct prefetch *prefetch,
                        const struct ask *ask, int64_t now_ms)
{
    uint32_t next = ask->object + 1;
    prefetch_visited(prefetch, ask->object, now_ms);
    if (next % TRACE_MUSIC_SEGMENTS == 0 || is_held(run, cache, next) ||
        !prefetch_may_begin(prefetch, next, now_ms))
        return;
    add(cache, next, ask->size);
    run->origin_bytes += ask->size;
    run->ahead_bytes += ask->size;
    prefetch_came(prefetch, next, ask->size, now_ms);
}

static void play(struct run *run, const struct prefetch_limits *limits)
{
    struct cache_model cache = {evict_new(MEMORY_BYTES),
                                mem_zalloc((run->trace->objects + 1) * sizeof *cache.nodes),
                                run->limit_bytes};
    struct prefetch *prefetch = prefetch_new(limits);
    uint64_t clock_us = 1000000;
    hold_first(run, &cache, 320000);
    for (size_t i = 0; i < run->trace->count; i++) {
        const struct ask *ask = &run->trace->asks[i];
        bool is_one = is_segment(ask->object), is_here = is_held(run, &cache, ask->object);
        if (is_here && evict_has(&cache.nodes[ask->object]))
            evict_touch(cache.evict, &cache.nodes[ask->object]);
        if (!is_here) {
            add(&cache, ask->object, ask->size);
            run->origin_bytes += ask->size;
        }
        run->segments += is_one;
        run->missed += is_one && !is_here;
        clock_us += is_one ? SEGMENT_MS * 1000 / TRACE_MUSIC_LISTENERS : 0;
        if (is_one && run->has_prefetch)
            fetch_ahead(run, &cache, prefetch, ask, (int64_t)(clock_us / 1000));
    }
    prefetch_free(&prefetch);
    evict_free(&cache.evict);
    mem_free(cache.nodes);
}

static double share(uint64_t part, uint64_t whole) { return 100.0 * (double)part / (double)whole; }

static void compare(const struct trace *trace, double size, bool holds_first, bool *ret_passes)
{
    struct edge_policy policy = edge_policy_default();
    const struct prefetch_limits limits = {(uint64_t)policy.edge_prefetch_kib_s << 10,
                                           (uint64_t)policy.edge_prefetch_unused_mib << 20,
                                           policy.edge_prefetch_at_once};
    uint64_t limit = (uint64_t)((double)trace->footprint * size);
    struct run without = {.trace = trace, .limit_bytes = limit, .holds_first = holds_first},
               with = without;
    with.has_prefetch = true;
    play(&without, &limits);
    play(&with, &limits);
    double missed = share(with.missed, with.segments),
           more = share(with.origin_bytes, without.origin_bytes) - 100;
    printf("%5.0f %%  %-6s  %6.2f %%  %6.2f %%  %+6.2f %%  %6.1f %%\n", 100 * size,
           holds_first ? "held" : "cached", share(without.missed, without.segments), missed, more,
           share(with.ahead_bytes, with.origin_bytes));
    *ret_passes = missed < 5 && more <= 5;
}

int main(int argc, char **argv)
{
    struct trace trace;
    bool passes = false, ignored;
    trace_music(1, TRACKS, argc > 1 ? strtoul(argv[1], NULL, 10) : ASKS, &trace);
    printf("cache    first   missed    with      origin    of it\n"
           "size     segment segments  prefetch  bytes     ahead\n");
    compare(&trace, 0.01, false, &ignored);
    compare(&trace, 0.1, false, &ignored);
    compare(&trace, 0.1, true, &passes);
    printf("visible segment misses with first segments held: bar 5 %%, at most 5 %% more origin "
           "bytes  %s\n",
           passes ? "PASS" : "FAIL");
    trace_release(&trace);
    return 0;
}

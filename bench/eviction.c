// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * How many misses the cache's own eviction (store/cache_evict.h) leaves, beside LRU, FIFO and what
 * could be had with the future known.
 *
 *     eviction [FOLDER_OF_TRACES [MAX_ASKS]]
 */
#include "base/mem.h"
#include "eviction_trace.h"
#include "store/cache_evict.h"
#include "base/hash.h"
#include <stdio.h>
#include <stdlib.h>

static const char *const NAMES[] = {"adaptsize", "web07",  "web12",       "orm-night",
                                    "orm-busy",  "scarab", "w106",        "sprite",
                                    "2_pools",   "multi3", "cloudphysics"};
static const double SHARES[] = {0.001, 0.01, 0.1};
enum { MUSIC_TRACKS = 60000, MUSIC_ASKS = 2600000, MAX_ASKS = 2000000 };

struct tally {
    double gaps;
    unsigned count, below;
};

static struct misses ours(const struct trace *trace, uint64_t limit_bytes)
{
    struct misses misses = {0, 0};
    struct evict_node *nodes = mem_zalloc((trace->objects + 1) * sizeof *nodes);
    struct evict *evict = evict_new();
    for (size_t i = 0; i < trace->count; i++) {
        struct ask ask = trace->asks[i];
        struct evict_node *node = &nodes[ask.object];
        if (evict_has(node)) {
            evict_touch(node);
            continue;
        }
        misses.objects++;
        misses.bytes += ask.size;
        if (ask.size > limit_bytes)
            continue;
        node->hash = hash_mix(ask.object);
        node->size_bytes = ask.size;
        evict_add(evict, node);
        while (evict_bytes(evict) > limit_bytes)
            if (!evict_victim(evict))
                break;
    }
    evict_free(&evict);
    mem_free(nodes);
    return misses;
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static void row(const char *name, double share, const char *what, const uint64_t missed[4],
                uint64_t whole, struct tally *tally)
{
    double lru = ratio(missed[0], whole), us = ratio(missed[2], whole),
           best = ratio(missed[3], whole);
    double gap = lru - best > 0.0005 ? (lru - us) / (lru - best) : 0;
    printf("%-13s %5.1f %%  %-7s  %.4f  %.4f  %.4f  %.4f  %5.0f %%%s\n", name, share * 100, what,
           lru, ratio(missed[1], whole), us, best, 100 * gap,
           us > lru + 0.00005 ? "  below LRU" : "");
    fflush(stdout);
    if (lru - best > 0.0005) {
        tally->gaps += gap;
        tally->count++;
    }
    tally->below += us > lru + 0.00005;
}

static void compare(const char *name, const struct trace *trace, struct tally *tally)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < trace->count; i++)
        bytes += trace->asks[i].size;
    for (size_t i = 0; i < sizeof SHARES / sizeof SHARES[0]; i++) {
        uint64_t limit = (uint64_t)((double)trace->footprint * SHARES[i]);
        if (limit * trace->objects < 20 * trace->footprint)
            continue; /* not twenty objects: no cache */
        struct misses of[4] = {fifo_or_lru(trace, limit, true), fifo_or_lru(trace, limit, false),
                               ours(trace, limit), offline_bound(trace, limit)};
        uint64_t objects[4], sizes[4];
        for (size_t p = 0; p < 4; p++) {
            objects[p] = of[p].objects;
            sizes[p] = of[p].bytes;
        }
        row(name, SHARES[i], "objects", objects, trace->count, tally);
        if (trace->is_sized)
            row(name, SHARES[i], "bytes", sizes, bytes, tally);
    }
}

int main(int argc, char **argv)
{
    struct tally tally = {0, 0, 0};
    struct trace trace;
    size_t max = argc > 2 ? strtoul(argv[2], NULL, 10) : MAX_ASKS;
    printf("trace         size     misses   LRU     FIFO    ours    offline  of the gap\n");
    trace_music(1, MUSIC_TRACKS, max < MUSIC_ASKS && argc > 2 ? max : MUSIC_ASKS, &trace);
    compare("music", &trace, &tally);
    trace_release(&trace);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0] && argc > 1; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s.bin", argv[1], NAMES[i]);
        if (!trace_read(path, max, &trace)) {
            printf("%-13s absent\n", NAMES[i]);
            continue;
        }
        compare(NAMES[i], &trace, &tally);
        trace_release(&trace);
    }
    double mean = tally.count ? 100 * tally.gaps / tally.count : 0;
    printf("of the gap between LRU and the offline bound, on average: %.0f %%  (bar 30)  %s\n",
           mean, mean >= 30 ? "PASS" : "FAIL");
    printf("rows below LRU: %u  (bar 0)  %s\n", tally.below, tally.below == 0 ? "PASS" : "FAIL");
    return 0;
}

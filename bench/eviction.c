// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * How many misses the cache's own evictions leave, memory's (store/cache_evict.h) and the disk's
 * (store/cache_queues.h), beside LRU and what could be had with the future known.
 *
 *     eviction [FOLDER_OF_TRACES [MAX_ASKS]]
 */
#include "base/mem.h"
#include "eviction_trace.h"
#include "store/cache_evict.h"
#include "store/cache_queues.h"
#include "base/hash.h"
#include <stdio.h>
#include <stdlib.h>

static const char *const NAMES[] = {"adaptsize", "web07",  "web12",       "orm-night",
                                    "orm-busy",  "scarab", "w106",        "sprite",
                                    "2_pools",   "multi3", "cloudphysics"};
static const double SHARES[] = {0.001, 0.01, 0.1};
enum { MUSIC_TRACKS = 60000, MUSIC_ASKS = 2600000, MAX_ASKS = 2000000 };
enum { MEMORY_BYTES = 64 << 20 /* an ordinary one: says how much the rivals may have */ };

/* Of the gap between LRU and the offline bound. */
enum who { MEMORY, DISK, WHO };
struct tally {
    double gaps[WHO];
    unsigned count, below[WHO];
};

static struct misses of_memory(const struct trace *trace, uint64_t limit_bytes)
{
    struct misses misses = {0, 0};
    struct evict_node *nodes = mem_zalloc((trace->objects + 1) * sizeof *nodes);
    struct evict *evict = evict_new(MEMORY_BYTES);
    for (size_t i = 0; i < trace->count; i++) {
        struct ask ask = trace->asks[i];
        struct evict_node *node = &nodes[ask.object];
        if (evict_has(node)) {
            evict_touch(evict, node);
            continue;
        }
        misses.objects++;
        misses.bytes += ask.size;
        if (ask.size > limit_bytes)
            continue;
        while (evict_bytes(evict) + ask.size > limit_bytes)
            if (!evict_victim(evict))
                break;
        node->hash = hash_mix(ask.object);
        node->size_bytes = ask.size;
        evict_add(evict, node);
    }
    evict_free(&evict);
    mem_free(nodes);
    return misses;
}

/* --- the disk: queues as they lie in its logs, object by object --- */
struct log {
    uint32_t first, last; /* object + 1; 0: none */
};
struct logs {
    struct log log[EVICT_QUEUES];
    uint64_t bytes[EVICT_QUEUES];
    uint32_t *next, *sizes;
    uint8_t *hits, *is_in;
    struct queues *queues;
};

static void push(struct logs *logs, enum evict_queue queue, uint32_t object)
{
    struct log *log = &logs->log[queue];
    logs->next[object] = 0;
    if (log->last)
        logs->next[log->last - 1] = object + 1;
    else
        log->first = object + 1;
    log->last = object + 1;
    logs->bytes[queue] += logs->sizes[object];
}

static void pop(struct logs *logs)
{
    enum evict_queue queue = queues_which(logs->queues, logs->bytes);
    struct log *log = &logs->log[queue];
    uint32_t object = log->first - 1;
    log->first = logs->next[object];
    if (!log->first)
        log->last = 0;
    logs->bytes[queue] -= logs->sizes[object];
    enum evict_queue next = queues_judge(queue, logs->sizes[object], &logs->hits[object]);
    if (next != EVICT_NONE) {
        push(logs, next, object);
        return;
    }
    logs->is_in[object] = false;
    queues_remember(logs->queues, hash_mix(object), queue);
}

static struct misses of_disk(const struct trace *trace, uint64_t limit_bytes)
{
    struct misses misses = {0, 0};
    struct logs logs = {.next = mem_zalloc((trace->objects + 1) * sizeof(uint32_t)),
                        .sizes = mem_zalloc((trace->objects + 1) * sizeof(uint32_t)),
                        .hits = mem_zalloc(trace->objects + 1),
                        .is_in = mem_zalloc(trace->objects + 1),
                        .queues = queues_new(limit_bytes * trace->objects / trace->footprint)};
    for (size_t i = 0; i < trace->count; i++) {
        struct ask ask = trace->asks[i];
        if (logs.is_in[ask.object]) {
            if (logs.hits[ask.object] < 3)
                logs.hits[ask.object]++;
            continue;
        }
        misses.objects++;
        misses.bytes += ask.size;
        if (ask.size > limit_bytes)
            continue;
        logs.sizes[ask.object] = ask.size;
        while (logs.bytes[0] + logs.bytes[1] + logs.bytes[2] + ask.size > limit_bytes)
            pop(&logs);
        logs.hits[ask.object] = 0;
        logs.is_in[ask.object] = true;
        push(&logs, queues_admit(logs.queues, hash_mix(ask.object), ask.size), ask.object);
    }
    queues_free(&logs.queues);
    mem_free(logs.next);
    mem_free(logs.sizes);
    mem_free(logs.hits);
    mem_free(logs.is_in);
    return misses;
}

/* --- the table --- */
static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static double gap_of(double lru, double us, double best, enum who who, struct tally *tally)
{
    double gap = lru - best > 0.0005 ? (lru - us) / (lru - best) : 0;
    tally->gaps[who] += gap;
    tally->below[who] += us > lru + 0.00005;
    return 100 * gap;
}

static void row(const char *name, double share, const char *what, const uint64_t missed[4],
                uint64_t whole, struct tally *tally)
{
    double lru = ratio(missed[0], whole), memory = ratio(missed[1], whole),
           disk = ratio(missed[2], whole), best = ratio(missed[3], whole);
    double of_memory_gap = gap_of(lru, memory, best, MEMORY, tally);
    double of_disk_gap = gap_of(lru, disk, best, DISK, tally);
    printf("%-13s %5.1f %%  %-7s  %.4f  %.4f  %.4f  %.4f  %5.0f %%  %5.0f %%%s\n", name,
           share * 100, what, lru, memory, disk, best, of_memory_gap, of_disk_gap,
           memory > lru + 0.00005 ? "  below LRU" : "");
    fflush(stdout);
    tally->count += lru - best > 0.0005;
}

static void compare(const char *name, const struct trace *trace, struct tally tallies[2])
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < trace->count; i++)
        bytes += trace->asks[i].size;
    for (size_t i = 0; i < sizeof SHARES / sizeof SHARES[0]; i++) {
        uint64_t limit = (uint64_t)((double)trace->footprint * SHARES[i]);
        if (limit * trace->objects < 20 * trace->footprint)
            continue; /* not twenty objects: no cache */
        struct misses of[4] = {fifo_or_lru(trace, limit, true), of_memory(trace, limit),
                               of_disk(trace, limit), offline_bound(trace, limit)};
        uint64_t objects[4], sizes[4];
        for (size_t p = 0; p < 4; p++) {
            objects[p] = of[p].objects;
            sizes[p] = of[p].bytes;
        }
        row(name, SHARES[i], "objects", objects, trace->count, &tallies[0]);
        if (trace->is_sized)
            row(name, SHARES[i], "bytes", sizes, bytes, &tallies[1]);
    }
}

static void conclude(const struct tally *objects, const struct tally *bytes, enum who who)
{
    unsigned rows = objects->count + bytes->count, below = objects->below[who] + bytes->below[who];
    double all = 100 * (objects->gaps[who] + bytes->gaps[who]) / (rows ? rows : 1);
    printf("%s closes on average %.1f %% of the gap (bar 30  %s): %.1f %% of %u rows of objects, "
           "%.1f %% of %u rows of bytes; %u rows below LRU (bar 0  %s)\n",
           who == MEMORY ? "memory" : "disk", all, all >= 30 ? "PASS" : "FAIL",
           100 * objects->gaps[who] / (objects->count ? objects->count : 1), objects->count,
           100 * bytes->gaps[who] / (bytes->count ? bytes->count : 1), bytes->count, below,
           below == 0 ? "PASS" : "FAIL");
}

int main(int argc, char **argv)
{
    struct tally tallies[2] = {0};
    struct trace trace;
    size_t max = argc > 2 ? strtoul(argv[2], NULL, 10) : MAX_ASKS;
    printf("trace         size     misses   LRU     memory  disk    offline  memory   disk\n");
    trace_music(1, MUSIC_TRACKS, max < MUSIC_ASKS && argc > 2 ? max : MUSIC_ASKS, &trace);
    compare("music", &trace, tallies);
    trace_release(&trace);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0] && argc > 1; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s.bin", argv[1], NAMES[i]);
        if (!trace_read(path, max, &trace)) {
            printf("%-13s absent\n", NAMES[i]);
            continue;
        }
        compare(NAMES[i], &trace, tallies);
        trace_release(&trace);
    }
    conclude(&tallies[0], &tallies[1], MEMORY);
    conclude(&tallies[0], &tallies[1], DISK);
    return 0;
}

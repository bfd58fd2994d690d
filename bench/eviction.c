// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * How many misses the cache's own evictions leave, memory's (store/cache_evict.h) and the disk's
 * (store/cache_chooser.h), beside LRU and what could be had with the future known.
 *
 *     eviction [FOLDER_OF_TRACES [MAX_ASKS]]
 */
#include "base/mem.h"
#include "eviction_trace.h"
#include "store/cache_chooser.h"
#include "store/cache_evict.h"
#include "base/hash.h"
#include <stdio.h>
#include <stdlib.h>

static const char *const NAMES[] = {"adaptsize", "web07",  "web12",       "orm-night",
                                    "orm-busy",  "scarab", "w106",        "sprite",
                                    "2_pools",   "multi3", "cloudphysics"};
static const double SHARES[] = {0.001, 0.01, 0.1};
enum { MUSIC_TRACKS = 60000, MUSIC_ASKS = 2600000, MAX_ASKS = 2000000 };
/* Ordinary ones: say how much the rivals may have. */
enum { MEMORY_BYTES = 64 << 20, DISK_BYTES = 1 << 30 };

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

/* --- the disk: its choices, and regions as they lie there --- */
enum { REGIONS = 256, ROOM = 16 /* the index has room for so many times what is in */ };

struct region {
    struct log_stand stand;
    uint32_t first, last; /* object + 1; 0: none */
    uint32_t log;
    uint64_t bytes; /* 0: free */
    uint64_t sequence;
};
struct model {
    struct chooser *chooser;
    struct region *regions;
    size_t count, room;
    uint32_t open[LOGS]; /* region + 1; 0: none */
    uint32_t *next, *sizes;
    struct log_mark *marks;
    uint8_t *is_in;
    uint64_t bytes, limit_bytes, region_bytes, written, sequence;
};

static uint32_t new_region(struct model *disk)
{
    for (size_t i = 0; i < disk->count; i++)
        if (disk->regions[i].bytes == 0)
            return (uint32_t)i;
    if (disk->count == disk->room) {
        disk->room = disk->room ? 2 * disk->room : 64;
        disk->regions = mem_realloc_array(disk->regions, disk->room, sizeof(struct region));
    }
    return (uint32_t)disk->count++;
}

static void append(struct model *disk, uint32_t object)
{
    uint32_t size = disk->sizes[object];
    double value = logs_value(&disk->chooser->logs, &disk->marks[object], size);
    unsigned log = logs_which(&disk->chooser->logs, value);
    uint32_t number = disk->open[log];
    if (!number || disk->regions[number - 1].bytes + size > disk->region_bytes) {
        number = new_region(disk) + 1;
        disk->regions[number - 1] = (struct region){.log = log, .sequence = ++disk->sequence};
        disk->open[log] = number;
    }
    struct region *region = &disk->regions[number - 1];
    log_stand_add(&region->stand, value, &disk->marks[object], size);
    region->bytes += size;
    disk->bytes += size;
    disk->written += size;
    disk->next[object] = 0;
    if (region->last)
        disk->next[region->last - 1] = object + 1;
    else
        region->first = object + 1;
    region->last = object + 1;
}

static void carry(struct model *disk)
{
    bool *is_open = mem_zalloc(disk->count + 1);
    for (unsigned log = 0; log < LOGS; log++) {
        if (disk->open[log])
            is_open[disk->open[log] - 1] = true;
        disk->open[log] = 0;
    }
    for (size_t i = 0; i < disk->count; i++) {
        struct region *region = &disk->regions[i];
        if (region->bytes == 0)
            continue;
        chooser_carry(disk->chooser, &region->stand);
        region->log = logs_which(&disk->chooser->logs, region->stand.value);
        uint32_t other = disk->open[region->log];
        if (is_open[i] && (!other || disk->regions[other - 1].bytes >= region->bytes))
            disk->open[region->log] = (uint32_t)i + 1;
    }
    mem_free(is_open);
}

/* As regions_least(): of those equal the oldest. */
static bool is_less(const struct region *a, const struct region *b)
{
    return a->stand.value < b->stand.value ||
           (!(b->stand.value < a->stand.value) && a->sequence < b->sequence);
}

static void reclaim(struct model *disk)
{
    if (chooser_full(disk->chooser))
        carry(disk);
    size_t least = 0;
    for (size_t i = 1; i < disk->count; i++) {
        const struct region *a = &disk->regions[i], *b = &disk->regions[least];
        if (a->bytes > 0 && (b->bytes == 0 || is_less(a, b)))
            least = i;
    }
    struct region gone = disk->regions[least];
    if (disk->open[gone.log] == least + 1)
        disk->open[gone.log] = 0;
    disk->regions[least].bytes = 0;
    disk->bytes -= gone.bytes;
    logs_left(&disk->chooser->logs, gone.stand.value);
    for (uint32_t at = gone.first, next; at; at = next) {
        uint32_t object = at - 1;
        next = disk->next[object];
        if (chooser_stays(disk->chooser, &disk->marks[object], disk->sizes[object])) {
            append(disk, object);
            continue;
        }
        chooser_left(disk->chooser, hash_mix(object), &disk->marks[object], disk->sizes[object]);
        disk->is_in[object] = false;
    }
}

static struct misses of_disk(const struct trace *trace, uint64_t limit_bytes, double *ret_written)
{
    struct misses misses = {0, 0};
    uint64_t mean = trace->footprint / trace->objects, came = 0;
    struct model disk = {.next = mem_zalloc((trace->objects + 1) * sizeof(uint32_t)),
                         .sizes = mem_zalloc((trace->objects + 1) * sizeof(uint32_t)),
                         .marks = mem_zalloc((trace->objects + 1) * sizeof(struct log_mark)),
                         .is_in = mem_zalloc(trace->objects + 1),
                         .limit_bytes = limit_bytes,
                         .region_bytes = limit_bytes / REGIONS};
    if (disk.region_bytes < mean)
        disk.region_bytes = mean; /* one takes an object */
    disk.chooser = chooser_new(ROOM * (limit_bytes / mean) + 1, DISK_BYTES, disk.region_bytes);
    disk.chooser->logs.limit_bytes = limit_bytes; /* what it may know is an ordinary disk's */
    uint64_t reserve = disk.region_bytes < 2 * mean ? 0 : disk.region_bytes;
    for (size_t i = 0; i < trace->count; i++) {
        struct ask ask = trace->asks[i];
        struct log_mark *mark = &disk.marks[ask.object];
        if (disk.is_in[ask.object]) {
            *mark = log_mark_hit(*mark, logs_stamp(&disk.chooser->logs), (uint32_t)hash_mix(i));
            chooser_hit(disk.chooser, hash_mix(ask.object), ask.size);
            continue;
        }
        misses.objects++;
        misses.bytes += ask.size;
        if (ask.size > limit_bytes)
            continue;
        disk.sizes[ask.object] = ask.size;
        if (chooser_came(disk.chooser, hash_mix(ask.object), ask.size, mark))
            carry(&disk);
        while (disk.bytes > 0 && disk.bytes + ask.size + reserve > limit_bytes)
            reclaim(&disk);
        disk.is_in[ask.object] = true;
        came += ask.size;
        append(&disk, ask.object);
    }
    *ret_written = came ? (double)disk.written / (double)came : 0;
    chooser_free(&disk.chooser);
    mem_free(disk.regions);
    mem_free(disk.next);
    mem_free(disk.sizes);
    mem_free(disk.marks);
    mem_free(disk.is_in);
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
                uint64_t whole, double written, struct tally *tally)
{
    double lru = ratio(missed[0], whole), memory = ratio(missed[1], whole),
           disk = ratio(missed[2], whole), best = ratio(missed[3], whole);
    double of_memory_gap = gap_of(lru, memory, best, MEMORY, tally);
    double of_disk_gap = gap_of(lru, disk, best, DISK, tally);
    printf("%-13s %5.1f %%  %-7s  %.4f  %.4f  %.4f  %.4f  %5.0f %%  %5.0f %%  %4.2f%s%s\n", name,
           share * 100, what, lru, memory, disk, best, of_memory_gap, of_disk_gap, written,
           memory > lru + 0.00005 ? "  memory below LRU" : "",
           disk > lru + 0.00005 ? "  disk below LRU" : "");
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
        double written;
        struct misses of[4] = {fifo_or_lru(trace, limit, true), of_memory(trace, limit),
                               of_disk(trace, limit, &written), offline_bound(trace, limit)};
        uint64_t objects[4], sizes[4];
        for (size_t p = 0; p < 4; p++) {
            objects[p] = of[p].objects;
            sizes[p] = of[p].bytes;
        }
        row(name, SHARES[i], "objects", objects, trace->count, written, &tallies[0]);
        if (trace->is_sized)
            row(name, SHARES[i], "bytes", sizes, bytes, written, &tallies[1]);
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
    printf("trace         size     misses   LRU     memory  disk    offline  memory   disk  "
           "written\n");
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

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* eviction_trace: who asked for what, in order: a public trace from a file, or listeners of music.
 */
struct ask {
    uint32_t object, size;
};
struct trace {
    struct ask *asks;
    size_t count, objects;
    uint64_t footprint; /* bytes of all objects */
    bool is_sized;
};

/* Pairs of u32 as bench/eviction_traces.py writes them; at most `max` asks.  False: not there. */
bool trace_read(const char *path, size_t max, struct trace *ret) MUST_USE;
/*
 * Music (reference/edge-cdn.md 4.3): tracks by a zipf law of exponent 0.9 whose order drifts, each
 * 21 segments of 320 KB; 35 of 100 plays are skipped early, 4 are the beginning of a whole album;
 * with each play its manifest, at times artwork and metadata of the album, and searches.  Listeners
 * play side by side.  The same seed gives the same asks.  With the drift of one track in 1,000 asks
 * LRU and S3-FIFO miss as much as in 4.3: 0.834 and 0.77 of the bytes at 1 % (there 0.834, 0.780).
 */
enum { TRACE_MUSIC_SEGMENTS = 21, TRACE_MUSIC_LISTENERS = 400 };
/* Segment s of track t is object t * TRACE_MUSIC_SEGMENTS + s; all others come behind. */
void trace_music(uint64_t seed, size_t tracks, size_t asks, struct trace *ret);
void trace_release(struct trace *trace);

/* --- what others would do: misses by object and by byte --- */
struct misses {
    uint64_t objects, bytes;
};
struct misses fifo_or_lru(const struct trace *trace, uint64_t limit_bytes, bool is_lru);
/* With the future known: the one asked for last goes; of sized objects also the one whose size and
 * distance make the largest area of 64 drawn ones (Belady-size), and the better of both counts. */
struct misses offline_bound(const struct trace *trace, uint64_t limit_bytes);

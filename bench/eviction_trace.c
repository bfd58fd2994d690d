// SPDX-License-Identifier: GPL-3.0-or-later
#include "eviction_trace.h"
#include "base/hash.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>

/* --- from a file --- */
static void measure(struct trace *trace)
{
    for (size_t i = 0; i < trace->count; i++)
        if (trace->asks[i].object >= trace->objects)
            trace->objects = trace->asks[i].object + 1;
    uint32_t *sizes = mem_zalloc((trace->objects + 1) * sizeof sizes[0]);
    for (size_t i = 0; i < trace->count; i++) {
        struct ask *ask = &trace->asks[i];
        if (!sizes[ask->object]) { /* the first size counts */
            sizes[ask->object] = ask->size;
            trace->footprint += ask->size;
        }
        ask->size = sizes[ask->object];
        trace->is_sized = trace->is_sized || ask->size != trace->asks[0].size;
    }
    mem_free(sizes);
}

bool trace_read(const char *path, size_t max, struct trace *ret)
{
    FILE *file = fopen(path, "rb");
    *ret = (struct trace){0};
    if (!file)
        return false;
    ret->asks = mem_alloc(max * sizeof ret->asks[0]);
    ret->count = fread(ret->asks, sizeof ret->asks[0], max, file);
    fclose(file);
    measure(ret);
    return ret->count > 0;
}

void trace_release(struct trace *trace) { mem_free_p(&trace->asks); }

/* --- music --- */
enum {
    SEGMENTS = TRACE_MUSIC_SEGMENTS,
    ALBUM = 12,
    LISTENERS = TRACE_MUSIC_LISTENERS,
    SEARCHES = 4000,
    DRIFT_ASKS = 1000
};
enum { SEGMENT_BYTES = 320000, MANIFEST_BYTES = 1500, ARTWORK_BYTES = 40000, ALBUM_BYTES = 2500 };

struct listener {
    uint32_t track, segment, last; /* last: segments that will be heard */
    uint32_t album_left;           /* tracks still to come of a whole album */
};

struct music {
    uint64_t random;
    size_t tracks;
    uint32_t *ranked; /* track of each rank */
    double *shares;   /* of all plays up to that rank */
    struct listener listeners[LISTENERS];
    struct trace *trace;
    size_t max;
};

static uint64_t draw(struct music *music) { return hash_mix(music->random++); }
static double draw_share(struct music *music) { return (double)(draw(music) >> 11) / 0x1p53; }

static void rank_tracks(struct music *music)
{
    double sum = 0;
    for (size_t i = 0; i < music->tracks; i++) {
        music->ranked[i] = (uint32_t)i;
        sum += pow((double)(i + 1), -0.9);
        music->shares[i] = sum;
    }
    for (size_t i = 0; i < music->tracks; i++)
        music->shares[i] /= sum;
    for (size_t i = music->tracks - 1; i > 0; i--) {
        size_t other = draw(music) % (i + 1);
        uint32_t track = music->ranked[i];
        music->ranked[i] = music->ranked[other];
        music->ranked[other] = track;
    }
}

static size_t draw_rank(struct music *music)
{
    double share = draw_share(music);
    size_t low = 0, high = music->tracks - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (music->shares[middle] < share)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void ask(struct music *music, size_t object, size_t size)
{
    if (music->trace->count < music->max)
        music->trace->asks[music->trace->count++] = (struct ask){(uint32_t)object, (uint32_t)size};
}

/* Where each kind of object begins. */
static size_t manifests(const struct music *music) { return music->tracks * SEGMENTS; }
static size_t albums(const struct music *music) { return manifests(music) + music->tracks; }
static size_t searches(const struct music *music)
{
    return albums(music) + 2 * (music->tracks / ALBUM + 1);
}

static void begin_play(struct music *music, struct listener *listener)
{
    if (listener->album_left > 0) {
        listener->album_left--;
        listener->track = (listener->track + 1) % (uint32_t)music->tracks;
    } else {
        listener->track = music->ranked[draw_rank(music)];
        listener->album_left = draw(music) % 100 < 4 ? ALBUM - 1 : 0;
    }
    listener->segment = 0;
    listener->last = SEGMENTS;
    if (listener->album_left == 0 && draw(music) % 100 < 35)
        listener->last = 1 + (uint32_t)(draw(music) % 5);
    size_t album = listener->track / ALBUM;
    if (draw(music) % 100 < 30)
        ask(music, searches(music) + draw_rank(music) % SEARCHES, 3000);
    if (draw(music) % 100 < 60) {
        ask(music, albums(music) + 2 * album, ARTWORK_BYTES + album % 20000);
        ask(music, albums(music) + 2 * album + 1, ALBUM_BYTES);
    }
    ask(music, manifests(music) + listener->track, MANIFEST_BYTES);
}

/* Something new becomes popular and pushes the others down by one; a little, all the time. */
static void drift(struct music *music)
{
    size_t from = draw(music) % music->tracks, to = draw_rank(music);
    if (to >= from)
        return;
    uint32_t track = music->ranked[from];
    music->ranked[from] = music->ranked[to];
    music->ranked[to] = track;
}

void trace_music(uint64_t seed, size_t tracks, size_t asks, struct trace *ret)
{
    struct music *music = MEM_NEW(struct music);
    *ret = (struct trace){.asks = mem_alloc(asks * sizeof ret->asks[0])};
    music->random = seed << 32;
    music->tracks = tracks;
    music->ranked = mem_alloc(tracks * sizeof music->ranked[0]);
    music->shares = mem_alloc(tracks * sizeof music->shares[0]);
    music->trace = ret;
    music->max = asks;
    rank_tracks(music);
    while (ret->count < asks) {
        struct listener *listener = &music->listeners[draw(music) % LISTENERS];
        if (listener->segment == listener->last)
            begin_play(music, listener);
        ask(music, listener->track * (size_t)SEGMENTS + listener->segment++, SEGMENT_BYTES);
        if (draw(music) % DRIFT_ASKS == 0)
            drift(music);
    }
    mem_free(music->ranked);
    mem_free(music->shares);
    mem_free(music);
    measure(ret);
}

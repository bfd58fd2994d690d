// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/edge_launch.h"

#include "base/mem.h"
#include "catalog/id.h"
#include "edge/bring.h"
#include "io/clock.h"
#include "io/loop.h"
#include "programs/edge_place.h"
#include "programs/launch_list.h"
#include "trust/keyring.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { EVERY_US = EDGE_PLACE_LAUNCH_EVERY_S * 1000 * 1000, TELL_EVERY_US = 1000 * 1000 };

/* Outlives a launch that is freed while the answer comes. */
struct asked {
    struct edge_launch *launch; /* NULL: gone */
};

struct edge_launch {
    struct edge *edge;
    struct loop *loop;
    edge_launch_changed *changed;
    void *context;
    struct loop_timer timer;
    struct asked *asked;
    struct launch_list list;
    struct song {
        uint64_t bytes, of_bytes; /* 0: its manifest has not come */
        bool is_placed;
    } * songs;           /* as in the list */
    size_t placed, last; /* the song that was found last */
    uint64_t told_us;
};

static void take(struct edge_launch *launch, struct text bytes)
{
    struct launch_list list;
    struct signed_object object;
    struct keyring *ring = edge_ring(launch->edge);
    bool is_good = ring && keyring_check(ring, bytes, TEXT(LAUNCH_NAME), clock_unix_ms() / 1000,
                                         &object) == SIGNED_GOOD;
    keyring_unref(&ring);
    if (!is_good || object.number <= launch->list.number ||
        !launch_list_read(object.body, object.number, &list))
        return;
    launch_list_release(&launch->list);
    mem_free(launch->songs);
    launch->list = list;
    launch->songs = mem_zalloc((list.count + 1) * sizeof *launch->songs);
    launch->placed = launch->last = 0;
    launch->changed(launch->context);
}

/* What is not known yet is taken for as large as what is. */
static void sum(const struct edge_launch *launch, uint64_t *ret_bytes, uint64_t *ret_of_bytes)
{
    uint64_t bytes = 0, of_bytes = 0;
    size_t known = 0;
    for (size_t i = 0; i < launch->list.count; i++) {
        bytes += launch->songs[i].bytes;
        of_bytes += launch->songs[i].of_bytes;
        known += launch->songs[i].of_bytes > 0;
    }
    *ret_bytes = bytes;
    *ret_of_bytes = known ? of_bytes + of_bytes / known * (launch->list.count - known) : 0;
}

static void on_told(void *context UNUSED, const struct brought *brought UNUSED) {}

static void tell(struct edge_launch *launch)
{
    char target[200];
    uint64_t bytes, of_bytes;
    if (!launch->list.number)
        return;
    sum(launch, &bytes, &of_bytes);
    (void)snprintf(target, sizeof target,
                   LAUNCH_REPORT "?number=%" PRIu64 "&wanted=%zu&placed=%zu&bytes=%" PRIu64
                                 "&of=%" PRIu64,
                   launch->list.number, launch->list.count, launch->placed, bytes, of_bytes);
    launch->told_us = loop_now_us(launch->loop);
    edge_bring(launch->edge, 0, text_of(target), 0, on_told, NULL);
}

static void on_list(void *context, const struct brought *brought)
{
    struct asked *asked = context;
    struct edge_launch *launch = asked->launch;
    mem_free(asked);
    if (!launch)
        return;
    launch->asked = NULL;
    if (brought->result == BRING_HERE)
        take(launch, brought->bytes);
    tell(launch);
}

static void on_time(struct loop_timer *timer, uint64_t now_us)
{
    struct edge_launch *launch = CONTAINER_OF(timer, struct edge_launch, timer);
    loop_timer_start(launch->loop, timer, now_us + EVERY_US);
    if (launch->asked)
        return;
    launch->asked = MEM_NEW(struct asked);
    launch->asked->launch = launch;
    edge_bring(launch->edge, 0, TEXT(LAUNCH_NAME), LAUNCH_MAX_BYTES, on_list, launch->asked);
}

size_t edge_launch_count(const struct edge_launch *launch) { return launch->list.count; }

const uint8_t *edge_launch_track(const struct edge_launch *launch, size_t i)
{
    return launch->list.tracks[i].bytes;
}

/* Mostly the one of before, or its neighbour.  NULL: it is not in the list. */
static struct song *song_of(struct edge_launch *launch, struct text track)
{
    struct catalog_id id;
    enum catalog_kind kind;
    size_t count = launch->list.count;
    if (!catalog_id_parse(track, &kind, &id))
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t at = (launch->last + i) % count;
        if (!catalog_id_equal(&launch->list.tracks[at], &id))
            continue;
        launch->last = at;
        return &launch->songs[at];
    }
    return NULL;
}

void edge_launch_progress(struct edge_launch *launch, struct text track, uint64_t bytes,
                          uint64_t of_bytes)
{
    struct song *song = song_of(launch, track);
    if (!song || (song->is_placed && bytes < of_bytes))
        return; /* what was placed is only looked at again */
    song->bytes = bytes;
    song->of_bytes = of_bytes;
    if (loop_now_us(launch->loop) - launch->told_us >= TELL_EVERY_US)
        tell(launch);
}

void edge_launch_placed(struct edge_launch *launch, struct text track, bool is_placed)
{
    struct song *song = song_of(launch, track);
    if (!song || song->is_placed == is_placed)
        return;
    song->is_placed = is_placed;
    launch->placed += is_placed ? 1 : SIZE_MAX;
    tell(launch);
}

void edge_launch_write(const struct edge_launch *launch, struct json *json)
{
    uint64_t bytes, of_bytes;
    sum(launch, &bytes, &of_bytes);
    json_name(json, "launch");
    json_begin_object(json);
    json_member_u64(json, "number", launch->list.number);
    json_member_u64(json, "wanted", launch->list.count);
    json_member_u64(json, "placed", launch->placed);
    json_member_u64(json, "bytes", bytes);
    json_member_u64(json, "of", of_bytes);
    json_end_object(json);
}

struct edge_launch *edge_launch_new(struct edge *edge, struct loop *loop,
                                    edge_launch_changed *changed, void *context)
{
    struct edge_launch *launch = MEM_NEW(struct edge_launch);
    launch->edge = edge;
    launch->loop = loop;
    launch->changed = changed;
    launch->context = context;
    launch->timer.on_timer = on_time;
    loop_timer_start(loop, &launch->timer, loop_now_us(loop) + EVERY_US / 5);
    return launch;
}

void edge_launch_free(struct edge_launch **launch)
{
    if (!*launch)
        return;
    loop_timer_stop(&(*launch)->timer);
    if ((*launch)->asked)
        (*launch)->asked->launch = NULL;
    launch_list_release(&(*launch)->list);
    mem_free((*launch)->songs);
    mem_free_p(launch);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/place.h"

#include "base/counters.h"
#include "base/mem.h"
#include "edge/bring.h"
#include "edge/course.h"
#include "edge/state.h"
#include "io/loop.h"
#include "trust/keyring.h"

#include <stdio.h>
#include <time.h>

enum {
    MANIFEST_BYTES = SIGNED_MAX_BODY_BYTES + SIGNED_MAX_PREAMBLE_BYTES,
    TICK_US = 250 * 1000,
    LONGEST_S = 60, /* of a budget that is saved up */
};

/* Outlives a place that is freed while something comes. */
struct place_turn {
    struct place *place; /* NULL: gone */
};

struct place {
    struct edge *edge;
    struct loop *loop;
    struct place_config config;
    struct place_source source;
    struct loop_timer timer;
    struct place_turn *turn; /* something is being brought */
    struct place_wish wish;
    bool has_wish, is_over, wants_round;
    uint64_t round_at_us, ticked_us;
    int64_t tokens;
    int64_t missed;       /* requests of listeners that went upstream, up to the last tick */
    double missed_each_s; /* of late */
    struct course course; /* of the present wish */
    struct place_status status;
};

const char *place_pause_word(enum place_pause pause)
{
    static const char *const words[] = {
        [PLACE_GOES_ON] = "working",  [PLACE_RESTS] = "resting", [PLACE_WAITS] = "bandwidth",
        [PLACE_YIELDS] = "listeners", [PLACE_FULL] = "disk",     [PLACE_CANNOT] = "origin",
        [PLACE_HOURS] = "hours",      [PLACE_OFF] = "off"};
    return words[pause];
}

static const struct edge_policy *policy_of(const struct place *place)
{
    return &place->edge->config.policy;
}

/* --- budgets --- */

static void tick(struct place *place, uint64_t now_us)
{
    double passed_s = (double)(now_us - place->ticked_us) / 1e6;
    int64_t rate = (int64_t)policy_of(place)->edge_place_kib_s << 10;
    int64_t missed = counter_get(COUNTER_EDGE_MISSES) + counter_get(COUNTER_EDGE_PASSES);
    if (passed_s <= 0)
        return;
    passed_s = passed_s < LONGEST_S ? passed_s : LONGEST_S;
    place->tokens += (int64_t)((double)rate * passed_s);
    place->tokens = place->tokens < rate ? place->tokens : rate;
    double now_each_s = (double)(missed - place->missed) / passed_s;
    place->missed_each_s = (place->missed_each_s + now_each_s) / 2;
    place->missed = missed;
    place->ticked_us = now_us;
}

static bool has_room(const struct place *place)
{
    uint64_t share = place->edge->config.disk_bytes / 100 * policy_of(place)->edge_place_percent;
    return place->status.held_bytes < share;
}

/* By the machine's own clock on the wall. */
static bool is_in_hours(const struct place *place)
{
    struct tm local;
    time_t now_s = (time_t)(edge_now_ms() / 1000);
    return !localtime_r(&now_s, &local) ||
           hours_have(&place->config.hours, (unsigned)(local.tm_hour * 60 + local.tm_min));
}

/* What holds back whatever is wished for. */
static enum place_pause pause_of_all(const struct place *place)
{
    if (!policy_of(place)->edge_place_kib_s)
        return PLACE_OFF;
    if (!origins_are_alive(place->edge->config.origins))
        return PLACE_CANNOT;
    return place->tokens <= 0 ? PLACE_WAITS : PLACE_GOES_ON;
}

static enum place_pause pause_of_wish(const struct place *place)
{
    if (place->wish.is_urgent)
        return PLACE_GOES_ON;
    if (!is_in_hours(place))
        return PLACE_HOURS;
    if (!has_room(place))
        return PLACE_FULL;
    return place->missed_each_s > policy_of(place)->edge_place_quiet ? PLACE_YIELDS : PLACE_GOES_ON;
}

/* --- the course of a track --- */

static void go_on(struct place *place);

static bool is_manifest(const struct course *course)
{
    return course->step == COURSE_MANIFEST || course->step == COURSE_LAST;
}

static void end_track(struct place *place, bool is_placed)
{
    place->status.tracks++;
    place->status.failed += !is_placed;
    place->has_wish = false;
    place->source.placed(place->source.context, &place->wish, is_placed);
}

/* Data NULL: nobody vouches for what came. */
static struct text verified(struct place *place, struct text bytes)
{
    char name[COURSE_TARGET_BYTES];
    struct signed_object object;
    struct keyring *ring = edge_ring(place->edge);
    (void)snprintf(name, sizeof name, "/m/%s/manifest", place->wish.track);
    enum signed_verdict verdict =
        ring ? keyring_check(ring, bytes, text_of(name), edge_now_ms() / 1000, &object)
             : SIGNED_UNKNOWN_KEY;
    keyring_unref(&ring);
    return verdict == SIGNED_GOOD || verdict == SIGNED_EXPIRED ? object.body : TEXT_NONE;
}

static void step_on(struct place *place, const struct brought *brought)
{
    struct course *course = &place->course;
    bool is_here = brought->result == BRING_HERE;
    unsigned status = is_here || brought->result == BRING_NOT_SO ? brought->status : 0;
    enum course_turn turn;
    if (is_manifest(course))
        turn = course_take_manifest(course, is_here ? verified(place, brought->bytes) : TEXT_NONE);
    else
        turn = course_take(course, status, brought->size);
    if (turn == COURSE_DONE)
        course->of_bytes = course->bytes;
    if (place->source.progress)
        place->source.progress(place->source.context, &place->wish, course->bytes,
                               course->of_bytes);
    if (turn != COURSE_GOES_ON)
        end_track(place, turn == COURSE_DONE);
}

static void on_brought(void *context, const struct brought *brought)
{
    struct place_turn *turn = context;
    struct place *place = turn->place;
    mem_free(turn);
    if (!place)
        return;
    place->turn = NULL;
    if (brought->result == BRING_HERE && brought->size != CACHE_LENGTH_UNKNOWN)
        place->status.held_bytes += brought->size;
    if (brought->result == BRING_HERE && !brought->was_held) {
        place->tokens -= (int64_t)brought->size;
        place->status.brought_bytes += brought->size;
        counter_add(COUNTER_PLACED_BYTES, (int64_t)brought->size);
        counter_add(COUNTER_PLACED, 1);
    }
    step_on(place, brought);
    go_on(place);
}

static void bring(struct place *place)
{
    char target[COURSE_TARGET_BYTES];
    if (!course_target(&place->course, target)) {
        end_track(place, false);
        return;
    }
    place->turn = MEM_NEW(struct place_turn);
    place->turn->place = place;
    edge_bring(place->edge, 0, text_of(target), is_manifest(&place->course) ? MANIFEST_BYTES : 0,
               on_brought, place->turn);
}

/* --- rounds --- */

static void begin_round(struct place *place)
{
    place->is_over = place->wants_round = false;
    place->status.tracks = place->status.failed = place->status.held_bytes = 0;
    place->status.rounds++;
}

uint32_t place_renditions(const struct place *place)
{
    return place->config.renditions | edge_renditions_asked(place->edge, edge_now_ms());
}

static enum place_next take_wish(struct place *place)
{
    if (place->has_wish)
        return PLACE_NEXT;
    enum place_next next = place->source.next(place->source.context, &place->wish);
    place->has_wish = next == PLACE_NEXT;
    if (place->has_wish)
        course_begin(&place->course, place->wish.track, place_renditions(place),
                     place->wish.is_whole ? COURSE_ALL : policy_of(place)->edge_place_first);
    place->is_over = next == PLACE_OVER;
    if (place->is_over)
        place->round_at_us =
            loop_now_us(place->loop) + policy_of(place)->edge_place_round_s * UINT64_C(1000000);
    return next;
}

/* The wish comes before what holds it back: a launch is not seen otherwise. */
static void go_on(struct place *place)
{
    while (!place->turn) {
        place->status.pause = pause_of_all(place);
        if (place->status.pause != PLACE_GOES_ON)
            return;
        enum place_next next = place->is_over ? PLACE_OVER : take_wish(place);
        if (next == PLACE_OVER)
            place->status.pause = PLACE_RESTS;
        if (next != PLACE_NEXT)
            return;
        place->status.pause = pause_of_wish(place);
        if (place->status.pause != PLACE_GOES_ON)
            return;
        bring(place);
    }
}

static void on_tick(struct loop_timer *timer, uint64_t now_us)
{
    struct place *place = CONTAINER_OF(timer, struct place, timer);
    tick(place, now_us);
    if (!place->turn && place->wants_round && place->has_wish)
        end_track(place, false); /* it waited, and something else goes first now */
    if (!place->turn && !place->has_wish &&
        (place->wants_round || (place->is_over && now_us >= place->round_at_us)))
        begin_round(place);
    go_on(place);
    loop_timer_start(place->loop, timer, now_us + TICK_US);
}

void place_again(struct place *place) { place->wants_round = true; }

void place_look(const struct place *place, struct place_status *ret) { *ret = place->status; }

struct place *place_new(struct edge *edge, struct loop *loop, const struct place_config *config,
                        const struct place_source *source)
{
    struct place *place = MEM_NEW(struct place);
    place->edge = edge;
    place->loop = loop;
    place->config = *config;
    place->source = *source;
    place->is_over = true; /* the first round begins when what it is of is there */
    place->ticked_us = loop_now_us(loop);
    place->round_at_us = UINT64_MAX;
    place->timer.on_timer = on_tick;
    loop_timer_start(loop, &place->timer, place->ticked_us + TICK_US);
    return place;
}

void place_free(struct place **place)
{
    if (!*place)
        return;
    loop_timer_stop(&(*place)->timer);
    if ((*place)->turn)
        (*place)->turn->place = NULL;
    mem_free_p(place);
}

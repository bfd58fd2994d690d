// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/listener.h"

#include <assert.h>
#include <string.h>

/*
 * One timer wakes a listener at the next instant that matters: a tap, the end of patience, an empty
 * buffer, a skip, the moment to read on.  It may wake early, never late; wake() looks at everything
 * and sets it again.
 */
enum {
    EARLY_NEXT_MS = 10000,   /* before a track's end the next one is asked for */
    PLAY_COUNTS_MS = 240000, /* heard so long, or half of the track: it counts as played */
    TAP_PATIENCE_MS = 30000, /* for a first sound, long after the play has failed */
    SILENCE_PATIENCE_MS = 120000,
};

static void wake(struct loop_timer *timer, uint64_t now_us);
static void choose(struct listener *listener, uint64_t now_us);
static void leave(struct listener *listener, uint64_t now_us);

static const struct load_habits *habits_of(const struct listener *listener)
{
    return &listener->load->profile.habits;
}

static struct fetch *coming(struct listener *listener)
{
    return &listener->fetches[!listener->now];
}

static const struct shelf_track *track_of(const struct listener *listener)
{
    return &listener->load->shelf.tracks[listener->fetches[listener->now].track];
}

void listener_wake_at(struct listener *listener, uint64_t at_us)
{
    if (at_us == listener->due_us)
        return;
    listener->due_us = at_us;
    if (at_us == UINT64_MAX)
        loop_timer_stop(&listener->timer);
    else
        loop_timer_start(listener->load->loop, &listener->timer, at_us);
}

static uint64_t after_ms(uint64_t now_us, uint64_t ms) { return now_us + ms * 1000; }

static void decide(const struct listener *listener, const char *what, uint64_t value)
{
    load_tell_choice(listener->load, listener->index, what, value);
}

/* --- from track to track --- */

static uint32_t draw_track(struct listener *listener)
{
    const struct load *load = listener->load;
    if (listener->is_flash)
        return load->shelf.count - 1; /* that hardly anybody wanted before */
    return popularity_draw(&load->popularity, &listener->chance);
}

/* What this person will do with the track that begins now. */
static void plan_track(struct listener *listener)
{
    const struct load_habits *habits = habits_of(listener);
    const struct load *load = listener->load;
    listener->has_failed = listener->gap_is_counted = listener->is_interrupted = false;
    listener->is_counted = listener->next_is_fetched = false;
    listener->skip_ms = people_skip_ms(&listener->chance, habits, track_of(listener)->duration_ms);
    listener->stars = chance_percent(&listener->chance, habits->stars);
    listener->tracks_left -= listener->tracks_left > 0;
    listener->has_next = listener->tracks_left > 0 && !listener->is_flash &&
                         chance_percent(&listener->chance, habits->next_in_queue);
    listener->next_track = (listener_playing(listener)->track + 1) % load->shelf.count;
    listener->is_flash = false;
    decide(listener, "hears track", listener_playing(listener)->track);
    decide(listener, "skips at ms", listener->skip_ms);
    decide(listener, listener->stars ? "stars, and goes on" : "goes on", listener->has_next);
}

static void tap(struct listener *listener, uint32_t track, uint64_t now_us)
{
    struct load_figures *figures = listener_figures(listener);
    const struct shelf_track *wanted = &listener->load->shelf.tracks[track];
    bool is_here = coming(listener)->is_wanted && coming(listener)->track == track;
    audio_fetch_stop(listener_playing(listener));
    listener->now ^= is_here;
    listener->step = LISTENER_HEARING;
    figures->taps++;
    buffer_clock_start(&listener->clock, wanted->size_bytes, wanted->duration_ms,
                       listener->load->profile.speed, now_us);
    listener_playing(listener)->track = track;
    plan_track(listener);
    if (is_here)
        listener_fed(listener, listener_playing(listener), now_us);
    else
        audio_fetch_start(listener_playing(listener), track);
    listener_wake_at(listener, now_us);
}

/* The next track of the queue follows without a tap. */
static void follow(struct listener *listener, uint64_t now_us)
{
    uint32_t track = listener->next_track;
    uint64_t ended_us = listener->clock.since_us;
    if (!coming(listener)->is_wanted)
        audio_fetch_start(coming(listener), track);
    audio_fetch_stop(listener_playing(listener));
    listener->now ^= 1;
    const struct fetch *fetch = listener_playing(listener);
    listener_figures(listener)->taps++;
    listener_figures(listener)->plays_started++; /* from here on only gaps can spoil it */
    buffer_clock_follow(&listener->clock, fetch->size, track_of(listener)->duration_ms,
                        listener->load->profile.speed, fetch->got, ended_us);
    plan_track(listener);
    errand_run(listener, ERRAND_NOW_PLAYING);
    listener_wake_at(listener, now_us);
}

static void stop_hearing(struct listener *listener, uint64_t now_us)
{
    if (listener->step == LISTENER_HEARING) {
        ear_look(listener, now_us);
        ear_end_gap(listener, buffer_clock_silent_ms(&listener->clock, now_us));
        listener->step = LISTENER_CHOOSING;
    }
    audio_fetch_stop(listener_playing(listener));
}

static void go_on(struct listener *listener, bool was_whole, uint64_t now_us)
{
    uint32_t next = listener->next_track;
    if (was_whole && listener->has_next) {
        follow(listener, now_us);
        return;
    }
    bool has_next = listener->has_next;
    stop_hearing(listener, now_us);
    if (listener->tracks_left == 0 || listener->leaves_soon)
        leave(listener, now_us);
    else if (has_next)
        tap(listener, next, now_us);
    else
        choose(listener, now_us);
}

/* --- looking around --- */

static void choose(struct listener *listener, uint64_t now_us)
{
    const struct load_habits *habits = habits_of(listener);
    struct chance *chance = &listener->chance;
    audio_fetch_stop(coming(listener));
    listener->step = LISTENER_CHOOSING;
    if (chance_percent(chance, habits->searches))
        errand_run(listener, ERRAND_SEARCH);
    if (chance_percent(chance, habits->playlist_visits))
        errand_run(listener, ERRAND_PLAYLIST);
    if (chance_percent(chance, habits->playlist_edits))
        errand_run(listener, ERRAND_NEW_PLAYLIST);
    uint32_t choose_ms = chance_between(chance, habits->choose_ms_min, habits->choose_ms_max);
    decide(listener, "chooses for ms", choose_ms);
    listener_wake_at(listener, after_ms(now_us, choose_ms));
}

static void tap_chosen(struct listener *listener, uint64_t now_us)
{
    listener_playing(listener)->track = draw_track(listener);
    if (track_of(listener)->cover[0])
        errand_run(listener, ERRAND_ARTWORK);
    tap(listener, listener_playing(listener)->track, now_us);
}

void listener_errand_ended(struct listener *listener, enum errand_kind kind, bool is_good)
{
    uint64_t now_us = loop_now_us(listener->load->loop);
    for (int i = 0; kind == ERRAND_RENEWAL && i < 2; i++)
        fetch_go_on(&listener->fetches[i], is_good);
    for (int i = 0; kind == ERRAND_RENEWAL && i < LISTENER_ERRANDS; i++)
        errand_go_on(&listener->errands[i], is_good);
    if (kind != ERRAND_SIGN_IN || listener->step != LISTENER_SIGNING_IN)
        return;
    if (!is_good) {
        leave(listener, now_us);
        return;
    }
    errand_run(listener, ERRAND_HOME);
    choose(listener, now_us);
}

/* --- coming and going --- */

static void arrive(struct listener *listener, uint64_t now_us)
{
    const struct load_profile *profile = &listener->load->profile;
    listener->arrived_us = now_us;
    listener->step = LISTENER_SIGNING_IN;
    listener->leaves_soon = false;
    listener->tracks_left = people_session_tracks(&listener->chance, &profile->habits);
    if (profile->arrival == LOAD_ARRIVE_STEADY)
        listener->tracks_left = 1 + chance_below(&listener->chance, listener->tracks_left);
    decide(listener, "stays for tracks", listener->tracks_left);
    listener_wake_at(listener, UINT64_MAX);
    errand_run(listener, ERRAND_SIGN_IN);
}

void listener_arrive_at(struct listener *listener, uint64_t at_us)
{
    assert(listener->step == LISTENER_ABSENT);
    listener_wake_at(listener, at_us);
}

static void leave(struct listener *listener, uint64_t now_us)
{
    const struct load_profile *profile = &listener->load->profile;
    stop_hearing(listener, now_us);
    audio_fetch_stop(coming(listener));
    listener_figures(listener)->listener_ms += load_ms_since(listener->arrived_us, now_us);
    listener->step = LISTENER_ABSENT;
    bool returns = profile->arrival != LOAD_ARRIVE_DIURNAL && listener->load->state == LOAD_RUNNING;
    uint32_t pause_ms = chance_pause_ms(&listener->chance, profile->habits.pause_s * 1000);
    if (listener->load->state == LOAD_RUNNING)
        decide(listener, "is away for ms", pause_ms);
    listener_wake_at(listener, returns ? after_ms(now_us, pause_ms + 1) : UINT64_MAX);
}

/* --- waking --- */

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint32_t counts_at_ms(const struct listener *listener)
{
    uint32_t half_ms = track_of(listener)->duration_ms / 2;
    return half_ms < PLAY_COUNTS_MS ? half_ms : PLAY_COUNTS_MS;
}

static uint32_t next_at_ms(const struct listener *listener)
{
    uint32_t duration_ms = track_of(listener)->duration_ms;
    return duration_ms > EARLY_NEXT_MS ? duration_ms - EARLY_NEXT_MS : duration_ms / 2;
}

/* What comes at a place of the music. */
static uint64_t next_in_music_us(struct listener *listener)
{
    const struct buffer_clock *clock = &listener->clock;
    uint32_t ahead_ms = buffer_clock_ahead_ms(clock), low_ms = fetch_low_ms(listener);
    uint64_t next_us = buffer_clock_empty_us(clock);
    if (!listener->is_counted)
        next_us = earlier(next_us, buffer_clock_reaches_us(clock, counts_at_ms(listener)));
    if (listener->has_next && !listener->next_is_fetched)
        next_us = earlier(next_us, buffer_clock_reaches_us(clock, next_at_ms(listener)));
    if (listener->skip_ms != UINT32_MAX)
        next_us = earlier(next_us, buffer_clock_reaches_us(clock, listener->skip_ms));
    if (ahead_ms > low_ms && listener_playing(listener)->got < listener_playing(listener)->size)
        next_us = earlier(next_us, buffer_clock_reaches_us(clock, buffer_clock_played_ms(clock) +
                                                                      ahead_ms - low_ms + 1));
    return next_us;
}

static uint64_t next_us(struct listener *listener)
{
    const struct buffer_clock *clock = &listener->clock;
    switch ((enum clock_state)clock->state) {
    case CLOCK_WAITING:
        return after_ms(clock->since_us,
                        listener->has_failed ? TAP_PATIENCE_MS : CLOCK_START_LIMIT_MS + 1);
    case CLOCK_SOUNDING:
        return next_in_music_us(listener);
    case CLOCK_SILENT:
        if (listener->gap_is_counted)
            return after_ms(clock->since_us, SILENCE_PATIENCE_MS);
        return clock->since_us + (CLOCK_GAP_LIMIT_MS + 1) * UINT64_C(1000) / clock->speed + 1;
    case CLOCK_OVER:
        break;
    }
    return clock->looked_us;
}

/* False when the listener no longer hears this track. */
static bool judge_silence(struct listener *listener, uint64_t now_us)
{
    const struct buffer_clock *clock = &listener->clock;
    uint32_t waited_ms = load_ms_since(clock->since_us, now_us);
    if (clock->state == CLOCK_WAITING && waited_ms > CLOCK_START_LIMIT_MS &&
        !listener->has_failed) {
        listener->has_failed = true;
        listener_figures(listener)->plays_failed++;
    }
    if (clock->state == CLOCK_SILENT && buffer_clock_silent_ms(clock, now_us) > CLOCK_GAP_LIMIT_MS)
        ear_count_gap(listener);
    bool gives_up = (clock->state == CLOCK_WAITING && waited_ms >= TAP_PATIENCE_MS) ||
                    (clock->state == CLOCK_SILENT && waited_ms >= SILENCE_PATIENCE_MS);
    if (gives_up)
        go_on(listener, false, now_us);
    return !gives_up;
}

static void do_what_is_due(struct listener *listener)
{
    uint32_t played_ms = buffer_clock_played_ms(&listener->clock);
    if (!listener->is_counted && played_ms >= counts_at_ms(listener)) {
        listener->is_counted = true;
        errand_run(listener, ERRAND_PLAY);
        errand_run(listener, ERRAND_QUEUE);
        if (listener->stars)
            errand_run(listener, ERRAND_STAR);
    }
    if (listener->has_next && !listener->next_is_fetched && played_ms >= next_at_ms(listener)) {
        listener->next_is_fetched = true;
        audio_fetch_start(coming(listener), listener->next_track);
    }
    fetch_pace(listener_playing(listener));
}

static void hear_on(struct listener *listener, uint64_t now_us)
{
    ear_look(listener, now_us);
    if (listener->clock.state == CLOCK_OVER) {
        go_on(listener, true, now_us);
        return;
    }
    if (listener->skip_ms <= buffer_clock_played_ms(&listener->clock)) {
        go_on(listener, false, now_us);
        return;
    }
    if (!judge_silence(listener, now_us))
        return;
    do_what_is_due(listener);
    uint64_t at_us = next_us(listener);
    listener_wake_at(listener, at_us > now_us ? at_us : after_ms(now_us, 1));
}

static void wake(struct loop_timer *timer, uint64_t now_us)
{
    struct listener *listener = CONTAINER_OF(timer, struct listener, timer);
    uint64_t late_ms = load_ms_since(listener->due_us, now_us);
    if (late_ms > listener->load->late_ms_of_second)
        listener->load->late_ms_of_second = late_ms;
    listener->due_us = UINT64_MAX;
    switch ((enum listener_step)listener->step) {
    case LISTENER_ABSENT:
        arrive(listener, now_us);
        break;
    case LISTENER_SIGNING_IN:
        break;
    case LISTENER_CHOOSING:
        tap_chosen(listener, now_us);
        break;
    case LISTENER_HEARING:
        hear_on(listener, now_us);
        break;
    }
}

void listener_look(struct listener *listener, uint64_t now_us)
{
    if (listener->step == LISTENER_HEARING)
        ear_look(listener, now_us);
}

/* --- life --- */

static bool chooses_player(struct listener *listener)
{
    const struct load_profile *profile = &listener->load->profile;
    bool is_player = chance_percent(&listener->chance, profile->player_percent);
    if (is_player && !listener->pass->token[0])
        return false;
    return is_player || !listener->pass->secret[0];
}

void listener_init(struct listener *listener, struct load *load, uint32_t index)
{
    const struct load_profile *profile = &load->profile;
    *listener = (struct listener){.load = load, .index = index, .due_us = UINT64_MAX};
    listener->chance = chance_of(profile->seed, index);
    listener->luck = chance_of(~profile->seed, index);
    listener->account = index % profile->account_count;
    listener->pass = &load->passes[listener->account];
    listener->timer.on_timer = wake;
    listener->is_player = chooses_player(listener);
    listener->is_impatient = chance_percent(&listener->chance, profile->impatient_percent);
    for (int i = 0; i < 2; i++)
        listener->fetches[i].listener = listener;
    listener_choose_target(listener);
}

void listener_fall_silent(struct listener *listener, uint64_t now_us)
{
    if (listener->step == LISTENER_ABSENT)
        listener_wake_at(listener, UINT64_MAX);
    else
        leave(listener, now_us);
}

bool listener_has_errands(const struct listener *listener)
{
    for (int i = 0; i < LISTENER_ERRANDS; i++)
        if (listener->errands[i].kind != ERRAND_NONE)
            return true;
    return false;
}

void listener_release(struct listener *listener)
{
    loop_timer_stop(&listener->timer);
    for (int i = 0; i < 2; i++)
        audio_fetch_stop(&listener->fetches[i]);
    for (int i = 0; i < LISTENER_ERRANDS; i++)
        errand_release(&listener->errands[i]);
    client_pool_free(&listener->pool);
}

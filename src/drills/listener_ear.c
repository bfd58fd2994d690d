// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/listener.h"

/*
 * listener_ear: what a listener hears of the track that plays, and how that is counted: first
 * sounds, gaps, music.
 */

void ear_count_gap(struct listener *listener)
{
    if (listener->gap_is_counted)
        return;
    listener->gap_is_counted = true;
    listener_figures(listener)->gaps++;
    listener_figures(listener)->plays_interrupted += !listener->is_interrupted;
    listener->is_interrupted = true;
}

void ear_end_gap(struct listener *listener, uint32_t gap_ms)
{
    if (gap_ms > CLOCK_GAP_LIMIT_MS) {
        ear_count_gap(listener);
        histogram_add(&listener_figures(listener)->gap_ms, gap_ms);
        listener_figures(listener)->gap_total_ms += gap_ms;
    }
    listener->gap_is_counted = false;
}

static void begin_sound(struct listener *listener, uint32_t started_ms)
{
    struct load_figures *figures = listener_figures(listener);
    histogram_add(&figures->start_ms, started_ms);
    if (started_ms > CLOCK_START_LIMIT_MS && !listener->has_failed)
        figures->plays_failed++; /* the timer was about to say so */
    else if (!listener->has_failed)
        figures->plays_started++;
    listener->has_failed |= started_ms > CLOCK_START_LIMIT_MS;
    errand_run(listener, ERRAND_NOW_PLAYING);
}

static void hear(struct listener *listener, const struct clock_change *change)
{
    if (change->has_started)
        begin_sound(listener, change->started_ms);
    if (change->has_gap)
        ear_end_gap(listener, change->gap_ms);
}

void ear_look(struct listener *listener, uint64_t now_us)
{
    uint64_t before_us = listener->clock.played_us;
    (void)buffer_clock_look(&listener->clock, now_us);
    listener_figures(listener)->music_ms += (listener->clock.played_us - before_us) / 1000;
}

void listener_fed(struct listener *listener, const struct fetch *fetch, uint64_t now_us)
{
    if (listener->step != LISTENER_HEARING || fetch != listener_playing(listener)) {
        fetch_pace(&listener->fetches[fetch - listener->fetches]);
        return;
    }
    listener->clock.size_bytes = fetch->size ? fetch->size : 1;
    ear_look(listener, now_us);
    uint8_t before = listener->clock.state;
    struct clock_change change = buffer_clock_feed(&listener->clock, fetch->got, now_us);
    hear(listener, &change);
    bool was_paused = fetch->is_paused;
    fetch_pace(listener_playing(listener));
    if (before != listener->clock.state || was_paused != fetch->is_paused ||
        listener->clock.state == CLOCK_OVER)
        listener_wake_at(listener, now_us);
}

uint32_t listener_ahead_ms(const struct listener *listener, const struct fetch *fetch)
{
    const struct shelf_track *track = &listener->load->shelf.tracks[fetch->track];
    if (listener->step == LISTENER_HEARING && fetch == &listener->fetches[listener->now])
        return buffer_clock_ahead_ms(&listener->clock);
    return (uint32_t)((double)fetch->got * track->duration_ms / (double)(fetch->size + 1));
}

uint32_t listener_silent_ms(const struct listener *listener, uint64_t now_us)
{
    uint32_t silent_ms =
        listener->step == LISTENER_HEARING ? buffer_clock_silent_ms(&listener->clock, now_us) : 0;
    return silent_ms > CLOCK_GAP_LIMIT_MS ? silent_ms : 0;
}

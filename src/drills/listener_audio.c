// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/listener.h"

/*
 * The player asks for PLAYER_BLOCK_S of music at a time and asks again as the buffer drains; an app
 * asks once and lets the stream stand while its buffer is full, until a third of it is drained.
 */
enum { PLAYER_BLOCK_S = 10, LEAST_BLOCK_BYTES = 128 << 10 };

static void on_header(struct client_call *call, const struct http_response *response,
                      void *context);
static void on_body(struct client_call *call, struct text piece, void *context);
static void on_end(struct client_call *call, enum client_outcome outcome, void *context);
static const struct client_handler handler = {on_header, on_body, on_end};

static const struct shelf_track *track_of(const struct fetch *fetch)
{
    return &fetch->listener->load->shelf.tracks[fetch->track];
}

static uint64_t block_bytes(const struct fetch *fetch)
{
    const struct shelf_track *track = track_of(fetch);
    uint64_t bytes = track->size_bytes * PLAYER_BLOCK_S * 1000 / track->duration_ms;
    return bytes > LEAST_BLOCK_BYTES ? bytes : LEAST_BLOCK_BYTES;
}

static void wait_to_try(struct fetch *fetch)
{
    struct listener *listener = fetch->listener;
    uint32_t wait_ms = people_backoff_ms(&listener->luck, fetch->tries, listener->is_impatient);
    if (wait_ms < fetch->after_ms && !listener->is_impatient)
        wait_ms = fetch->after_ms;
    fetch->after_ms = 0;
    if (fetch->tries < UINT8_MAX)
        fetch->tries++;
    listener->load->figures.retries++;
    fetch->is_waiting = true;
    loop_timer_start(listener->load->loop, &fetch->again,
                     loop_now_us(listener->load->loop) + wait_ms * UINT64_C(1000));
}

static void ask(struct fetch *fetch)
{
    struct listener *listener = fetch->listener;
    struct request_text text;
    struct request_of of;
    bool is_ranged = listener->is_player;
    listener_ask_of(listener, fetch, &of);
    fetch->end = fetch->size;
    if (is_ranged && fetch->got + block_bytes(fetch) < fetch->size)
        fetch->end = fetch->got + block_bytes(fetch);
    request_audio(&text, &of, fetch->got, is_ranged ? fetch->end - 1 : UINT64_MAX);
    fetch->is_good = fetch->is_paused = false;
    fetch->drops = 0;
    fetch->call = client_ask(listener->pool, &text.request, &handler, fetch);
    if (fetch->call)
        listener->load->figures.requests++;
    else
        wait_to_try(fetch);
}

static void on_again(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct fetch *fetch = CONTAINER_OF(timer, struct fetch, again);
    fetch->is_waiting = false;
    ask(fetch);
}

void audio_fetch_start(struct fetch *fetch, uint32_t track)
{
    struct listener *listener = fetch->listener;
    audio_fetch_stop(fetch);
    *fetch = (struct fetch){.listener = listener, .track = track, .is_wanted = true};
    fetch->again.on_timer = on_again;
    fetch->size = track_of(fetch)->size_bytes;
    ask(fetch);
}

void audio_fetch_stop(struct fetch *fetch)
{
    if (!fetch->is_wanted)
        return;
    if (fetch->call)
        client_cancel(fetch->call);
    fetch->call = NULL;
    loop_timer_stop(&fetch->again);
    fetch->is_wanted = false;
}

void fetch_move(struct fetch *fetch)
{
    if (!fetch->call)
        return;
    client_cancel(fetch->call);
    fetch->call = NULL;
    wait_to_try(fetch);
}

uint32_t fetch_low_ms(const struct listener *listener)
{
    uint32_t full_ms = listener->load->profile.buffer_s * 1000, block_ms = PLAYER_BLOCK_S * 1000;
    if (!listener->is_player)
        return full_ms - full_ms / 3;
    return full_ms - (block_ms < full_ms / 2 ? block_ms : full_ms / 2);
}

void fetch_pace(struct fetch *fetch)
{
    struct listener *listener = fetch->listener;
    if (!fetch->is_wanted || fetch->got >= fetch->size)
        return;
    uint32_t ahead_ms = listener_ahead_ms(listener, fetch);
    if (!fetch->call) {
        if (!fetch->is_waiting && ahead_ms <= fetch_low_ms(listener))
            ask(fetch);
    } else if (listener->is_player) {
        return; /* a block is short: it is read to its end */
    } else if (!fetch->is_paused && ahead_ms >= listener->load->profile.buffer_s * 1000) {
        fetch->is_paused = true;
        client_pause(fetch->call);
    } else if (fetch->is_paused && ahead_ms <= fetch_low_ms(listener)) {
        fetch->is_paused = false;
        client_resume(fetch->call);
    }
}

static void on_header(struct client_call *call UNUSED, const struct http_response *response,
                      void *context)
{
    struct fetch *fetch = context;
    fetch->is_good = response->status == 200 || response->status == 206;
    if (fetch->is_good && response->status == 200) {
        fetch->drops = fetch->got; /* the whole again: what we have comes once more */
        if (response->content_length != UINT64_MAX)
            fetch->size = fetch->end = response->content_length;
    }
    fetch->after_ms = load_retry_after_ms(response);
    load_count_outcome(fetch->listener->load, CLIENT_DONE, response->status);
}

static void on_body(struct client_call *call UNUSED, struct text piece, void *context)
{
    struct fetch *fetch = context;
    uint64_t dropped = piece.size < fetch->drops ? piece.size : fetch->drops;
    if (!fetch->is_good)
        return;
    fetch->drops -= dropped;
    fetch->got += piece.size - dropped;
    if (fetch->got > fetch->size)
        fetch->got = fetch->size;
    fetch->tries = 0;
    fetch->listener->failures = 0;
    listener_fed(fetch->listener, fetch, loop_now_us(fetch->listener->load->loop));
}

/* What the request brought was less than asked for, though whole: so long the file is now. */
static void end_early(struct fetch *fetch)
{
    fetch->size = fetch->got;
    listener_fed(fetch->listener, fetch, loop_now_us(fetch->listener->load->loop));
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct fetch *fetch = context;
    struct listener *listener = fetch->listener;
    bool is_answered = outcome == CLIENT_DONE && fetch->is_good;
    fetch->call = NULL;
    if (outcome != CLIENT_DONE) {
        load_count_outcome(listener->load, outcome, 0);
        listener_line_failed(listener);
    }
    if (fetch->got >= fetch->size)
        return;
    if (is_answered && fetch->got >= fetch->end)
        fetch_pace(fetch);
    else if (is_answered)
        end_early(fetch);
    else
        wait_to_try(fetch);
}

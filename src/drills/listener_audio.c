// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/listener.h"

/*
 * The player asks for PLAYER_BLOCK_S of music at a time and asks again as the buffer drains; an app
 * asks once and lets the stream stand while its buffer is full, until a third of it is drained.
 */
enum { PLAYER_BLOCK_S = 10, LEAST_BLOCK_BYTES = 128 << 10, MOST_RENEWALS = 2 };

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
    uint32_t wait_ms = listener_backoff_ms(listener, fetch->tries);
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

static bool is_segmented(const struct fetch *fetch)
{
    return fetch->listener->is_player && track_of(fetch)->segments.count > 0;
}

static void ask_segment(struct fetch *fetch, struct request_text *text, const struct request_of *of)
{
    fetch->end = fetch->got + track_of(fetch)->segments.each[fetch->segment].bytes;
    fetch->digest = EVP_MD_CTX_new();
    (void)EVP_DigestInit_ex(fetch->digest, EVP_sha256(), NULL);
    request_segment(text, of, fetch->segment);
}

static void ask_original(struct fetch *fetch, struct request_text *text,
                         const struct request_of *of)
{
    bool is_ranged = fetch->listener->is_player;
    fetch->end = fetch->size;
    if (is_ranged && fetch->got + block_bytes(fetch) < fetch->size)
        fetch->end = fetch->got + block_bytes(fetch);
    request_audio(text, of, fetch->got, is_ranged ? fetch->end - 1 : UINT64_MAX);
}

static void forget_call(struct fetch *fetch)
{
    fetch->call = NULL;
    EVP_MD_CTX_free(fetch->digest);
    fetch->digest = NULL;
}

static void ask(struct fetch *fetch)
{
    struct listener *listener = fetch->listener;
    struct request_text text;
    struct request_of of;
    listener_ask_of(listener, fetch, &of);
    if (is_segmented(fetch))
        ask_segment(fetch, &text, &of);
    else
        ask_original(fetch, &text, &of);
    fetch->is_good = fetch->is_paused = false;
    fetch->status = 0;
    fetch->pass_taken = listener->pass->taken;
    fetch->drops = 0;
    fetch->call = client_ask(listener->pool, &text.request, &handler, fetch);
    if (fetch->call)
        listener->load->figures.requests++;
    else {
        forget_call(fetch);
        wait_to_try(fetch);
    }
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
    errand_renew_early(listener);
    ask(fetch);
}

void audio_fetch_stop(struct fetch *fetch)
{
    if (!fetch->is_wanted)
        return;
    if (fetch->call)
        client_cancel(fetch->call);
    forget_call(fetch);
    loop_timer_stop(&fetch->again);
    fetch->is_wanted = false;
}

void fetch_move(struct fetch *fetch)
{
    if (!fetch->call)
        return;
    client_cancel(fetch->call);
    forget_call(fetch);
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
    fetch->status = (uint16_t)response->status;
    fetch->is_good = response->status == 200 || response->status == 206;
    if (fetch->is_good && response->status == 200 && !fetch->digest) {
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
    if (fetch->digest) { /* no music before all of it is right */
        (void)EVP_DigestUpdate(fetch->digest, piece.data, piece.size);
        return;
    }
    fetch->drops -= dropped;
    fetch->got += piece.size - dropped;
    if (fetch->got > fetch->size)
        fetch->got = fetch->size;
    fetch->tries = fetch->renewals = 0;
    fetch->listener->moves = 0;
    listener_fed(fetch->listener, fetch, loop_now_us(fetch->listener->load->loop));
}

/* A grant that is refused is renewed with the session; false when that did not help. */
static bool asks_with_another_pass(struct fetch *fetch)
{
    struct listener *listener = fetch->listener;
    bool is_newer = fetch->pass_taken != listener->pass->taken;
    if (fetch->status != 401 || !listener->is_player || fetch->renewals++ >= MOST_RENEWALS ||
        (!is_newer && !errand_renew(listener)))
        return false;
    fetch->waits_for_pass = fetch->is_waiting = !is_newer;
    if (is_newer)
        ask(fetch);
    return true;
}

void fetch_go_on(struct fetch *fetch, bool is_renewed)
{
    if (!fetch->is_wanted || !fetch->waits_for_pass)
        return;
    fetch->waits_for_pass = fetch->is_waiting = false;
    if (is_renewed)
        ask(fetch);
    else
        wait_to_try(fetch);
}

/* What the request brought was less than asked for, though whole: so long the file is now. */
static void end_early(struct fetch *fetch)
{
    fetch->size = fetch->got;
    listener_fed(fetch->listener, fetch, loop_now_us(fetch->listener->load->loop));
}

/* A whole answer to a question for a segment; false: it is not what the manifest says. */
static bool take_segment(struct fetch *fetch)
{
    struct load_figures *figures = &fetch->listener->load->figures;
    uint8_t sha256[EVP_MAX_MD_SIZE];
    bool is_right = EVP_DigestFinal_ex(fetch->digest, sha256, NULL) &&
                    segments_is(&track_of(fetch)->segments, fetch->segment, sha256);
    figures->segments++;
    figures->wrong_segments += !is_right;
    if (!is_right)
        return false;
    fetch->segment++;
    fetch->got = fetch->end;
    fetch->tries = fetch->renewals = 0;
    fetch->listener->moves = 0;
    return true;
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct fetch *fetch = context;
    struct listener *listener = fetch->listener;
    bool is_answered = outcome == CLIENT_DONE && fetch->is_good;
    bool is_segment = is_answered && fetch->digest;
    if (is_segment)
        is_answered = take_segment(fetch);
    forget_call(fetch);
    if (is_segment && is_answered) {
        listener_fed(listener, fetch, loop_now_us(listener->load->loop)); /* and paces it */
        return;
    }
    if (outcome != CLIENT_DONE) {
        load_count_outcome(listener->load, outcome, 0);
        listener_line_failed(listener);
    } else if (!is_answered && asks_with_another_pass(fetch)) {
        return;
    } else if (!is_answered) {
        listener_line_failed(listener); /* a node without its music: another may have it */
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

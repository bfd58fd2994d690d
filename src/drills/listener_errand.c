// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/listener.h"

#include "io/clock.h"

/*
 * An errand is one thing that a listener wants besides music.  It is tried again with back-off for
 * ERRAND_PATIENCE_MS; a write keeps its id (its time, its number), so that it is done once however
 * often it is sent.  What was sent and never answered is unknown to the ledger.
 */
enum {
    ERRAND_PATIENCE_MS = 10000,
    ERRAND_DEADLINE_MS = 10000,
    ERRAND_RENEWALS = 4,
    EARLY_MS = 60000,
    EARLY_GAP_MS = 1000
};

static void on_header(struct client_call *call, const struct http_response *response,
                      void *context);
static void on_body(struct client_call *call, struct text piece, void *context);
static void on_end(struct client_call *call, enum client_outcome outcome, void *context);
static const struct client_handler handler = {on_header, on_body, on_end};

static bool is_write(const struct errand *errand) { return errand->kind >= ERRAND_PLAY; }

static struct load_tries *tries_of(struct load *load, enum errand_kind kind)
{
    struct load_figures *figures = &load->figures;
    switch (kind) {
    case ERRAND_SIGN_IN:
    case ERRAND_RENEWAL:
        return &figures->sign_ins;
    case ERRAND_HOME:
        return &figures->homes;
    case ERRAND_SEARCH:
        return &figures->searches;
    case ERRAND_PLAYLIST:
        return &figures->playlists;
    case ERRAND_ARTWORK:
        return &figures->artworks;
    case ERRAND_PLAY:
    case ERRAND_STAR:
    case ERRAND_NEW_PLAYLIST:
        return &figures->writes;
    case ERRAND_NONE:
    case ERRAND_NOW_PLAYING:
    case ERRAND_QUEUE:
        break;
    }
    return NULL;
}

static void tell_ledger(const struct errand *errand, enum ledger_word word)
{
    const struct listener *listener = errand->listener;
    struct ledger *ledger = listener->load->ledger;
    if (errand->kind == ERRAND_PLAY)
        ledger_play(ledger, listener->account, errand->track, word);
    else if (errand->kind == ERRAND_STAR)
        ledger_star(ledger, listener->account, errand->track, word);
    else if (errand->kind == ERRAND_NEW_PLAYLIST)
        ledger_playlist(ledger, errand->number, word);
}

static void stop_typing(struct errand *errand)
{
    if (errand->listener->pass->typist == errand)
        errand->listener->pass->typist = NULL;
}

static void finish(struct errand *errand, bool is_good)
{
    struct listener *listener = errand->listener;
    enum errand_kind kind = (enum errand_kind)errand->kind;
    struct load_tries *tries = tries_of(listener->load, kind);
    uint64_t now_us = loop_now_us(listener->load->loop);
    if (tries && is_good)
        histogram_add(&tries->ms, load_ms_since(errand->began_us, now_us));
    else if (tries)
        tries->failed++;
    if (is_write(errand))
        tell_ledger(errand, is_good               ? LEDGER_ACKNOWLEDGED
                            : errand->may_be_done ? LEDGER_UNKNOWN
                                                  : LEDGER_REFUSED);
    stop_typing(errand);
    buffer_release(&errand->answer);
    errand->kind = ERRAND_NONE;
    listener_errand_ended(listener, kind, is_good);
}

static void ask(struct errand *errand)
{
    struct listener *listener = errand->listener;
    struct request_text text;
    struct request_of of;
    listener_ask_of(listener, NULL, &of);
    of.track = &listener->load->shelf.tracks[errand->track];
    of.wants_password = errand->wants_password;
    of.number = errand->number;
    of.seq = errand->seq;
    of.at_ms = errand->at_ms;
    of.heard_ms = errand->heard_ms;
    request_errand(&text, (enum errand_kind)errand->kind, &of);
    text.request.deadline_ms = ERRAND_DEADLINE_MS;
    buffer_reset(&errand->answer);
    errand->status = 0;
    errand->wants_proof = false;
    errand->pass_taken = listener->pass->taken;
    errand->call = client_ask(listener->pool, &text.request, &handler, errand);
    if (errand->call)
        listener->load->figures.requests++;
}

static void try_again(struct errand *errand)
{
    struct listener *listener = errand->listener;
    uint32_t wait_ms = listener_backoff_ms(listener, errand->tries);
    if (wait_ms < errand->after_ms && !listener->is_impatient)
        wait_ms = errand->after_ms;
    uint64_t at_us = loop_now_us(listener->load->loop) + wait_ms * UINT64_C(1000);
    errand->after_ms = 0;
    if (errand->tries < UINT8_MAX)
        errand->tries++;
    if (load_ms_since(errand->began_us, at_us) >= ERRAND_PATIENCE_MS ||
        listener->load->state != LOAD_RUNNING) {
        finish(errand, false);
        return;
    }
    listener->load->figures.retries++;
    loop_timer_start(listener->load->loop, &errand->again, at_us);
}

static void ask_or_wait(struct errand *errand)
{
    ask(errand);
    if (!errand->call)
        try_again(errand);
}

static void on_again(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    ask_or_wait(CONTAINER_OF(timer, struct errand, again));
}

void errand_move(struct errand *errand)
{
    if (!errand->call)
        return;
    client_cancel(errand->call);
    errand->call = NULL;
    errand->may_be_done = true;
    try_again(errand);
}

/* --- answers --- */

static void on_header(struct client_call *call UNUSED, const struct http_response *response,
                      void *context)
{
    struct errand *errand = context;
    errand->status = (uint16_t)response->status;
    errand->after_ms = load_retry_after_ms(response);
    errand->wants_proof = pass_take_nonce(errand->listener->pass, response);
}

static void on_body(struct client_call *call UNUSED, struct text piece, void *context)
{
    struct errand *errand = context;
    size_t room = ERRAND_ANSWER_BYTES - errand->answer.size;
    buffer_append(&errand->answer, piece.data, piece.size < room ? piece.size : room);
}

/* 200 says little: Subsonic answers carry their own status, operations an outcome each. */
static bool is_good_answer(const struct errand *errand)
{
    struct listener *listener = errand->listener;
    struct text answer = buffer_view(&errand->answer);
    if (errand->status != 200)
        return false;
    if (errand->kind == ERRAND_ARTWORK)
        return answer.size > 0;
    if (errand->kind == ERRAND_RENEWAL)
        return pass_take_session(listener->pass, answer);
    if (errand->kind == ERRAND_SIGN_IN && listener->is_player)
        return !errand->wants_password || pass_take_session(listener->pass, answer);
    if (listener->is_player && (is_write(errand) || errand->kind == ERRAND_QUEUE))
        return text_contains(answer, TEXT("\"outcome\":\"accepted\"")) ||
               text_contains(answer, TEXT("\"outcome\":\"duplicate\""));
    return text_contains(answer, TEXT("\"status\":\"ok\""));
}

/* Nothing better comes of asking again. */
static bool is_final(const struct errand *errand)
{
    return errand->status >= 400 && errand->status < 500 && errand->status != 429 &&
           errand->status != 408;
}

/* --- sessions --- */

/* A session ended before its time (a clock that jumped): it is renewed, and this is asked again. */
static bool waits_for_session(struct errand *errand)
{
    struct listener *listener = errand->listener;
    if (errand->status != 401 || !listener->is_player || errand->kind == ERRAND_SIGN_IN ||
        errand->kind == ERRAND_RENEWAL || errand->renewals++ >= ERRAND_RENEWALS)
        return false;
    if (errand->pass_taken == listener->pass->taken)
        return errand->waits_for_pass = errand_renew(listener);
    ask_or_wait(errand);
    return true;
}

/* A renewal that is refused: the node wants its nonce in the proof; or the session has ended, and
 * one of those who share it types the password; or another node can judge it. */
static bool renews_otherwise(struct errand *errand)
{
    struct listener *listener = errand->listener;
    struct pass *pass = listener->pass;
    bool is_over = errand->kind == ERRAND_RENEWAL && errand->status == 401;
    bool is_elsewhere = errand->kind == ERRAND_RENEWAL && errand->status == 503;
    if (errand->wants_proof && errand->renewals++ < ERRAND_RENEWALS) {
        ask_or_wait(errand);
    } else if (is_over && !errand->wants_password && pass->password[0]) {
        if (errand->pass_taken != pass->taken || pass->typist) {
            try_again(errand);
        } else {
            pass->typist = errand;
            errand->wants_password = true;
            ask_or_wait(errand);
        }
    } else if (is_elsewhere && listener->load->profile.target_count > 1) {
        errand->after_ms = 0;
        listener_line_failed(listener);
        try_again(errand);
    } else {
        return false;
    }
    return true;
}

void errand_go_on(struct errand *errand, bool is_renewed)
{
    if (!errand->waits_for_pass)
        return;
    errand->waits_for_pass = false;
    if (is_renewed)
        ask_or_wait(errand);
    else
        finish(errand, false);
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct errand *errand = context;
    struct listener *listener = errand->listener;
    bool is_answered = outcome == CLIENT_DONE;
    bool is_good = is_answered && is_good_answer(errand);
    errand->call = NULL;
    load_count_outcome(listener->load, outcome, errand->status);
    errand->may_be_done |= !is_answered && outcome != CLIENT_UNREACHABLE;
    if (is_answered && (waits_for_session(errand) || renews_otherwise(errand)))
        return;
    if (!is_answered)
        listener_line_failed(listener);
    else
        listener->moves = 0;
    if (is_good || (is_answered && is_final(errand)))
        finish(errand, is_good);
    else
        try_again(errand);
}

/* --- life --- */

/* What there may be only one of is taken here; false when it is gone. */
static bool take(struct errand *errand)
{
    struct listener *listener = errand->listener;
    struct ledger *ledger = listener->load->ledger;
    if (errand->kind == ERRAND_STAR)
        return ledger_take_star(ledger, listener->account, errand->track);
    if (errand->kind == ERRAND_NEW_PLAYLIST)
        errand->number = ledger_take_playlist(ledger, listener->account);
    else
        errand->number = chance_below(&listener->luck, 26);
    return errand->number != UINT32_MAX;
}

static void run(struct listener *listener, struct errand *errand, enum errand_kind kind)
{
    *errand = (struct errand){.listener = listener, .kind = (uint8_t)kind};
    errand->again.on_timer = on_again;
    errand->began_us = loop_now_us(listener->load->loop);
    errand->at_ms = clock_unix_ms();
    errand->track = listener->fetches[listener->now].track;
    errand->seq = ++listener->seq;
    errand->heard_ms = buffer_clock_played_ms(&listener->clock);
    errand->wants_password =
        listener->pass->password[0] && listener->is_player && kind == ERRAND_SIGN_IN &&
        chance_percent(&listener->luck, listener->load->profile.habits.sign_ins);
    buffer_init(&errand->answer, ERRAND_ANSWER_BYTES);
    if (!take(errand)) {
        errand->kind = ERRAND_NONE;
        return;
    }
    struct load_tries *tries = tries_of(listener->load, kind);
    if (tries)
        tries->tried++;
    ask_or_wait(errand);
}

void errand_run(struct listener *listener, enum errand_kind kind)
{
    struct errand *errand = listener->errands;
    struct errand *end = errand + LISTENER_RENEWAL;
    while (errand < end && errand->kind != ERRAND_NONE)
        errand++;
    if (errand == end || listener->load->state != LOAD_RUNNING)
        return; /* too busy: a person does not want everything at once either */
    errand_renew_early(listener);
    run(listener, errand, kind);
}

bool errand_renew(struct listener *listener)
{
    struct errand *renewal = &listener->errands[LISTENER_RENEWAL];
    if (renewal->kind == ERRAND_NONE && listener->load->state == LOAD_RUNNING)
        run(listener, renewal, ERRAND_RENEWAL);
    return renewal->kind != ERRAND_NONE;
}

void errand_renew_early(struct listener *listener)
{
    struct pass *pass = listener->pass;
    int64_t now_ms = clock_unix_ms();
    if (!listener->is_player || !pass->token[0] || pass->expires_ms - now_ms > EARLY_MS ||
        now_ms - pass->asked_early_ms < EARLY_GAP_MS)
        return;
    pass->asked_early_ms = now_ms;
    (void)!errand_renew(listener);
}

void errand_release(struct errand *errand)
{
    if (errand->kind == ERRAND_NONE)
        return;
    loop_timer_stop(&errand->again);
    if (errand->call)
        client_cancel(errand->call);
    if (is_write(errand))
        tell_ledger(errand, LEDGER_UNKNOWN);
    stop_typing(errand);
    buffer_release(&errand->answer);
    errand->kind = ERRAND_NONE;
}

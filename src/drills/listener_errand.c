// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/listener.h"

#include "io/clock.h"

/*
 * An errand is one thing that a listener wants besides music.  It is tried again with back-off for
 * ERRAND_PATIENCE_MS; a write keeps its id (its time, its number), so that it is done once however
 * often it is sent.  What was sent and never answered is unknown to the ledger.
 */
enum { ERRAND_PATIENCE_MS = 10000, ERRAND_DEADLINE_MS = 10000, ERRAND_RENEWALS = 2 };

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

static void end_renewal(struct errand *errand)
{
    struct pass *pass = errand->listener->pass;
    if (pass->renewer == errand)
        pass->renewer = NULL;
    errand->renews = false;
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
    end_renewal(errand);
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
    if (errand->renews)
        request_sign_in(&text, listener->pass);
    else
        request_errand(&text, (enum errand_kind)errand->kind, &of);
    text.request.deadline_ms = ERRAND_DEADLINE_MS;
    buffer_reset(&errand->answer);
    errand->status = 0;
    errand->call = client_ask(listener->pool, &text.request, &handler, errand);
    if (errand->call)
        listener->load->figures.requests++;
}

static void try_again(struct errand *errand)
{
    struct listener *listener = errand->listener;
    uint32_t wait_ms = people_backoff_ms(&listener->luck, errand->tries, listener->is_impatient);
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

/* A session ended before its time (a clock that jumped): our player signs in anew and asks again.
 * One errand of an account does it for all. */
static bool renews(struct errand *errand, enum client_outcome outcome)
{
    struct pass *pass = errand->listener->pass;
    bool is_over = outcome == CLIENT_DONE && errand->status == 401 && errand->listener->is_player &&
                   errand->kind != ERRAND_SIGN_IN && pass->password[0] &&
                   errand->renewals < ERRAND_RENEWALS;
    if (is_over) {
        errand->renews = !pass->renewer;
        errand->renewals += errand->renews;
        if (errand->renews)
            pass->renewer = errand;
    }
    return is_over;
}

static bool takes_renewal(struct errand *errand, enum client_outcome outcome)
{
    if (!errand->renews)
        return false;
    if (outcome == CLIENT_DONE && errand->status == 200)
        (void)!pass_take_session(errand->listener->pass, buffer_view(&errand->answer));
    end_renewal(errand);
    return true;
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct errand *errand = context;
    struct listener *listener = errand->listener;
    errand->call = NULL;
    bool is_again = takes_renewal(errand, outcome) || renews(errand, outcome);
    bool is_good = !is_again && outcome == CLIENT_DONE && is_good_answer(errand);
    load_count_outcome(listener->load, outcome, errand->status);
    errand->may_be_done |= !is_again && outcome != CLIENT_DONE && outcome != CLIENT_UNREACHABLE;
    if (outcome != CLIENT_DONE)
        listener_line_failed(listener);
    else
        listener->failures = 0;
    if (is_good || (!is_again && outcome == CLIENT_DONE && is_final(errand)))
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

void errand_run(struct listener *listener, enum errand_kind kind)
{
    struct errand *errand = listener->errands;
    struct errand *end = errand + LISTENER_ERRANDS;
    while (errand < end && errand->kind != ERRAND_NONE)
        errand++;
    if (errand == end || listener->load->state != LOAD_RUNNING)
        return; /* too busy: a person does not want everything at once either */
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

void errand_release(struct errand *errand)
{
    if (errand->kind == ERRAND_NONE)
        return;
    loop_timer_stop(&errand->again);
    if (errand->call)
        client_cancel(errand->call);
    end_renewal(errand);
    if (is_write(errand))
        tell_ledger(errand, LEDGER_UNKNOWN);
    buffer_release(&errand->answer);
    errand->kind = ERRAND_NONE;
}

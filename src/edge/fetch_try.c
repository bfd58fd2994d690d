// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "edge/fetch_state.h"
#include "edge/health.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/*
 *                        ┌─ header ──▶ wins ─▶ body ─┬─ whole ────────────────▶ end
 *   begin ─▶ asked ──────┤    └ 502…504: another one, if there is another     │
 *     ▲                  │                           └─ broken ─┬─ resumed ─┐  │
 *     │                  └─ no answer ─┬────────────────────────┼───────────┼──┘
 *     └──── after back-off, paid for ──┘                        └───────────┘
 *
 * The handler's callback is the last thing that each of our own does: it may cancel the fetch.
 */

/* --- which requests may be sent twice --- */

/* Nothing of it can have been acted upon. */
static bool was_not_sent(enum client_outcome why)
{
    return why == CLIENT_UNREACHABLE || why == CLIENT_NO_TLS;
}

/* RFC 9110 9.2.2 */
static bool is_idempotent(const struct fetch *fetch)
{
    switch (fetch->request.method) {
    case HTTP_METHOD_GET:
    case HTTP_METHOD_HEAD:
    case HTTP_METHOD_OPTIONS:
    case HTTP_METHOD_PUT:
    case HTTP_METHOD_DELETE:
        return true;
    default:
        return false;
    }
}

bool fetch_try_again(struct fetch *fetch, enum client_outcome why)
{
    const struct fetch_limits *limits = origins_limits(fetch->fetcher->origins);
    if ((!is_idempotent(fetch) && !was_not_sent(why)) || fetch->fetcher->abandoned == fetch)
        return false;
    if (why == CLIENT_TIMEOUT && !fetch->has_header && origins_count(fetch->fetcher->origins) == 1)
        return false; /* who is so slow is not asked twice */
    struct origins *origins = fetch->fetcher->origins;
    /* nobody has more work from it: there is nothing to pay or to wait for */
    bool is_free = was_not_sent(why) && origins_have_other(origins, fetch->tried);
    if ((fetch->sent >= limits->max_tries && guard_is_on(GUARD_TRIES)) ||
        !origins_are_alive(origins) || (!is_free && !origins_may_retry(origins)))
        return false;
    uint64_t wait_us =
        is_free ? 0 : (limits->retry_backoff_ms * UINT64_C(1000)) << (fetch->sent - 1);
    uint64_t at_us = fetch_now_us(fetch) + origins_jittered_us(origins, wait_us);
    if (!fetch->has_header && at_us >= fetch->deadline_us)
        return false;
    counter_add(fetch->has_header ? COUNTER_ORIGIN_RESUMES : COUNTER_ORIGIN_RETRIES, 1);
    loop_timer_start(fetch->fetcher->loop, &fetch->again, at_us);
    return true;
}

/* --- dropping --- */

void fetch_try_drop(struct fetch_try *try)
{
    struct fetch *fetch = try->fetch;
    if (!try->call)
        return;
    struct client_call *call = try->call;
    try->call = NULL;
    client_cancel(call);
    origins_gave_up(fetch->fetcher->origins, try->is_probe, try->origin, fetch_now_us(fetch));
}

static struct fetch_try *other_of(struct fetch_try *try)
{
    struct fetch *fetch = try->fetch;
    return &fetch->tries[try == &fetch->tries[0]];
}

/* The other one was slower, by at least this much. */
static void drop_loser(struct fetch_try *loser)
{
    struct fetch *fetch = loser->fetch;
    if (!loser->call)
        return;
    if (!loser->is_hedge)
        origins_first_byte(fetch->fetcher->origins, fetch_now_us(fetch) - loser->started_us);
    fetch_try_drop(loser);
}

/* --- its answer --- */

static void on_interim(struct client_call *call UNUSED, const struct http_response *interim,
                       void *context)
{
    struct fetch_try *try = context;
    struct fetch *fetch = try->fetch;
    bool is_told = interim->status > 101 && !try->is_hedge && !fetch->has_header;
    if (is_told && fetch->handler->on_interim)
        fetch->handler->on_interim(fetch, interim, fetch->context);
}

static void win(struct fetch_try *try)
{
    struct fetch *fetch = try->fetch;
    fetch->winner = try;
    loop_timer_stop(&fetch->deadline);
    loop_timer_stop(&fetch->slow);
    loop_timer_stop(&fetch->hedge);
    loop_timer_stop(&fetch->again);
    drop_loser(other_of(try));
    if (fetch->is_paused)
        client_pause(try->call);
}

/* Whether another may still answer better than 502, 503 and 504: then this one is let go. */
static bool yields(struct fetch_try *try)
{
    struct fetch *fetch = try->fetch;
    bool has_other = other_of(try)->call != NULL;
    if (!has_other &&
        (origins_count(fetch->fetcher->origins) == 1 || !fetch_try_again(fetch, CLIENT_RESET)))
        return false;
    struct client_call *call = try->call;
    try->call = NULL;
    client_cancel(call);
    return true;
}

static void judge_origin(struct fetch_try *try, const struct http_response *response)
{
    struct origins *origins = try->fetch->fetcher->origins;
    uint64_t now_us = fetch_now_us(try->fetch);
    origins_spoke(origins, now_us);
    if (health_status_is_failure(response->status) && !origins_may_have_nothing(origins)) {
        origins_failed(origins, try->origin, now_us, now_us);
    } else {
        origins_succeeded(origins, try->origin, now_us);
        if (!try->is_hedge && !try->fetch->has_header)
            origins_first_byte(origins, now_us - try->started_us);
    }
    try->is_probe = false; /* reported */
}

static void on_resumed(struct fetch_try *try, const struct http_response *response)
{
    struct fetch *fetch = try->fetch;
    if (!fetch_resume_fits(fetch, response)) {
        fetch_end_soon(fetch, FETCH_CUT, "the rest of the body is another one by now");
        return;
    }
    fetch->winner = try;
    fetch->is_resuming = false;
    if (fetch->is_paused)
        client_pause(try->call);
}

static void on_header(struct client_call *call UNUSED, const struct http_response *response,
                      void *context)
{
    struct fetch_try *try = context;
    struct fetch *fetch = try->fetch;
    judge_origin(try, response);
    if (fetch->has_header) {
        on_resumed(try, response);
        return;
    }
    if (health_status_is_failure(response->status) && yields(try))
        return;
    win(try);
    fetch->has_header = true;
    if (try->is_hedge)
        counter_add(COUNTER_ORIGIN_HEDGES_WON, 1);
    if (fetch->request.method != HTTP_METHOD_HEAD && guard_is_on(GUARD_ORIGIN_DIGEST))
        digest_begin(&fetch->digest, response);
    fetch_resume_prepare(fetch, response);
    (void)fetch_hold_header(fetch, response);
}

static void on_body(struct client_call *call UNUSED, struct text piece, void *context)
{
    struct fetch_try *try = context;
    struct fetch *fetch = try->fetch;
    counter_add(COUNTER_ORIGIN_BYTES, (int64_t)piece.size);
    fetch->received += piece.size;
    digest_add(&fetch->digest, piece);
    (void)fetch_hold_body(fetch, piece);
}

static void on_trailers(struct client_call *call UNUSED, const struct http_field *trailers,
                        size_t count, void *context)
{
    struct fetch_try *try = context;
    struct fetch *fetch = try->fetch;
    struct http_field *own = arena_alloc(fetch->arena, (count + 1) * sizeof *own);
    for (size_t i = 0; own && i < count; i++)
        own[i] = (struct http_field){arena_text(fetch->arena, trailers[i].name),
                                     arena_text(fetch->arena, trailers[i].value)};
    if (own && !arena_overflowed(fetch->arena)) {
        fetch->trailers = own;
        fetch->trailer_count = count;
    }
}

/* --- its end --- */

static void end_whole(struct fetch *fetch)
{
    if (digest_end(&fetch->digest)) {
        if (fetch_hold_no_more(fetch, true))
            fetch_tell_end(fetch, FETCH_DONE, NULL);
        return;
    }
    counter_add(COUNTER_ORIGIN_WRONG_DIGESTS, 1);
    fetch_tell_end(fetch, FETCH_WRONG, "the body is not what its digest says");
}

static const char *sentence(enum client_outcome why)
{
    switch (why) {
    case CLIENT_UNREACHABLE:
        return "the origin cannot be reached";
    case CLIENT_NO_TLS:
        return "the origin's certificate or handshake is not good";
    case CLIENT_TIMEOUT:
        return "the origin did not answer in time";
    case CLIENT_MALFORMED:
        return "the origin's answer is not HTTP";
    case CLIENT_TRUNCATED:
        return "the origin's answer broke off";
    case CLIENT_RESET:
    case CLIENT_DONE:
        break;
    }
    return "the origin hung up";
}

static void end_failed(struct fetch *fetch, enum client_outcome why)
{
    if (fetch->has_header) {
        bool may_go_on = fetch->may_resume && why != CLIENT_MALFORMED;
        fetch->is_resuming = may_go_on;
        fetch->winner = NULL;
        if (!may_go_on || !fetch_try_again(fetch, why))
            fetch_tell_end(fetch, FETCH_CUT, sentence(why));
        return;
    }
    if (!fetch_try_again(fetch, why))
        fetch_tell_end(fetch, why == CLIENT_TIMEOUT ? FETCH_LATE : FETCH_NO_ANSWER, sentence(why));
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct fetch_try *try = context;
    struct fetch *fetch = try->fetch;
    try->call = NULL;
    if (outcome == CLIENT_DONE) {
        end_whole(fetch);
        return;
    }
    counter_add(COUNTER_ORIGIN_TIMEOUTS, outcome == CLIENT_TIMEOUT);
    counter_add(COUNTER_ORIGIN_MALFORMED, outcome == CLIENT_MALFORMED);
    bool is_silence = outcome == CLIENT_TIMEOUT && !fetch->has_header;
    uint64_t now_us = fetch_now_us(fetch);
    origins_failed(fetch->fetcher->origins, try->origin, is_silence ? try->started_us : now_us,
                   now_us);
    try->is_probe = false;
    if (!other_of(try)->call)
        end_failed(fetch, outcome);
}

/* --- its begin --- */

static bool refuse(struct fetch *fetch, enum fetch_outcome outcome, const char *why)
{
    fetch->ending = fetch->has_header ? FETCH_CUT : outcome;
    fetch->why = why;
    return false;
}

/* The request as this try sends it: what is left of the deadline, and the rest of a body. */
static bool write_request(struct fetch *fetch, struct client_request *ret, char *digits,
                          size_t digits_size)
{
    *ret = fetch->request;
    if (fetch->is_resuming)
        return fetch_resume_request(fetch, ret);
    struct http_field *fields = arena_alloc(fetch->arena, (ret->field_count + 1) * sizeof *fields);
    uint64_t now_us = fetch_now_us(fetch);
    uint64_t left_ms = fetch->deadline_us > now_us ? (fetch->deadline_us - now_us) / 1000 : 0;
    if (!fields)
        return false;
    bytes_copy(fields, ret->fields, ret->field_count * sizeof *fields);
    int size = snprintf(digits, digits_size, "%llu", (unsigned long long)left_ms);
    fields[ret->field_count++] =
        (struct http_field){TEXT("Sostenuto-Deadline-Ms"), text_make(digits, (size_t)size)};
    ret->fields = fields;
    return true;
}

bool fetch_try_begin(struct fetch *fetch, bool is_hedge)
{
    static const struct client_handler handler = {on_header, on_body, on_end, on_interim,
                                                  on_trailers};
    struct fetcher *fetcher = fetch->fetcher;
    struct fetch_try *try = &fetch->tries[is_hedge];
    struct client_request request;
    bool is_probe;
    char digits[24];
    uint64_t now_us = fetch_now_us(fetch);
    assert(!try->call);
    if (!write_request(fetch, &request, digits, sizeof digits))
        return refuse(fetch, FETCH_FULL, "the request is too large");
    size_t origin = origins_choose(fetcher->origins, fetch->tried, now_us, &is_probe);
    if (origin == ORIGIN_NONE) {
        counter_add(COUNTER_ORIGIN_REFUSED, 1);
        return refuse(fetch, FETCH_NO_ORIGIN, "the origin is taken for dead");
    }
    *try = (struct fetch_try){.fetch = fetch,
                              .origin = origin,
                              .started_us = now_us,
                              .is_probe = is_probe,
                              .is_hedge = is_hedge};
    try->call = client_ask(fetcher->pool[origin], &request, &handler, try);
    if (!try->call) {
        origins_gave_up(fetcher->origins, is_probe, origin, now_us);
        counter_add(COUNTER_ORIGIN_FULL, 1);
        return refuse(fetch, FETCH_FULL, "too many requests wait for the origin");
    }
    fetch->tried |= 1u << origin;
    fetch->sent++;
    counter_add(COUNTER_ORIGIN_REQUESTS, 1);
    return true;
}

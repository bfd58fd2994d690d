// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/fetch.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "edge/fetch_state.h"
#include "http/fields.h"
#include "io/loop.h"
#include "io/workers.h"

#include <assert.h>
#include <string.h>

enum {
    FETCH_ARENA_BYTES = 512 << 10, /* besides its body */
    ANY_HEADER_BYTES = 64 << 20,   /* where a drill wants no bound */
};

/* --- fetcher --- */

/* What a drill goes without. */
static void unbound(struct client_limits *limits)
{
    if (!guard_is_on(GUARD_ORIGIN_CONNECTIONS))
        limits->max_connections = UINT32_MAX;
    if (!guard_is_on(GUARD_ORIGIN_WAITING))
        limits->max_waiting = UINT32_MAX;
    if (!guard_is_on(GUARD_ORIGIN_TIMES))
        limits->connect_ms = limits->first_byte_ms = limits->idle_ms = UINT32_MAX;
    if (!guard_is_on(GUARD_ORIGIN_HEADERS)) {
        limits->max_header_bytes = ANY_HEADER_BYTES;
        limits->max_fields = ANY_HEADER_BYTES;
    }
}

static struct client_limits client_limits_of(const struct fetch_limits *limits)
{
    struct client_limits own = client_limits_default();
    own.max_connections = limits->origin_connections ? limits->origin_connections : 1;
    own.max_streams = limits->origin_streams;
    own.max_waiting = limits->origin_waiting;
    own.connect_ms = limits->origin_connect_ms;
    own.first_byte_ms = limits->origin_first_byte_ms;
    own.idle_ms = limits->origin_idle_ms;
    own.keep_ms = limits->origin_keep_ms;
    own.max_header_bytes = limits->origin_header_bytes;
    own.max_fields = limits->origin_header_fields;
    own.resolve_ms = limits->resolve_ms;
    unbound(&own);
    return own;
}

struct fetcher *fetcher_new(struct origins *origins, struct loop *loop, struct workers *resolvers,
                            char *why, size_t why_size)
{
    struct fetcher *fetcher = MEM_NEW(struct fetcher);
    struct client_limits limits = client_limits_of(origins_limits(origins));
    fetcher->origins = origins;
    fetcher->loop = loop;
    fetcher->client = origins_nodes(origins)
                          ? client_new_between_nodes(loop, origins_nodes(origins))
                          : client_new(loop, origins_ca_file(origins), why, why_size);
    if (!fetcher->client) {
        fetcher_free(&fetcher);
        return NULL;
    }
    for (size_t i = 0; i < origins_count(origins); i++) {
        fetcher->origin[i] =
            client_origin_named(fetcher->client, origins_url(origins, i), resolvers, &limits);
        assert(fetcher->origin[i]); /* origins_new() looked */
        fetcher->pool[i] = client_pool_new(fetcher->origin[i], NULL);
    }
    return fetcher;
}

void fetch_free(struct fetch *fetch)
{
    *fetch->at = fetch->next;
    if (fetch->next)
        fetch->next->at = fetch->at;
    if (fetch->fetcher->abandoned == fetch)
        fetch->fetcher->abandoned = NULL;
    digest_release(&fetch->digest);
    buffer_release(&fetch->held);
    arena_free(&fetch->arena);
    mem_free(fetch);
}

void fetcher_free(struct fetcher **fetcher)
{
    if (!*fetcher)
        return;
    while ((*fetcher)->first)
        fetch_cancel((*fetcher)->first);
    for (size_t i = 0; i < ORIGINS_MAX; i++) {
        client_pool_free(&(*fetcher)->pool[i]);
        client_origin_free(&(*fetcher)->origin[i]);
    }
    client_free(&(*fetcher)->client);
    mem_free_p(fetcher);
}

bool fetcher_is_idle(const struct fetcher *fetcher) { return !fetcher->first; }

/* --- its end --- */

const char *fetch_outcome_word(enum fetch_outcome outcome)
{
    static const char *const words[] = {
        [FETCH_DONE] = "done",
        [FETCH_NO_ORIGIN] = "no-origin",
        [FETCH_NO_ANSWER] = "no-answer",
        [FETCH_LATE] = "late",
        [FETCH_CUT] = "cut",
        [FETCH_WRONG] = "wrong-digest",
        [FETCH_FULL] = "full",
        [FETCH_NOT_IT] = "not-as-expected",
    };
    return words[outcome];
}

void fetch_halt(struct fetch *fetch)
{
    for (size_t i = 0; i < FETCH_TRIES_AT_ONCE; i++)
        fetch_try_drop(&fetch->tries[i]);
    loop_timer_stop(&fetch->deadline);
    loop_timer_stop(&fetch->slow);
    loop_timer_stop(&fetch->again);
    loop_timer_stop(&fetch->hedge);
}

void fetch_tell_end(struct fetch *fetch, enum fetch_outcome outcome, const char *why)
{
    struct fetch_end end = {.outcome = outcome,
                            .trailers = fetch->trailers,
                            .trailer_count = fetch->trailer_count,
                            .tries = fetch->sent,
                            .why = why};
    fetch_halt(fetch);
    if (outcome != FETCH_DONE)
        counter_add(COUNTER_FETCHES_FAILED, 1);
    fetch->handler->on_end(fetch, &end, fetch->context);
    fetch_free(fetch);
}

void fetch_end_soon(struct fetch *fetch, enum fetch_outcome outcome, const char *why)
{
    fetch_halt(fetch);
    fetch->is_ending = true;
    fetch->ending = outcome;
    fetch->why = why;
    loop_timer_start(fetch->fetcher->loop, &fetch->again, fetch_now_us(fetch));
}

void fetch_cancel(struct fetch *fetch)
{
    fetch_halt(fetch);
    if (fetch->is_telling)
        fetch->is_gone = true;
    else
        fetch_free(fetch);
}

/* --- abandoned --- */

static void on_abandoned_header(struct fetch *fetch, const struct http_response *response UNUSED,
                                void *context UNUSED)
{
    fetch_cancel(fetch);
}

static void on_abandoned_body(struct fetch *fetch UNUSED, struct text piece UNUSED,
                              void *context UNUSED)
{
}

static void on_abandoned_end(struct fetch *fetch UNUSED, const struct fetch_end *end UNUSED,
                             void *context UNUSED)
{
}

void fetch_abandon(struct fetch *fetch)
{
    static const struct fetch_handler nobody = {
        .on_header = on_abandoned_header, .on_body = on_abandoned_body, .on_end = on_abandoned_end};
    struct fetcher *fetcher = fetch->fetcher;
    if (fetcher->abandoned || fetch->has_header || fetch->is_ending || fetch->is_telling) {
        fetch_cancel(fetch);
        return;
    }
    fetcher->abandoned = fetch;
    fetch->handler = &nobody;
    fetch->expects = NULL;
    fetch->is_right = NULL;
    fetch->piece_bytes = 0;
    fetch->holds_bytes = 0;
    loop_timer_stop(&fetch->slow);
    loop_timer_stop(&fetch->hedge);
    loop_timer_start(fetcher->loop, &fetch->deadline,
                     fetch_now_us(fetch) +
                         origins_limits(fetcher->origins)->origin_connect_ms * UINT64_C(1000));
}

/* --- timers --- */

/* A deadline may be shorter than any origin could be held to; a silence of connect_ms is not. */
static void judge_silence(struct fetch *fetch, uint64_t now_us)
{
    struct origins *origins = fetch->fetcher->origins;
    uint64_t enough_us = origins_limits(origins)->origin_connect_ms * UINT64_C(1000);
    for (size_t i = 0; i < FETCH_TRIES_AT_ONCE; i++) {
        struct fetch_try *try = &fetch->tries[i];
        if (!try->call || now_us - try->started_us < enough_us)
            continue;
        origins_failed(origins, try->origin, try->started_us, now_us);
        try->is_probe = false;
    }
}

static void on_deadline(struct loop_timer *timer, uint64_t now_us)
{
    struct fetch *fetch = CONTAINER_OF(timer, struct fetch, deadline);
    counter_add(COUNTER_ORIGIN_TIMEOUTS, 1);
    judge_silence(fetch, now_us);
    fetch_tell_end(fetch, FETCH_LATE, "the origin did not answer in time");
}

static void on_slow(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct fetch *fetch = CONTAINER_OF(timer, struct fetch, slow);
    fetch->handler->on_slow(fetch, fetch->context);
}

static void on_again(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct fetch *fetch = CONTAINER_OF(timer, struct fetch, again);
    if (fetch->is_ending)
        fetch_tell_end(fetch, fetch->ending, fetch->why);
    else if (!fetch_try_begin(fetch, false))
        fetch_tell_end(fetch, fetch->ending, fetch->why);
}

static void on_hedge(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct fetch *fetch = CONTAINER_OF(timer, struct fetch, hedge);
    if (fetch->has_header || !fetch->tries[0].call || fetch->tries[1].call ||
        !origins_may_hedge(fetch->fetcher->origins))
        return;
    if (fetch_try_begin(fetch, true))
        counter_add(COUNTER_ORIGIN_HEDGES, 1);
}

/* --- its begin --- */

static bool is_read(enum http_method method)
{
    return method == HTTP_METHOD_GET || method == HTTP_METHOD_HEAD;
}

static bool copy_fields(struct fetch *fetch, const struct fetch_request *from)
{
    struct http_field *own = arena_alloc(fetch->arena, (from->field_count + 1) * sizeof *own);
    for (size_t i = 0; own && i < from->field_count; i++)
        own[i] = (struct http_field){arena_text(fetch->arena, from->fields[i].name),
                                     arena_text(fetch->arena, from->fields[i].value)};
    fetch->request.fields = own;
    fetch->request.field_count = from->field_count;
    return own != NULL;
}

/* False: it does not fit. */
static bool copy_request(struct fetch *fetch, const struct fetch_request *from)
{
    struct client_request *own = &fetch->request;
    own->method = http_method_of(from->method);
    own->method_name = arena_text(fetch->arena, from->method);
    own->target = arena_text(fetch->arena, from->target);
    own->host = from->host.size ? arena_text(fetch->arena, from->host) : TEXT_NONE;
    own->body = from->body.data ? arena_text(fetch->arena, from->body) : TEXT_NONE;
    return copy_fields(fetch, from) && !arena_overflowed(fetch->arena);
}

static struct fetch *new_fetch(struct fetcher *fetcher, const struct fetch_request *request,
                               const struct fetch_handler *handler, void *context)
{
    struct fetch *fetch = MEM_NEW(struct fetch);
    fetch->fetcher = fetcher;
    fetch->handler = handler;
    fetch->context = context;
    fetch->arena = arena_new(FETCH_ARENA_BYTES + request->body.size);
    fetch->is_background = request->is_background;
    fetch->expects = request->expects;
    fetch->is_right = request->is_right;
    fetch->right_context = request->right_context;
    fetch->piece_bytes = request->piece_bytes;
    fetch->whole_bytes = request->whole_bytes;
    fetch->holds_bytes = request->holds_bytes;
    if (request->expects && request->holds_bytes < EXPECT_BYTES)
        fetch->holds_bytes = EXPECT_BYTES;   /* an error page is small */
    buffer_init(&fetch->held, SIZE_MAX / 2); /* holds_bytes, or one piece */
    fetch->deadline.on_timer = on_deadline;
    fetch->slow.on_timer = on_slow;
    fetch->again.on_timer = on_again;
    fetch->hedge.on_timer = on_hedge;
    fetch->next = fetcher->first;
    fetch->at = &fetcher->first;
    if (fetch->next)
        fetch->next->at = &fetch->next;
    fetcher->first = fetch;
    return fetch;
}

static void start_timers(struct fetch *fetch, const struct fetch_request *request)
{
    struct loop *loop = fetch->fetcher->loop;
    uint64_t now_us = loop_now_us(loop), hedge_us = 0;
    uint32_t ms = request->deadline_ms
                      ? request->deadline_ms
                      : origins_limits(fetch->fetcher->origins)->origin_deadline_ms;
    if (!guard_is_on(GUARD_ORIGIN_TIMES))
        ms = UINT32_MAX;
    fetch->deadline_us = now_us + ms * UINT64_C(1000);
    loop_timer_start(loop, &fetch->deadline, fetch->deadline_us);
    if (request->patience_ms && fetch->handler->on_slow)
        loop_timer_start(loop, &fetch->slow, now_us + request->patience_ms * UINT64_C(1000));
    if (is_read(fetch->request.method) && !fetch->is_background)
        hedge_us = origins_hedge_delay_us(fetch->fetcher->origins);
    if (hedge_us)
        loop_timer_start(loop, &fetch->hedge, now_us + hedge_us);
}

struct fetch *fetch_start(struct fetcher *fetcher, const struct fetch_request *request,
                          const struct fetch_handler *handler, void *context)
{
    struct fetch *fetch = new_fetch(fetcher, request, handler, context);
    bool fits = copy_request(fetch, request);
    if (!http_is_token(request->method) || (fits && !client_request_is_sound(&fetch->request))) {
        fetch_free(fetch);
        return NULL;
    }
    counter_add(COUNTER_FETCHES, 1);
    origins_earn(fetcher->origins);
    start_timers(fetch, request);
    if (!fits)
        fetch_end_soon(fetch, FETCH_FULL, "the request is too large");
    else if (!fetch_try_begin(fetch, false))
        fetch_end_soon(fetch, fetch->ending, fetch->why);
    return fetch;
}

/* --- back-pressure --- */

void fetch_pause(struct fetch *fetch)
{
    fetch->is_paused = true;
    if (fetch->winner && fetch->winner->call)
        client_pause(fetch->winner->call);
}

void fetch_resume(struct fetch *fetch)
{
    fetch->is_paused = false;
    if (fetch->winner && fetch->winner->call)
        client_resume(fetch->winner->call);
}

size_t fetch_origin(const struct fetch *fetch) { return fetch->winner->origin; }

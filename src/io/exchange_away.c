// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/carrier.h"
#include "io/server_state.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/*
 * exchange_away: exchanges whose handler runs on another loop than their connection.
 *
 *   connection's loop ("own")                        handler's loop (home)
 *   exchange_go_home() ──────── on_home ───────────▶ handler
 *   on_answer: carrier->answer() ◀────────────────── FINISHES call, exchange_answer_ready()
 *   on_event: bytes, carrier->wake() ◀────────────── exchange_events_send()
 *   exchange_release() ─────── on_told ────────────▶ on_end, on_close
 *   on_drop: back to the pool ◀────────────────────┘
 *
 * The messages own the exchange in turn: from on_home to on_answer it is the handler's, and its own
 * loop touches `carrier`, `step` and `is_abandoned` only; then it is its own loop's, and a handler
 * of events touches `is_abandoned` and `unsent` only.  Messages of one sender arrive in order, so
 * nothing is on its way to an exchange that on_drop takes back.
 */

enum { HEARTBEAT_ROOM = 16 }; /* a heartbeat may stand in the stream's buffer too */

bool exchange_is_away(const struct exchange *exchange)
{
    return exchange->handler_loop != exchange->loop;
}

static void on_drop(void *context) { exchange_drop(context); }

/* --- to the handler --- */

static void on_home(void *context)
{
    struct exchange *exchange = context;
    if (!exchange->server)
        exchange_drop(exchange);
    else if (exchange_is_abandoned(exchange) && exchange->server->home->is_draining)
        loop_post(exchange->loop, on_drop, exchange); /* what it would need may be closed soon */
    else
        exchange->handler(exchange, exchange->handler_context);
}

void exchange_go_home(struct exchange *exchange, exchange_handler *handler, void *context)
{
    struct server *server = exchange->server;
    if (server == server->home) {
        handler(exchange, context);
        return;
    }
    if (guard_is_on(GUARD_AWAY) && server->away_count >= server->config.limits.max_away) {
        counter_add(COUNTER_AWAY_REFUSED, 1);
        exchange_field(exchange, "Retry-After", TEXT("1"));
        exchange_send_problem(exchange, 503, "Busy",
                              "Many are asking at once. Try again in a few seconds.");
        return;
    }
    counter_add(COUNTER_AWAY, 1);
    server->away_count++;
    exchange->is_counted_away = true;
    exchange->handler = handler;
    exchange->handler_context = context;
    exchange->handler_loop = server->home->loop;
    loop_post(exchange->handler_loop, on_home, exchange);
}

void exchange_is_back(struct exchange *exchange)
{
    if (exchange->is_counted_away && exchange->server)
        exchange->server->away_count--;
    exchange->is_counted_away = false;
}

/* --- and back, unanswered: the exchange is its own loop's again --- */

static void on_back(void *context)
{
    struct exchange *exchange = context;
    exchange_is_back(exchange);
    if (exchange->server)
        exchange->handler(exchange, exchange->handler_context);
    else
        exchange_drop(exchange);
}

void exchange_go_back(struct exchange *exchange, exchange_handler *handler, void *context)
{
    if (!exchange_is_away(exchange)) {
        handler(exchange, context);
        return;
    }
    exchange->handler = handler;
    exchange->handler_context = context;
    exchange->handler_loop = exchange->loop;
    loop_post(exchange->loop, on_back, exchange);
}

/* --- the answer --- */

static void on_answer(void *context)
{
    struct exchange *exchange = context;
    exchange_is_back(exchange);
    exchange_carry(exchange);
}

void exchange_hand_back(struct exchange *exchange)
{
    loop_post(exchange->loop, on_answer, exchange);
}

/* --- the end of a stream --- */

static void tell(struct exchange *exchange)
{
    const struct answer_stream *stream = &exchange->answer.stream;
    exchange->is_told = true;
    if (stream->on_end)
        stream->on_end(stream->context, stream->error);
    if (stream->on_close)
        stream->on_close(stream->context);
}

static void on_told(void *context)
{
    struct exchange *exchange = context;
    if (!exchange->is_told)
        tell(exchange);
    if (exchange_is_away(exchange))
        loop_post(exchange->loop, on_drop, exchange);
    else
        exchange_drop(exchange);
}

void exchange_tell_handler(struct exchange *exchange, int error)
{
    struct answer_stream *stream = &exchange->answer.stream;
    loop_watch_remove(&stream->pipe);
    loop_timer_stop(&stream->heartbeat);
    stream->error = error;
    loop_post(exchange->handler_loop, on_told, exchange);
}

/* --- events --- */

struct event_bytes {
    struct exchange *exchange;
    size_t size; /* SIZE_MAX: the end */
    char bytes[];
};

static void on_event(void *context)
{
    struct event_bytes *event = context;
    struct exchange *exchange = event->exchange;
    struct answer_stream *stream = &exchange->answer.stream;
    if (exchange->carrier && !stream->has_ended) {
        if (event->size == SIZE_MAX) {
            stream->has_ended = true;
        } else {
            buffer_append(&stream->bytes, event->bytes, event->size);
            stream->arrived += event->size;
            assert(!stream->bytes.overflowed);
        }
        exchange->carrier->wake(exchange);
    }
    mem_free(event);
}

static void post_event(struct exchange *exchange, const char *bytes, size_t size)
{
    size_t copied = size == SIZE_MAX ? 0 : size;
    struct event_bytes *event = mem_alloc(sizeof *event + copied);
    event->exchange = exchange;
    event->size = size;
    bytes_copy(event->bytes, bytes, copied);
    loop_post(exchange->loop, on_event, event);
}

bool exchange_post_event(struct exchange *exchange, struct text bytes)
{
    struct answer_stream *stream = &exchange->answer.stream;
    if (exchange_is_abandoned(exchange) ||
        atomic_load(&stream->unsent) + bytes.size > EXCHANGE_STREAM_MAX_BYTES - HEARTBEAT_ROOM)
        return false;
    atomic_fetch_add(&stream->unsent, bytes.size);
    post_event(exchange, bytes.data, bytes.size);
    return true;
}

void exchange_post_events_end(struct exchange *exchange) { post_event(exchange, NULL, SIZE_MAX); }

/* --- without a server --- */

/*
 * Handlers may still hold exchanges, messages to the home loop may still carry some: all live on
 * until then.  Answers whose end is on its way to the handler end here and now: what is after the
 * server may be gone when the message is read.
 */
static void orphan(struct server *server, struct exchange *exchange)
{
    if (exchange->step == EXCHANGE_ANSWERING)
        tell(exchange);
    exchange->loop = exchange->handler_loop = server->home->loop;
    exchange->server = NULL;
}

void exchanges_orphan(struct server *server)
{
    for (struct exchange *exchange = server->live, *next; exchange; exchange = next) {
        next = exchange->next;
        orphan(server, exchange);
    }
    for (struct exchange *exchange = server->spare, *next; exchange; exchange = next) {
        next = exchange->next;
        exchange->server = NULL;
        exchange_drop(exchange);
    }
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "io/client_state.h"
#include "io/h2_client.h"

#include <assert.h>
#include <errno.h>

/*
 * client_connection: one connection to an origin, from its birth in a pool to its end: the request
 * out, pauses, time-outs, and which step the next event is for.  Who is connected to is
 * client_dial.c's; what comes back, client_answer.c's.
 *
 *              ┌── plain ─────────────────┐
 *   CONNECTING ┴─ TLS ─▶ HANDSHAKE ───────┴▶ SENDING ──▶ HEADER ──▶ BODY ──▶ KEPT ──▶ SENDING …
 *       │                    │                  │ (early answer) ▲    │        │
 *       └────────────────────┴──────────────────┴────────────────┴────┴────────┴──▶ GONE
 *
 * A handshake that chose HTTP/2 leads to STREAMS instead, and to client_streams.c.
 * Whatever fails tells its call once and is GONE.  A callback may cancel the call or free the pool:
 * after each one we look whether the connection still has the call that it had.
 */
static void on_events(struct loop_watch *watch, unsigned events, uint64_t now_us);
static void on_timer(struct loop_timer *timer, uint64_t now_us);

/* --- life --- */

void client_connection_arm(struct client_connection *connection, uint64_t at_us)
{
    connection->armed_us = at_us;
    loop_timer_start(connection->client->loop, &connection->timer, at_us);
}

void client_connection_fail_soon(struct client_connection *connection, enum client_outcome why)
{
    connection->is_failed = true;
    connection->why = (uint8_t)why;
    client_connection_wait(connection, 0);
}

struct client_connection *client_connection_new(struct client_pool *pool)
{
    struct client_connection *connection = MEM_NEW(struct client_connection);
    connection->client = pool->origin->client;
    connection->pool = pool;
    connection->next = pool->connections;
    pool->connections = connection;
    pool->connection_count++;
    connection->client->counts.connections++;
    connection->client->counts.connects++;
    connection->step = CLIENT_CONNECTING;
    connection->timer.on_timer = on_timer;
    connection->watch.on_events = on_events;
    client_dial_open(connection, pool->origin->preferred);
    buffer_init(&connection->head, pool->origin->limits.max_header_bytes + CLIENT_SCRATCH_BYTES);
    return connection;
}

static void leave_pool(struct client_connection *connection)
{
    struct client_connection **at = &connection->pool->connections;
    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    connection->pool->connection_count--;
    connection->pool = NULL;
}

void client_connection_close(struct client_connection *connection)
{
    assert(connection->step != CLIENT_GONE);
    h2_client_free(&connection->h2);
    loop_watch_remove(&connection->watch);
    loop_timer_stop(&connection->timer);
    stream_close(&connection->stream);
    leave_pool(connection);
    connection->client->counts.connections--;
    connection->step = CLIENT_GONE;
    if (connection->call)
        connection->call->connection = NULL;
    connection->call = NULL;
    buffer_release(&connection->head);
    if (!connection->is_busy)
        mem_free(connection);
}

void client_connection_fail(struct client_connection *connection, enum client_outcome why)
{
    struct client_call *call = connection->call;
    struct client_pool *pool = connection->pool;
    if (connection->step == CLIENT_STREAMS) {
        client_streams_lose(connection, why);
        return;
    }
    bool repeats = call && connection->is_reused && !connection->has_bytes && call->may_repeat &&
                   connection->step != CLIENT_KEPT && (why == CLIENT_RESET);
    if (call && connection->step <= CLIENT_HANDSHAKE)
        connection->client->counts.connects_failed++;
    if (connection->step <= CLIENT_HANDSHAKE) /* who waits finds out side by side */
        pool->origin->shares_connecting = false;
    client_connection_close(connection);
    if (repeats)
        client_call_wait_again(call);
    client_pool_pump(pool);
    if (call && !repeats)
        client_call_end(call, why);
}

/* --- sending --- */

void client_connection_want(struct client_connection *connection, unsigned wanted)
{
    if (connection->stream.wants_other_way)
        wanted |= LOOP_READ | LOOP_WRITE;
    loop_watch_set(&connection->watch, wanted);
}

/* 0 all sent or must wait; else -errno. */
static int send_more(struct client_connection *connection)
{
    struct client_call *call = connection->call;
    while (connection->sent < call->wire_size) {
        struct iovec run = {call->wire + connection->sent, call->wire_size - connection->sent};
        ssize_t put = stream_write(&connection->stream, &run, 1, false);
        if (put == -EAGAIN) {
            client_connection_want(connection, LOOP_READ | LOOP_WRITE);
            return 0;
        }
        if (put < 0)
            return (int)put;
        connection->sent += (size_t)put;
        client_connection_wait(connection, client_limits_of(connection)->first_byte_ms);
    }
    if (connection->step == CLIENT_SENDING)
        connection->step = CLIENT_HEADER;
    if (!call->is_paused)
        client_connection_want(connection, LOOP_READ);
    return 0;
}

int client_connection_send(struct client_connection *connection)
{
    connection->step = CLIENT_SENDING;
    connection->sent = 0;
    connection->has_bytes = connection->stays = false;
    http_parser_init(&connection->parser);
    client_connection_wait(connection, client_limits_of(connection)->first_byte_ms);
    return send_more(connection);
}

void client_connection_begin(struct client_connection *connection, struct client_call *call)
{
    connection->call = call;
    if (connection->step == CLIENT_KEPT) {
        connection->is_reused = true;
        if (client_connection_send(connection) < 0)
            client_connection_fail_soon(connection, CLIENT_RESET);
        return;
    }
    client_dial_begin(connection);
}

/* --- pauses --- */

void client_connection_hold(struct client_connection *connection)
{
    if (connection->step == CLIENT_BODY || connection->step == CLIENT_HEADER)
        loop_watch_set(&connection->watch, 0);
}

void client_connection_read_on(struct client_connection *connection)
{
    if (connection->step != CLIENT_BODY && connection->step != CLIENT_HEADER)
        return;
    client_connection_wait(connection, client_limits_of(connection)->idle_ms);
    if (connection->is_watched_no_more) {
        connection->is_watched_no_more = false;
        connection->watch.wanted = LOOP_READ;
        int failed = loop_watch_add(connection->client->loop, &connection->watch);
        if (failed)
            client_connection_fail_soon(connection, CLIENT_TRUNCATED);
        return;
    }
    loop_watch_set(&connection->watch, LOOP_READ);
    if (stream_has_buffered(&connection->stream) && !connection->is_busy) {
        connection->due_us = 0; /* the timer reads what no event announces */
        client_connection_arm(connection, 1);
    }
}

/* --- events --- */

static void step_on(struct client_connection *connection, unsigned events)
{
    switch ((enum client_step)connection->step) {
    case CLIENT_CONNECTING:
    case CLIENT_HANDSHAKE:
        client_dial_go_on(connection);
        break;
    case CLIENT_SENDING:
        if (send_more(connection) < 0 && !(events & LOOP_READ)) {
            client_connection_fail(connection, CLIENT_RESET);
            break;
        }
        if (events & (LOOP_READ | LOOP_HANGUP))
            client_answer_read(connection);
        break;
    case CLIENT_HEADER:
    case CLIENT_BODY:
        client_answer_read(connection);
        break;
    case CLIENT_KEPT: /* its end, or bytes that nobody asked for */
        connection->client->counts.hangups++;
        client_connection_close(connection);
        break;
    case CLIENT_STREAMS:
        client_streams_on_events(connection, events);
        break;
    case CLIENT_GONE:
        break;
    }
}

static bool is_paused(const struct client_connection *connection)
{
    return connection->call && connection->call->is_paused && connection->step >= CLIENT_HEADER;
}

/* Runs one step with the connection kept in memory. */
static void guarded(struct client_connection *connection, unsigned events)
{
    connection->is_busy = true;
    step_on(connection, events);
    connection->is_busy = false;
    if (connection->step == CLIENT_STREAMS)
        client_streams_flush(connection);
    if (connection->step == CLIENT_GONE)
        mem_free(connection);
}

static void on_events(struct loop_watch *watch, unsigned events, uint64_t now_us UNUSED)
{
    struct client_connection *connection = CONTAINER_OF(watch, struct client_connection, watch);
    if (connection->is_failed)
        return; /* the timer is about to tell */
    if (!is_paused(connection)) {
        guarded(connection, events);
    } else if (events & LOOP_HANGUP) { /* would come each turn until somebody reads */
        connection->is_watched_no_more = true;
        loop_watch_remove(watch);
        watch->wanted = 0;
    } else {
        loop_watch_set(watch, 0);
    }
}

static void time_out(struct client_connection *connection, uint64_t now_us)
{
    if (connection->is_failed)
        client_connection_fail(connection, (enum client_outcome)connection->why);
    else if (connection->step == CLIENT_STREAMS)
        client_streams_on_time(connection, now_us);
    else if (is_paused(connection))
        return; /* client_resume() starts the clock again */
    else if (connection->due_us > now_us)
        client_connection_arm(connection, connection->due_us);
    else if (connection->due_us == 0)
        client_answer_read(connection);
    else if (connection->step == CLIENT_CONNECTING)
        client_dial_elsewhere(connection, CLIENT_TIMEOUT);
    else if (connection->step == CLIENT_KEPT)
        client_connection_close(connection);
    else
        client_connection_fail(connection, CLIENT_TIMEOUT);
}

static void on_timer(struct loop_timer *timer, uint64_t now_us)
{
    struct client_connection *connection = CONTAINER_OF(timer, struct client_connection, timer);
    connection->armed_us = 0;
    connection->is_busy = true;
    time_out(connection, now_us);
    connection->is_busy = false;
    if (connection->step == CLIENT_STREAMS)
        client_streams_flush(connection);
    if (connection->step == CLIENT_GONE)
        mem_free(connection);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "io/h2_state.h"

/*
 * h2_bounds: how many frames, how much memory and how much patience one HTTP/2 connection gets.
 * Every bound is a key of io/server.def, a guard, and a counter.
 */
enum {
    FLOOD_PERIOD_US = 10 * 1000 * 1000,
    LAST_WORD_US = 1000 * 1000, /* for the PING of a connection that leaves */
    LINGER_US = 2 * 1000 * 1000,
};

/* --- frames --- */

static uint32_t flood_limit(const struct server_limits *limits, enum h2_flood flood)
{
    switch (flood) {
#define FLOOD(id, limit, help) \
    case H2_FLOOD_##id:        \
        return guard_is_on(GUARD_H2_##id) ? limits->limit : UINT32_MAX;
#include "io/h2_floods.def"
#undef FLOOD
    default:
        return 0;
    }
}

static const enum counter flood_counters[] = {
#define FLOOD(id, limit, help) COUNTER_H2_##id,
#include "io/h2_floods.def"
#undef FLOOD
};

void h2_count_frame(struct h2_connection *connection, enum h2_flood flood)
{
    uint64_t now_us = h2_now_us(connection);
    if (now_us - connection->flood_at_us >= FLOOD_PERIOD_US) {
        connection->flood_at_us = now_us;
        for (size_t i = 0; i < H2_FLOOD_COUNT; i++)
            connection->floods[i] = 0;
    }
    uint32_t limit = flood_limit(&connection->server->config.limits, flood);
    if (connection->floods[flood]++ != limit)
        return;
    counter_add(flood_counters[flood], 1);
    h2_calm(connection);
}

/* --- memory --- */

void h2_hold(struct h2_stream *stream, size_t bytes)
{
    stream->connection->held_bytes += bytes - stream->held_bytes;
    stream->held_bytes = bytes;
}

bool h2_holds_too_much(const struct h2_connection *connection)
{
    return guard_is_on(GUARD_H2_HELD_BYTES) &&
           connection->held_bytes > connection->server->config.limits.h2_max_held_bytes;
}

/* --- patience --- */

static uint64_t us(uint32_t ms) { return (uint64_t)ms * 1000; }

static bool has_waited(const struct h2_connection *connection, uint64_t since_us, uint32_t ms)
{
    return h2_now_us(connection) - since_us >= us(ms);
}

/* The socket took nothing for a whole send_timeout_ms; perhaps the client takes what the kernel
 * has. */
static bool is_alive(struct h2_connection *connection)
{
    size_t unsent = stream_unsent(&connection->stream);
    bool has_moved = unsent < connection->unsent;
    connection->unsent = unsent;
    if (has_moved)
        connection->since_us = h2_now_us(connection);
    return has_moved;
}

static bool has_no_window(const struct h2_stream *stream)
{
    return stream->send_window <= 0 || stream->connection->send_window <= 0;
}

static void check_stream(struct h2_stream *stream)
{
    struct h2_connection *connection = stream->connection;
    const struct server_limits *limits = &connection->server->config.limits;
    if (!stream->has_header) {
        if (has_waited(connection, stream->since_us, limits->header_timeout_ms) &&
            guard_is_on(GUARD_HEADER_TIMEOUT))
            h2_calm(connection); /* within a header nothing else may be sent */
    } else if (stream->exchange->step == EXCHANGE_READING && !stream->is_ready) {
        if (!has_waited(connection, stream->since_us, limits->body_timeout_ms) ||
            !guard_is_on(GUARD_BODY_RATE))
            return;
        counter_add(COUNTER_H2_STREAMS_TIMED_OUT, 1);
        h2_refuse(stream, 408, "The request did not arrive in time.");
    } else if (stream->has_answered && !stream->is_deferred && guard_is_on(GUARD_H2_STALLS) &&
               has_waited(connection, stream->since_us, limits->send_timeout_ms) &&
               has_no_window(stream)) {
        counter_add(COUNTER_H2_STREAMS_TIMED_OUT, 1);
        h2_reset(stream, H2_CANCEL);
    }
}

static bool check_idle(struct h2_connection *connection)
{
    const struct server_limits *limits = &connection->server->config.limits;
    if (!connection->has_settings)
        return !has_waited(connection, connection->idle_us, limits->header_timeout_ms) ||
               !guard_is_on(GUARD_HEADER_TIMEOUT);
    if (guard_is_on(GUARD_H2_IDLE) &&
        has_waited(connection, connection->idle_us, limits->idle_timeout_ms)) {
        counter_add(COUNTER_H2_IDLE, 1);
        h2_terminate(connection, H2_NO_ERROR);
    }
    return true;
}

bool h2_check_patience(struct h2_connection *connection)
{
    const struct server_limits *limits = &connection->server->config.limits;
    if (connection->is_lingering)
        return h2_now_us(connection) - connection->since_us < LINGER_US;
    if (connection->is_leaving && h2_now_us(connection) - connection->leave_at_us >= LAST_WORD_US)
        h2_say_last(connection);
    if (connection->is_blocked)
        return !has_waited(connection, connection->since_us, limits->send_timeout_ms) ||
               !guard_is_on(GUARD_SEND_RATE) || is_alive(connection);
    for (struct h2_stream *stream = connection->streams, *next; stream; stream = next) {
        next = stream->next;
        check_stream(stream);
    }
    return connection->stream_count > 0 || check_idle(connection);
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/*
 * Moving it later costs nothing: it looks when it fires.  While streams are open it fires four
 * times in the shortest time-out, so what waits is found at most a quarter late.
 */
void h2_set_timer(struct h2_connection *connection)
{
    const struct server_limits *limits = &connection->server->config.limits;
    uint64_t now_us = h2_now_us(connection), at_us;
    uint64_t shortest_us = least(us(limits->header_timeout_ms),
                                 least(us(limits->body_timeout_ms), us(limits->send_timeout_ms)));
    if (connection->is_lingering)
        at_us = connection->since_us + LINGER_US;
    else if (connection->is_blocked || connection->stream_count > 0 || !connection->has_settings)
        at_us = now_us + shortest_us / 4;
    else
        at_us = connection->idle_us + us(limits->idle_timeout_ms);
    if (connection->is_leaving && !connection->has_said_last)
        at_us = least(at_us, connection->leave_at_us + LAST_WORD_US);
    at_us = at_us > now_us ? at_us : now_us + 1;
    if (!connection->timer._position || at_us < connection->timer._at_us)
        loop_timer_start(connection->server->loop, &connection->timer, at_us);
}

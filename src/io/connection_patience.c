// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "io/connection_state.h"

/*
 * connection_patience: how long what an HTTP/1 connection waits for may take, what becomes of it
 * then, and which connection gives way when others want its place.
 *
 * Each wait has a queue of its own on the server (server_state.h), all of one length.  Bodies and
 * answers have no end by which they must be through: they are looked at in even steps, and go on as
 * long as enough of them moves.
 */
enum {
    LINGER_MS = 2000,
    SEND_LOOK_MAX_MS = 15 * 1000,
    MAKE_WAY_AFTER_US = 1000 * 1000,
    TRICKLES_MAX = 3, /* a receiver with a small window answers 1 byte/s by one in minutes */
};

/* --- whether enough moves --- */

/* What the client's kernel has acknowledged.  Bytes of earlier answers make it less by as much each
 * time; TLS adds a thousandth. */
static int64_t taken_of(const struct connection *connection)
{
    return (int64_t)connection->progress->put - (int64_t)stream_unsent(&connection->stream);
}

/* Looks are made at an even pace from the first time an answer is blocked, not from the last: a
 * client that lets us write a little now and then is looked at all the same. */
enum step_result connection_wait_to_write(struct connection *connection)
{
    connection->is_blocked = true;
    if (!deadline_is_in(&connection_server(connection)->waits[SERVER_WAIT_SEND],
                        &connection->deadline)) {
        connection->progress->taken = taken_of(connection);
        connection_wait(connection, SERVER_WAIT_SEND);
    }
    return STEP_WAITS;
}

static bool is_enough(int64_t gained, uint64_t look_us, const struct server_limits *limits)
{
    return gained > 0 && (uint64_t)gained * 1000000 >= limits->min_send_rate * look_us;
}

/*
 * A line may be slow and a player may be paused with its buffer full: both live.  A client that
 * takes just enough to look alive does not.  Taking nothing it gets pause_timeout_ms; taking a
 * little again and again, never min_send_rate in one look, it gets send_timeout_ms.  One good look
 * forgives all, and a player that goes on after a pause may begin with a small one.
 */
static bool keeps_taking(struct connection *connection)
{
    struct connection_progress *progress = connection->progress;
    const struct server *server = connection_server(connection);
    const struct server_limits *limits = &server->config.limits;
    uint64_t look_us = server->waits[SERVER_WAIT_SEND].wait_us;
    int64_t taken = taken_of(connection), gained = taken - progress->taken;
    bool is_good = is_enough(gained, look_us, limits);
    progress->taken = taken;
    progress->stalled_us = is_good ? 0 : progress->stalled_us + look_us;
    progress->trickles = is_good ? 0 : progress->trickles + (gained > 0);
    bool is_trickling = progress->trickles >= TRICKLES_MAX &&
                        progress->stalled_us >= (uint64_t)limits->send_timeout_ms * 1000;
    bool is_paused = progress->stalled_us >= (uint64_t)limits->pause_timeout_ms * 1000;
    if ((is_trickling || is_paused) && guard_is_on(GUARD_SEND_RATE)) {
        counter_add(COUNTER_CONNECTIONS_TOO_SLOW, is_trickling);
        return false;
    }
    return true;
}

/* A long body on a slow line comes in its own time, so long as it comes. */
static bool keeps_bringing(struct connection *connection)
{
    const struct server *server = connection_server(connection);
    const struct server_limits *limits = &server->config.limits;
    size_t size = connection->exchange->body.size;
    uint64_t brought = size - connection->progress->body_before;
    if (brought < (uint64_t)limits->min_body_rate * limits->body_timeout_ms / 1000 &&
        guard_is_on(GUARD_BODY_RATE)) {
        counter_add(COUNTER_CONNECTIONS_TOO_SLOW, 1);
        return false;
    }
    connection->progress->body_before = size;
    return true;
}

/* --- whether it is over --- */

static bool is_writing(const struct connection *connection)
{
    return connection->step == STEP_ANSWER || connection_has_batch(connection);
}

static enum server_wait waited_for(const struct connection *connection)
{
    if (is_writing(connection))
        return SERVER_WAIT_SEND;
    switch (connection->step) {
    case STEP_TURN:
        return SERVER_WAIT_TURN;
    case STEP_HANDSHAKE:
        return SERVER_WAIT_HANDSHAKE;
    case STEP_HEADER:
        return connection_has_input(connection) || connection->request_count == 0
                   ? SERVER_WAIT_HEADER
                   : SERVER_WAIT_IDLE;
    case STEP_BODY:
        return SERVER_WAIT_BODY;
    case STEP_LINGER:
        return SERVER_WAIT_LINGER;
    default:
        return SERVER_WAIT_HEADER;
    }
}

/* Whether that was too long, or goes on. */
static bool is_over(struct connection *connection, enum server_wait wait)
{
    switch (wait) {
    case SERVER_WAIT_TURN:
    case SERVER_WAIT_HANDSHAKE:
        return guard_is_on(GUARD_HANDSHAKE_TIMEOUT);
    case SERVER_WAIT_HEADER:
        return guard_is_on(GUARD_HEADER_TIMEOUT);
    case SERVER_WAIT_IDLE:
        return guard_is_on(GUARD_IDLE_TIMEOUT);
    case SERVER_WAIT_BODY:
        return !keeps_bringing(connection);
    case SERVER_WAIT_SEND:
        return !keeps_taking(connection);
    default:
        return true;
    }
}

static void answer_timeout(struct connection *connection)
{
    connection->is_running = true; /* the answer is sent below, not inside */
    connection_refuse(connection, 408, "The request did not arrive in time.");
    connection->is_running = false;
    connection_run(connection);
}

static void on_deadline(struct deadline *deadline, uint64_t at_us UNUSED)
{
    struct connection *connection = CONTAINER_OF(deadline, struct connection, deadline);
    enum server_wait wait = waited_for(connection);
    bool has_come = connection->step == STEP_HEADER && connection_has_input(connection);
    if (!is_over(connection, wait)) {
        connection_wait(connection, wait);
        return;
    }
    counter_add(COUNTER_CONNECTIONS_IDLE, wait == SERVER_WAIT_IDLE);
    if (wait == SERVER_WAIT_IDLE || wait == SERVER_WAIT_LINGER ||
        (wait == SERVER_WAIT_HEADER && connection->step == STEP_HEADER && !has_come)) {
        connection_abort(connection); /* nothing was asked, so nothing is said */
        return;
    }
    counter_add(COUNTER_CONNECTIONS_TIMED_OUT, 1);
    counter_add(COUNTER_TLS_HANDSHAKES_TIMED_OUT,
                wait == SERVER_WAIT_TURN || wait == SERVER_WAIT_HANDSHAKE);
    if (has_come || wait == SERVER_WAIT_BODY)
        answer_timeout(connection);
    else
        connection_reset(connection);
}

/* --- room for others --- */

bool connections_make_way(struct server *server)
{
    static const enum server_wait waits[] = {SERVER_WAIT_HEADER, SERVER_WAIT_IDLE};
    uint64_t now_us = loop_now_us(server->loop);
    for (size_t i = 0; i < ARRAY_SIZE(waits) && guard_is_on(GUARD_MAKE_WAY); i++) {
        const struct deadline_queue *queue = &server->waits[waits[i]];
        if (!queue->first || queue->first->at_us - queue->wait_us + MAKE_WAY_AFTER_US > now_us)
            continue;
        counter_add(COUNTER_CONNECTIONS_GAVE_WAY, 1);
        connection_abort(CONTAINER_OF(queue->first, struct connection, deadline));
        return true;
    }
    return false;
}

/* --- beginning --- */

/* A blocked answer is looked at several times within its time-outs, so that these are told apart.
 */
static uint32_t send_look_ms(const struct server_limits *limits)
{
    uint32_t least_ms = limits->send_timeout_ms < limits->pause_timeout_ms
                            ? limits->send_timeout_ms
                            : limits->pause_timeout_ms;
    return least_ms / 4 < SEND_LOOK_MAX_MS ? least_ms / 4 + 1 : SEND_LOOK_MAX_MS;
}

void connections_init_patience(struct server *server)
{
    const struct server_limits *limits = &server->config.limits;
    const uint32_t waits_ms[SERVER_WAIT_COUNT] = {
        [SERVER_WAIT_TURN] = limits->handshake_timeout_ms,
        [SERVER_WAIT_HANDSHAKE] = limits->handshake_timeout_ms,
        [SERVER_WAIT_HEADER] = limits->header_timeout_ms,
        [SERVER_WAIT_BODY] = limits->body_timeout_ms,
        [SERVER_WAIT_IDLE] = limits->idle_timeout_ms,
        [SERVER_WAIT_SEND] = send_look_ms(limits),
        [SERVER_WAIT_LINGER] = LINGER_MS,
    };
    for (size_t i = 0; i < SERVER_WAIT_COUNT; i++)
        deadline_queue_init(&server->waits[i], server->loop, (uint64_t)waits_ms[i] * 1000,
                            on_deadline);
}

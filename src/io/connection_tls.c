// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "io/clock.h"
#include "io/connection_state.h"
#include "io/tls_state.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

/*
 * connection_tls: whether a connection speaks TLS, whose turn it is, and the handshake.
 *
 * A full handshake costs as much as some thirty requests, and who asks for it has paid nothing.  So
 * handshakes have a budget of the loop's time and a number of places:
 *
 *   SNIFF ─ 22 ─▶ room and budget? ── yes ──▶ HANDSHAKE ──▶ HEADER
 *                  │ no: in order                ▲
 *                  ▼                             │ on_turn()
 *                 TURN (max_handshakes_waiting) ─┘          beyond that: closed
 *
 * Who waits stands in the deadline queue of SERVER_WAIT_TURN, which is in the order of arrival, and
 * is not read from.  When every place is taken by peers that keep us waiting, the one that has for
 * longest gives way after PATIENCE_US: who opens and falls silent cannot lock others out.
 */
enum { PATIENCE_US = 3 * 1000 * 1000 };

/* --- whose turn --- */

static bool may_begin(struct server *server)
{
    const struct server_limits *limits = &server->config.limits;
    struct handshakes *handshakes = &server->handshakes;
    if (!guard_is_on(GUARD_HANDSHAKE_BUDGET))
        return true;
    return handshakes->running < limits->max_handshakes &&
           budget_has(&handshakes->budget, loop_now_us(server->loop));
}

static void begin(struct connection *connection)
{
    struct server *server = connection_server(connection);
    stream_start_tls(&connection->stream, connection->listener->tls);
    connection->step = STEP_HANDSHAKE;
    connection_wait(connection, SERVER_WAIT_HANDSHAKE);
    server->handshakes.running++;
}

/* When the first of those who wait can be helped. */
static uint64_t next_turn_us(const struct server *server)
{
    const struct handshakes *handshakes = &server->handshakes;
    const struct deadline_queue *running = &server->waits[SERVER_WAIT_HANDSHAKE];
    uint64_t ready_us = budget_ready_at_us(&handshakes->budget);
    if (handshakes->running < server->config.limits.max_handshakes || !running->first)
        return ready_us;
    uint64_t gives_way_us = running->first->at_us - running->wait_us + PATIENCE_US;
    return gives_way_us > ready_us ? gives_way_us : ready_us;
}

static void plan_turn(struct server *server)
{
    if (server->handshakes.waiting > 0)
        loop_timer_start(server->loop, &server->handshakes.turn, next_turn_us(server));
}

static void make_room(struct server *server, uint64_t now_us)
{
    const struct deadline_queue *running = &server->waits[SERVER_WAIT_HANDSHAKE];
    struct deadline *oldest = running->first;
    if (server->handshakes.running < server->config.limits.max_handshakes || !oldest ||
        oldest->at_us - running->wait_us + PATIENCE_US > now_us)
        return;
    counter_add(COUNTER_TLS_HANDSHAKES_FAILED, 1);
    connection_abort(CONTAINER_OF(oldest, struct connection, deadline));
}

/* Nobody was reading from it, so nobody noticed: a handshake with it would be for nothing. */
static bool has_left(const struct connection *connection)
{
    struct pollfd peer = {.fd = connection->stream.fd, .events = POLLRDHUP};
    return poll(&peer, 1, 0) == 1;
}

void connections_on_turn(struct loop_timer *timer, uint64_t now_us)
{
    struct server *server = CONTAINER_OF(timer, struct server, handshakes.turn);
    make_room(server, now_us);
    while (server->handshakes.waiting > 0 && may_begin(server)) {
        struct deadline *first = server->waits[SERVER_WAIT_TURN].first;
        struct connection *connection = CONTAINER_OF(first, struct connection, deadline);
        if (has_left(connection)) {
            connection_abort(connection);
            continue;
        }
        server->handshakes.waiting--;
        begin(connection);
        connection_run(connection);
        make_room(server, now_us);
    }
    plan_turn(server);
}

static enum step_result ask_for_turn(struct connection *connection)
{
    struct server *server = connection_server(connection);
    struct handshakes *handshakes = &server->handshakes;
    if (handshakes->waiting == 0 && may_begin(server)) {
        begin(connection);
        return STEP_GOES_ON;
    }
    if (handshakes->waiting >= server->config.limits.max_handshakes_waiting) {
        counter_add(COUNTER_TLS_HANDSHAKES_REFUSED, 1);
        return STEP_CLOSES;
    }
    counter_add(COUNTER_TLS_HANDSHAKES_DELAYED, 1);
    handshakes->waiting++;
    connection->step = STEP_TURN;
    connection_wait(connection, SERVER_WAIT_TURN);
    plan_turn(server);
    return STEP_WAITS;
}

void connection_leave_handshake(struct connection *connection)
{
    struct handshakes *handshakes = &connection_server(connection)->handshakes;
    if (connection->step == STEP_TURN)
        handshakes->waiting--;
    if (connection->step == STEP_HANDSHAKE) {
        handshakes->running--;
        plan_turn(connection_server(connection));
    }
}

/* --- the steps --- */

/* 22 starts a TLS handshake record (RFC 8446 5.1) and no HTTP method. */
enum step_result connection_step_sniff(struct connection *connection)
{
    uint8_t first;
    ssize_t got = recv(connection->stream.fd, &first, 1, MSG_PEEK);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return STEP_WAITS;
    if (got <= 0)
        return STEP_CLOSES;
    if (first == 22)
        return ask_for_turn(connection);
    if (server_tls_nodes(connection->listener->tls))
        return STEP_CLOSES;
    connection->step = STEP_HEADER;
    return STEP_GOES_ON;
}

enum step_result connection_step_turn(struct connection *connection UNUSED) { return STEP_WAITS; }

enum step_result connection_step_handshake(struct connection *connection)
{
    uint64_t begun_us = clock_thread_us();
    int error = stream_handshake(&connection->stream);
    uint64_t spent_us = clock_thread_us() - begun_us;
    budget_charge(&connection_server(connection)->handshakes.budget, spent_us);
    counter_add(COUNTER_TLS_HANDSHAKE_CPU, (int64_t)spent_us);
    if (error == -EAGAIN)
        return STEP_WAITS;
    if (error) {
        counter_add(COUNTER_TLS_HANDSHAKES_FAILED, 1);
        return STEP_CLOSES;
    }
    counter_add(COUNTER_TLS_HANDSHAKES, 1);
    connection_leave_handshake(connection);
    if (stream_chose_h2(&connection->stream))
        return STEP_BECOMES_H2;
    connection->step = STEP_HEADER;
    connection_wait(connection, SERVER_WAIT_HEADER);
    return STEP_GOES_ON;
}

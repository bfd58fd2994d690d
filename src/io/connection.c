// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/connection_state.h"
#include "io/h2.h"
#include "io/handover_message.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * connection: one HTTP/1 connection, from accept to close: its life, and what drives its steps.
 * The steps before the first request are in connection_enter.c and connection_tls.c, a request's in
 * connection_read.c, an answer's in connection_write.c and connection_batch.c; how long each may
 * take is said in connection_patience.c.
 *
 *   PROXY -> SNIFF -> TURN -> HANDSHAKE -> HEADER -> BODY -> HANDLING -> ANSWER -> HEADER, LINGER
 *     '--------'-------- as configured -------^        '- if any -^                     or closed
 *
 * Each step is one function that does what it can and says how it ended; connection_run() drives
 * them. Requests that are pipelined wait in `in` until the one before is answered, so answers are
 * in order.
 */
enum {
    LINGER_MAX_BYTES = 1 << 20,
    REQUESTS_PER_RUN = 32, /* pipelined; then others get a turn */
};

struct server *connection_server(const struct connection *connection)
{
    return connection->listener->server;
}

void connection_wait(struct connection *connection, enum server_wait wait)
{
    deadline_start(&connection_server(connection)->waits[wait], &connection->deadline);
}

/* --- what a request under way needs --- */

static void take_progress(struct connection *connection)
{
    struct server *server = connection_server(connection);
    struct connection_progress *progress = server->spare_progress;
    if (progress) {
        server->spare_progress = progress->next;
        server->spare_progress_count--;
    } else {
        progress = MEM_NEW(struct connection_progress);
        buffer_init(&progress->in,
                    server_header_limits(server).max_header_bytes + SERVER_SCRATCH_BYTES);
    }
    http_parser_init(&progress->parser);
    connection->progress = progress;
}

static void give_progress_back(struct connection *connection)
{
    struct server *server = connection_server(connection);
    struct connection_progress *progress = connection->progress;
    connection->progress = NULL;
    if (!progress)
        return;
    buffer_release(&progress->in);
    buffer_release(&progress->batch);
    if (server->spare_progress_count >= SERVER_SPARE_PROGRESSES) {
        mem_free(progress);
        return;
    }
    progress->next = server->spare_progress;
    server->spare_progress = progress;
    server->spare_progress_count++;
}

bool connection_ends_with_server(const struct connection *connection)
{
    const struct server *server = connection_server(connection);
    return server->is_draining && (connection->stream.ssl || !handover_moves_connections(server));
}

bool connection_can_move(const struct connection *connection)
{
    return connection->step <= STEP_HEADER && connection->step != STEP_HANDSHAKE &&
           !connection->stream.ssl && !connection->exchange && !connection->is_running &&
           !connection_has_batch(connection) && !connection->will_close &&
           handover_moves_connections(connection_server(connection));
}

bool connection_needs_no_handler(const struct connection *connection)
{
    return connection->exchange ? connection->exchange->step == EXCHANGE_ANSWERING &&
                                      !exchange_has_events(connection->exchange)
                                : connection->step > STEP_HEADER || connection_can_move(connection);
}

/* The step that would come next waits for the successor. */
static bool is_held_next(const struct connection *connection)
{
    return connection->step == STEP_HEADER && !connection->exchange && !connection->stream.ssl &&
           !connection->will_close && handover_moves_connections(connection_server(connection));
}

/* From now on it is not read: what comes is for the successor. */
static bool is_held(const struct connection *connection)
{
    if (!connection_can_move(connection))
        return false;
    handover_turn(connection_server(connection));
    return true;
}

static bool is_idle(const struct connection *connection)
{
    return connection->step < STEP_BODY && !connection_has_input(connection) &&
           !connection_has_batch(connection);
}

/* --- life and death --- */

static void connection_unlink(struct connection *connection)
{
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        connection_server(connection)->connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
}

static void connection_free(struct connection *connection, int error)
{
    struct server *server = connection_server(connection);
    struct exchange *exchange = connection->exchange;
    connection_leave_handshake(connection);
    if (connection->step != STEP_PROXY) /* that has not entered yet */
        server_forgets(server, &connection->address);
    deadline_stop(&connection->deadline);
    loop_watch_remove(&connection->watch);
    stream_close(&connection->stream);
    give_progress_back(connection);
    connection_unlink(connection);
    mem_free(connection);
    if (exchange)
        exchange_release(exchange, error); /* callbacks last: everything stands */
    server_connection_gone(server);
}

/* The socket lives on, as an HTTP/2 connection; only what stood around it here is freed. */
static void become_h2(struct connection *connection)
{
    const struct h2_arrival arrival = {
        .listener = connection->listener,
        .stream = connection->stream,
        .address = connection->address,
        .port = connection->port,
        .input = buffer_view(&connection->progress->in),
    };
    struct server *server = connection_server(connection);
    deadline_stop(&connection->deadline);
    loop_watch_remove(&connection->watch);
    connection_unlink(connection);
    h2_start(&arrival);
    give_progress_back(connection);
    mem_free(connection);
    if (server->is_draining)
        h2_drain_all(server); /* it came while the others were told */
}

void connection_abort(struct connection *connection) { connection_free(connection, -ECONNRESET); }

struct connection *connection_next(const struct connection *connection) { return connection->next; }

/* What is unsent is thrown away: a client that does not read must not hold our memory and the
 * kernel's. */
static void reset_with(struct connection *connection, int error)
{
    struct linger now = {.l_onoff = 1};
    (void)setsockopt(connection->stream.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    connection_free(connection, error);
}

void connection_reset(struct connection *connection) { reset_with(connection, -ETIMEDOUT); }

void connection_cut(struct connection *connection) { reset_with(connection, -ECANCELED); }

/* --- while somebody else works --- */

static enum step_result step_handling(struct connection *connection UNUSED) { return STEP_WAITS; }

/* The answer is sent but the client may still be sending: closing now would destroy what it has not
 * read yet. */
static enum step_result step_linger(struct connection *connection)
{
    char *scratch = connection_server(connection)->scratch;
    ssize_t got = recv(connection->stream.fd, scratch, SERVER_SCRATCH_BYTES, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return STEP_WAITS;
    uint64_t *lingered = &connection->progress->body_left;
    *lingered += got > 0 ? (uint64_t)got : 0;
    return got > 0 && *lingered < LINGER_MAX_BYTES ? STEP_GOES_ON : STEP_CLOSES;
}

enum step_result connection_finish_answer(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    bool will_close = connection->will_close || exchange->closes;
    connection->exchange = NULL;
    exchange_release(exchange, 0);
    if (will_close && connection_is_worn_out(connection))
        counter_add(COUNTER_CONNECTIONS_WORN_OUT, 1);
    if (will_close && !connection->has_unread && !connection_has_input(connection))
        return STEP_CLOSES;
    if (will_close) {
        connection->step = STEP_LINGER;
        connection->progress->body_left = 0;
        shutdown(connection->stream.fd, SHUT_WR);
        connection_wait(connection, SERVER_WAIT_LINGER);
        return STEP_GOES_ON;
    }
    connection->step = STEP_HEADER;
    connection_wait(connection, SERVER_WAIT_IDLE);
    if (!connection_has_input(connection) && !stream_has_buffered(&connection->stream))
        return STEP_WAITS; /* no read for nothing: the loop will tell */
    if (connection_has_input(connection))
        connection_wait(connection, SERVER_WAIT_HEADER);
    return ++connection->progress->run_count < REQUESTS_PER_RUN ? STEP_GOES_ON : STEP_YIELDS;
}

/* --- driving --- */

static step_function *const steps[] = {
    [STEP_PROXY] = connection_step_proxy,
    [STEP_SNIFF] = connection_step_sniff,
    [STEP_TURN] = connection_step_turn,
    [STEP_HANDSHAKE] = connection_step_handshake,
    [STEP_HEADER] = connection_step_header,
    [STEP_BODY] = connection_step_body,
    [STEP_HANDLING] = step_handling,
    [STEP_ANSWER] = connection_step_answer,
    [STEP_LINGER] = step_linger,
};

static unsigned wanted_to_write(const struct connection *connection)
{
    return connection->stream.wants_other_way ? LOOP_READ : LOOP_WRITE;
}

static unsigned wanted_by(const struct connection *connection, enum step_result result)
{
    bool other = connection->stream.wants_other_way;
    bool can_read_ahead = !connection->saw_end && connection_has_room_ahead(connection);
    if (result == STEP_YIELDS)
        return LOOP_READ | LOOP_WRITE;
    switch (connection->step) {
    case STEP_TURN:
        return 0;
    case STEP_HANDLING:
        return can_read_ahead ? LOOP_READ : 0;
    case STEP_ANSWER:
        if (connection->is_blocked)
            return wanted_to_write(connection);
        return can_read_ahead ? LOOP_READ : 0;
    case STEP_BODY:
        if (connection->is_blocked)
            return LOOP_WRITE;
        return other ? LOOP_WRITE : LOOP_READ;
    default:
        return other ? LOOP_WRITE : LOOP_READ;
    }
}

/* A batch that the socket did not take at once is all that we waited for. */
static enum step_result resume_batch(struct connection *connection)
{
    if (!connection_has_batch(connection) || connection->step == STEP_ANSWER)
        return STEP_GOES_ON;
    enum step_result result = connection_flush_batch(connection);
    if (result != STEP_GOES_ON)
        return result;
    connection->is_blocked = false;
    deadline_stop(&connection->deadline);
    if (connection->step == STEP_HEADER || connection->step == STEP_BODY)
        connection_wait(connection,
                        connection->step == STEP_HEADER ? SERVER_WAIT_HEADER : SERVER_WAIT_BODY);
    return STEP_GOES_ON;
}

void connection_run(struct connection *connection)
{
    enum step_result result;
    if (connection->is_running)
        return; /* called from inside a handler: the loop below goes on when it returns */
    if (is_held(connection)) {
        loop_watch_set(&connection->watch, 0);
        return;
    }
    if (!connection->progress)
        take_progress(connection);
    connection->is_running = true;
    connection->progress->run_count = 0;
    result = resume_batch(connection);
    while (result == STEP_GOES_ON && !is_held_next(connection))
        result = steps[connection->step](connection);
    enum step_result flushed = connection_flush_batch(connection);
    connection->is_running = false;
    if (result == STEP_CLOSES || flushed == STEP_CLOSES) {
        connection_free(connection, -EPIPE);
        return;
    }
    if (flushed == STEP_WAITS) {
        loop_watch_set(&connection->watch, wanted_to_write(connection));
        return;
    }
    if (result == STEP_BECOMES_H2) {
        become_h2(connection);
        return;
    }
    loop_watch_set(&connection->watch, is_held(connection) ? 0 : wanted_by(connection, result));
    if (is_idle(connection))
        give_progress_back(connection);
}

static void on_events(struct loop_watch *watch, unsigned events, uint64_t at_us UNUSED)
{
    struct connection *connection = CONTAINER_OF(watch, struct connection, watch);
    bool waits = connection->step == STEP_HANDLING || connection->step == STEP_ANSWER;
    if (events & LOOP_HANGUP && connection->step != STEP_HEADER && connection->step != STEP_BODY)
        connection_abort(connection);
    else if (events & LOOP_READ && waits && !connection->is_blocked &&
             !connection_read_ahead(connection))
        connection_abort(connection);
    else
        connection_run(connection);
}

void connection_drain(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    if (connection_ends_with_server(connection))
        connection->will_close = true;
    if (is_held(connection)) {
        loop_watch_set(&connection->watch, 0);
    } else if (is_idle(connection)) {
        connection_abort(connection);
    } else if (exchange && exchange_has_events(exchange)) {
        exchange->answer.stream.has_ended = true;
        connection_carrier.wake(exchange);
    }
}

static struct connection *connection_new(struct listener *listener, int fd,
                                         const struct address *address, uint16_t port)
{
    struct server *server = listener->server;
    struct connection *connection = MEM_NEW(struct connection);
    connection->listener = listener;
    connection->address = *address;
    connection->port = port;
    connection->stream.fd = fd;
    connection->watch = (struct loop_watch){.on_events = on_events, .fd = fd, .wanted = LOOP_READ};
    connection->next = server->connections;
    if (server->connections)
        server->connections->previous = connection;
    server->connections = connection;
    connection_wait(connection, SERVER_WAIT_HEADER);
    return connection;
}

void connection_accept(struct listener *listener, int fd, const struct address *address,
                       uint16_t port)
{
    struct server *server = listener->server;
    struct connection *connection = connection_new(listener, fd, address, port);
    bool expects_proxy = server->config.expects_proxy_protocol;
    connection->step = STEP_PROXY;
    if (loop_watch_add(server->loop, &connection->watch) ||
        (expects_proxy && !server_trusts(server, address)))
        connection_abort(connection);
    else if (!expects_proxy && connection_enter(connection) == STEP_CLOSES)
        connection_abort(connection);
}

/* --- from one process to the next --- */

int connection_fd(const struct connection *connection) { return connection->stream.fd; }

struct handover_message connection_describe(const struct connection *connection)
{
    static const enum handover_stage stages[] = {[STEP_PROXY] = HANDOVER_AT_PROXY,
                                                 [STEP_SNIFF] = HANDOVER_AT_SNIFF,
                                                 [STEP_HEADER] = HANDOVER_AT_HEADER};
    return (struct handover_message){
        .kind = HANDOVER_CONNECTION,
        .stage = stages[connection->step],
        .port = connection->port,
        .request_count = connection->request_count,
        .address = connection->address,
        .bytes =
            connection_has_input(connection) ? buffer_view(&connection->progress->in) : TEXT_NONE,
    };
}

void connection_adopt(struct listener *listener, int fd, const struct handover_message *past)
{
    static const enum connection_step steps_of[] = {[HANDOVER_AT_PROXY] = STEP_PROXY,
                                                    [HANDOVER_AT_SNIFF] = STEP_SNIFF,
                                                    [HANDOVER_AT_HEADER] = STEP_HEADER};
    struct connection *connection = connection_new(listener, fd, &past->address, past->port);
    connection->step = (uint8_t)steps_of[past->stage];
    connection->request_count = past->request_count;
    if (connection->step != STEP_PROXY)
        (void)server_admits(listener->server, &past->address); /* it was, by our predecessor */
    if (loop_watch_add(listener->server->loop, &connection->watch)) {
        connection_abort(connection);
        return;
    }
    if (past->bytes.size == 0) {
        if (connection->step == STEP_HEADER && past->request_count > 0)
            connection_wait(connection, SERVER_WAIT_IDLE);
        return;
    }
    take_progress(connection);
    buffer_text(&connection->progress->in, past->bytes);
    if (connection->progress->in.overflowed)
        connection_abort(connection); /* our bounds are narrower than our predecessor's */
    else
        connection_run(connection);
}

/* --- what all connections of a server share --- */

void connections_init(struct server *server)
{
    connections_init_patience(server);
    server->handshakes.turn.on_timer = connections_on_turn;
    budget_init(&server->handshakes.budget, server->config.limits.handshake_cpu_percent,
                loop_now_us(server->home->loop)); /* it may not be our thread's loop */
}

void connections_release(struct server *server)
{
    loop_timer_stop(&server->handshakes.turn);
    for (size_t i = 0; i < SERVER_WAIT_COUNT; i++)
        deadline_queue_release(&server->waits[i]);
    for (struct connection_progress *spare = server->spare_progress, *next; spare; spare = next) {
        next = spare->next;
        mem_free(spare);
    }
}

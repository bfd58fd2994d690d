// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/mem.h"
#include "http/chunked.h"
#include "http/parser.h"
#include "io/connection_state.h"
#include "io/dispatch.h"
#include "io/forwarded.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * connection: one HTTP/1 connection, from accept to close.  Reading is here; the steps before the
 * first request are in connection_enter.c, writing is in connection_write.c.
 *
 *   PROXY -> SNIFF -> HANDSHAKE -> HEADER -> BODY -> HANDLING -> ANSWER -> HEADER, LINGER or closed
 *     '--------'---- as configured --^         '-- if any --^
 *
 * Each step is one function that does what it can and says how it ended; connection_run() drives
 * them. Requests that are pipelined wait in `in` until the one before is answered, so answers are
 * in order.
 */
enum {
    LINGER_US = 2 * 1000 * 1000,
    LINGER_MAX_BYTES = 1 << 20,
    REQUESTS_PER_RUN = 32, /* pipelined; then others get a turn */
};

static uint64_t now_us(const struct connection *connection)
{
    return loop_now_us(connection->server->loop);
}

/* --- life and death --- */

static void connection_free(struct connection *connection, int error)
{
    struct server *server = connection->server;
    struct exchange *exchange = connection->exchange;
    loop_timer_stop(&connection->timer);
    loop_watch_remove(&connection->watch);
    stream_close(&connection->stream);
    buffer_release(&connection->in);
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        server->connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    mem_free(connection);
    if (exchange)
        exchange_release(exchange, error); /* callbacks last: everything stands */
    server_connection_gone(server);
}

void connection_abort(struct connection *connection) { connection_free(connection, -ECONNRESET); }

struct connection *connection_next(const struct connection *connection) { return connection->next; }

/* What is unsent is thrown away: a client that does not read must not hold our memory and the
 * kernel's. */
static void connection_reset(struct connection *connection)
{
    struct linger now = {.l_onoff = 1};
    (void)setsockopt(connection->stream.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    connection_free(connection, -ETIMEDOUT);
}

/* --- deadlines: moving one later costs a store; the timer looks when it fires --- */

void connection_set_deadline(struct connection *connection, uint64_t at_us)
{
    connection->deadline_us = at_us;
    if (at_us != UINT64_MAX && (!connection->timer._position || at_us < connection->timer._at_us))
        loop_timer_start(connection->server->loop, &connection->timer, at_us);
}

static void deadline_in_ms(struct connection *connection, uint32_t ms)
{
    connection_set_deadline(connection, now_us(connection) + (uint64_t)ms * 1000);
}

/* --- reading --- */

/*
 * Gives bytes to read from: those left in `in`, else those of one read, in the server's scratch.
 * Returns 1, or how the step ends when there are none.
 */
static int take_input(struct connection *connection, struct text *ret, enum step_result *ret_result)
{
    if (connection->in.size > 0) {
        *ret = buffer_view(&connection->in);
        return 1;
    }
    char *scratch = connection->server->scratch;
    ssize_t got = stream_read(&connection->stream, scratch, SERVER_SCRATCH_BYTES);
    if (got > 0) {
        *ret = text_make(scratch, (size_t)got);
        return 1;
    }
    *ret_result = got == -EAGAIN ? STEP_WAITS : STEP_CLOSES;
    return 0;
}

/* Keeps what was not consumed; an idle connection keeps no memory. */
static void keep_input(struct connection *connection, struct text left)
{
    if (connection->in.size > 0)
        buffer_consume(&connection->in, connection->in.size - left.size);
    else
        buffer_append(&connection->in, left.data, left.size);
    assert(!connection->in.overflowed);
    if (connection->in.size == 0)
        buffer_release(&connection->in);
}

/* One more read into `in`.  1, or 0 with how the step ends. */
static int read_more(struct connection *connection, enum step_result *ret_result)
{
    size_t room_bytes = connection->in.ceiling - connection->in.size;
    char *room = buffer_reserve(&connection->in, room_bytes < 4096 ? room_bytes : 4096);
    assert(room && room_bytes > 0);
    ssize_t got = stream_read(&connection->stream, room, room_bytes < 4096 ? room_bytes : 4096);
    if (got > 0)
        connection->in.size += (size_t)got;
    else
        *ret_result = got == -EAGAIN ? STEP_WAITS : STEP_CLOSES;
    return got > 0;
}

/* --- the header --- */

static struct http_limits header_limits(const struct server *server)
{
    const struct server_limits *limits = &server->config.limits;
    return (struct http_limits){limits->max_header_bytes, limits->max_header_fields,
                                limits->max_target_bytes};
}

static void fill_peer(const struct connection *connection, struct exchange *exchange)
{
    const struct server *server = connection->server;
    struct exchange_peer *peer = &exchange->peer;
    struct address address = connection->address;
    struct address_text shown;
    peer->port = connection->port;
    peer->is_secure = connection->stream.ssl != NULL;
    if (server_trusts(server, &address)) {
        struct forwarded forwarded =
            forwarded_read(&exchange->request, server->trusted, server->config.trusted_proxy_count);
        peer->is_secure |= forwarded.is_secure;
        if (forwarded.has_address) {
            address = forwarded.address;
            peer->port = 0;
        }
    }
    struct text digits = address_show(&address, &shown);
    memcpy(peer->address, digits.data, digits.size + 1);
    peer->is_private = address_is_private(&address);
    exchange->is_public_plain = !peer->is_secure && !peer->is_private;
    exchange->needs_tls = connection->listener->tls && exchange->is_public_plain;
}

static struct exchange *take_exchange(struct connection *connection)
{
    connection->wire_sent = 0;
    return exchange_take(connection->server, &connection_carrier, connection);
}

static bool is_last_request(const struct connection *connection)
{
    return !connection->exchange->request.keeps_alive || connection->server->is_draining ||
           connection->request_count >=
               connection->server->config.limits.max_requests_per_connection;
}

/* Answers what cannot be handled; nothing more is read as a request from this connection. */
static void refuse(struct connection *connection, unsigned status, const char *why)
{
    struct exchange *exchange = connection->exchange;
    counter_add(COUNTER_REQUESTS_BAD, 1);
    connection->will_close = connection->has_unread = true;
    exchange->step = EXCHANGE_HANDLING;
    exchange_send_problem(exchange, status, http_reason(status), why);
}

static void start_body(struct connection *connection, const struct server_route *route)
{
    struct exchange *exchange = connection->exchange;
    struct text expect = http_request_field(&exchange->request, TEXT("Expect"));
    connection->route = route;
    connection->step = STEP_BODY;
    connection->body_left = exchange->request.content_length;
    http_chunked_init(&connection->chunked);
    buffer_init(&exchange->body, route->max_body_bytes);
    deadline_in_ms(connection, connection->server->config.limits.body_timeout_ms);
    if (expect.size > 0 && connection->in.size == 0 && exchange->request.version_minor > 0)
        buffer_text(&exchange->wire, TEXT("HTTP/1.1 100 Continue\r\n\r\n"));
}

static void start_handling(struct connection *connection, const struct server_route *route)
{
    connection->has_unread = false;
    connection->will_close = is_last_request(connection);
    connection->step = STEP_HANDLING;
    connection_set_deadline(connection, UINT64_MAX);
    dispatch_body(connection->exchange, route);
}

static void begin_request(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    connection->request_count++;
    fill_peer(connection, exchange);
    /* until the body is read: an answer before that must be the last */
    connection->has_unread = exchange->request.has_body;
    connection->will_close = exchange->request.has_body || is_last_request(connection);
    const struct server_route *route = dispatch_header(exchange);
    if (!route)
        return;
    if (exchange->request.has_body)
        start_body(connection, route);
    else
        start_handling(connection, route);
}

/* Parses one header off the input.  As http_parser_read; the exchange is taken only when there is
 * something in it. */
static int parse_header(struct connection *connection, struct text *input)
{
    struct server *server = connection->server;
    const struct http_limits limits = header_limits(server);
    struct exchange *exchange = take_exchange(connection);
    struct http_refusal why;
    size_t consumed = 0;
    int result = http_parser_read(&connection->parser, *input, &limits, exchange->arena,
                                  &exchange->request, &consumed, &why);
    if (result == 0) {
        exchange_release(exchange, 0);
        return 0;
    }
    *input = result > 0 ? text_from(*input, consumed) : TEXT_NONE;
    keep_input(connection, *input);
    http_parser_init(&connection->parser);
    connection->exchange = exchange;
    if (result > 0) {
        begin_request(connection);
    } else {
        fill_peer(connection, exchange);
        refuse(connection, why.status, why.why);
    }
    return result;
}

static enum step_result step_header(struct connection *connection)
{
    enum step_result result = STEP_GOES_ON;
    struct text input;
    bool was_empty = connection->in.size == 0;
    if (!take_input(connection, &input, &result))
        return result;
    while (parse_header(connection, &input) == 0) {
        if (was_empty) {
            keep_input(connection, input);
            deadline_in_ms(connection, connection->server->config.limits.header_timeout_ms);
            was_empty = false;
        }
        if (!read_more(connection, &result))
            return result;
        input = buffer_view(&connection->in);
    }
    return STEP_GOES_ON;
}

/* --- the body --- */

/* As http_chunked_decode, for both framings. */
static int take_body(struct connection *connection, struct text *input)
{
    struct buffer *body = &connection->exchange->body;
    if (connection->exchange->request.content_length == UINT64_MAX)
        return http_chunked_decode(&connection->chunked, input, body);
    size_t size = input->size < connection->body_left ? input->size : (size_t)connection->body_left;
    buffer_append(body, input->data, size);
    *input = text_from(*input, size);
    connection->body_left -= size;
    return connection->body_left == 0;
}

static enum step_result step_body(struct connection *connection)
{
    struct text input;
    enum step_result result = connection_flush_wire(connection);
    if (result != STEP_GOES_ON || !take_input(connection, &input, &result))
        return result;
    int progress = take_body(connection, &input);
    keep_input(connection, input);
    if (connection->exchange->body.overflowed)
        refuse(connection, 413, "The body is larger than this path takes.");
    else if (progress < 0)
        refuse(connection, 400, "The chunked body is malformed.");
    else if (progress > 0)
        start_handling(connection, connection->route);
    return STEP_GOES_ON;
}

/* --- while somebody else works --- */

static enum step_result step_handling(struct connection *connection UNUSED) { return STEP_WAITS; }

/* What the client sends meanwhile: the next request, or its end. */
static bool read_ahead(struct connection *connection)
{
    enum step_result result = STEP_GOES_ON;
    if (connection->in.size < connection->in.ceiling && read_more(connection, &result))
        return true;
    if (connection->in.size == 0)
        buffer_release(&connection->in);
    if (result != STEP_CLOSES)
        return true;
    connection->saw_end = connection->will_close = true;
    return !connection->exchange->answer.stream
                .on_close; /* an event stream has no other way to notice */
}

/* The answer is sent but the client may still be sending: closing now would destroy what it has not
 * read yet. */
static enum step_result step_linger(struct connection *connection)
{
    char *scratch = connection->server->scratch;
    ssize_t got = recv(connection->stream.fd, scratch, SERVER_SCRATCH_BYTES, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return STEP_WAITS;
    connection->body_left += got > 0 ? (uint64_t)got : 0;
    return got > 0 && connection->body_left < LINGER_MAX_BYTES ? STEP_GOES_ON : STEP_CLOSES;
}

enum step_result connection_finish_answer(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    bool will_close = connection->will_close || exchange->closes;
    connection->exchange = NULL;
    exchange_release(exchange, 0);
    if (will_close && !connection->has_unread && connection->in.size == 0)
        return STEP_CLOSES;
    if (will_close) {
        connection->step = STEP_LINGER;
        connection->body_left = 0;
        shutdown(connection->stream.fd, SHUT_WR);
        connection_set_deadline(connection, now_us(connection) + LINGER_US);
        return STEP_GOES_ON;
    }
    connection->step = STEP_HEADER;
    deadline_in_ms(connection, connection->server->config.limits.idle_timeout_ms);
    if (connection->in.size == 0 && !stream_has_buffered(&connection->stream))
        return STEP_WAITS; /* no read for nothing: the loop will tell */
    if (connection->in.size > 0)
        deadline_in_ms(connection, connection->server->config.limits.header_timeout_ms);
    return ++connection->run_count < REQUESTS_PER_RUN ? STEP_GOES_ON : STEP_YIELDS;
}

/* --- driving --- */

static step_function *const steps[] = {
    [STEP_PROXY] = connection_step_proxy,
    [STEP_SNIFF] = connection_step_sniff,
    [STEP_HANDSHAKE] = connection_step_handshake,
    [STEP_HEADER] = step_header,
    [STEP_BODY] = step_body,
    [STEP_HANDLING] = step_handling,
    [STEP_ANSWER] = connection_step_answer,
    [STEP_LINGER] = step_linger,
};

static unsigned wanted_by(const struct connection *connection, enum step_result result)
{
    bool other = connection->stream.wants_other_way;
    bool can_read_ahead = !connection->saw_end && connection->in.size < connection->in.ceiling;
    if (result == STEP_YIELDS)
        return LOOP_READ | LOOP_WRITE;
    switch (connection->step) {
    case STEP_HANDLING:
        return can_read_ahead ? LOOP_READ : 0;
    case STEP_ANSWER:
        if (connection->is_blocked)
            return other ? LOOP_READ : LOOP_WRITE;
        return can_read_ahead ? LOOP_READ : 0;
    case STEP_BODY:
        if (connection->is_blocked)
            return LOOP_WRITE;
        return other ? LOOP_WRITE : LOOP_READ;
    default:
        return other ? LOOP_WRITE : LOOP_READ;
    }
}

void connection_run(struct connection *connection)
{
    enum step_result result;
    if (connection->is_running)
        return; /* called from inside a handler: the loop below goes on when it returns */
    connection->is_running = true;
    connection->run_count = 0;
    do
        result = steps[connection->step](connection);
    while (result == STEP_GOES_ON);
    connection->is_running = false;
    if (result == STEP_CLOSES)
        connection_free(connection, -EPIPE);
    else
        loop_watch_set(&connection->watch, wanted_by(connection, result));
}

static void on_events(struct loop_watch *watch, unsigned events, uint64_t at_us UNUSED)
{
    struct connection *connection = CONTAINER_OF(watch, struct connection, watch);
    bool waits = connection->step == STEP_HANDLING || connection->step == STEP_ANSWER;
    if (events & LOOP_HANGUP && connection->step != STEP_HEADER && connection->step != STEP_BODY)
        connection_abort(connection);
    else if (events & LOOP_READ && waits && !connection->is_blocked && !read_ahead(connection))
        connection_abort(connection);
    else
        connection_run(connection);
}

static void answer_timeout(struct connection *connection)
{
    if (!connection->exchange) {
        connection->exchange = take_exchange(connection);
        fill_peer(connection, connection->exchange);
    }
    connection->is_running = true; /* the answer is sent below, not inside */
    refuse(connection, 408, "The request did not arrive in time.");
    connection->is_running = false;
    connection_run(connection);
}

static void on_deadline(struct loop_timer *timer, uint64_t at_us)
{
    struct connection *connection = CONTAINER_OF(timer, struct connection, timer);
    if (at_us < connection->deadline_us) { /* it was moved meanwhile */
        connection_set_deadline(connection, connection->deadline_us);
        return;
    }
    if (connection->step == STEP_ANSWER && connection_is_alive(connection))
        return;
    bool is_idle = connection->step == STEP_HEADER && connection->in.size == 0;
    if (!is_idle && connection->step != STEP_LINGER)
        counter_add(COUNTER_CONNECTIONS_TIMED_OUT, 1);
    if (connection->step == STEP_BODY || (connection->step == STEP_HEADER && !is_idle))
        answer_timeout(connection);
    else if (is_idle || connection->step == STEP_LINGER)
        connection_abort(connection);
    else
        connection_reset(connection);
}

void connection_drain(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    connection->will_close = true;
    if (connection->step < STEP_BODY && connection->in.size == 0) {
        connection_abort(connection);
    } else if (exchange && exchange->answer.is_stream && exchange->answer.stream.on_close) {
        exchange->answer.stream.has_ended = true;
        connection_carrier.wake(exchange);
    }
}

void connection_accept(struct listener *listener, int fd, const struct address *address,
                       uint16_t port)
{
    struct server *server = listener->server;
    struct connection *connection = MEM_NEW(struct connection);
    const struct server_limits *limits = &server->config.limits;
    connection->server = server;
    connection->listener = listener;
    connection->address = *address;
    connection->port = port;
    connection->stream.fd = fd;
    connection->timer.on_timer = on_deadline;
    connection->watch = (struct loop_watch){.on_events = on_events, .fd = fd, .wanted = LOOP_READ};
    buffer_init(&connection->in, limits->max_header_bytes + SERVER_SCRATCH_BYTES);
    connection->next = server->connections;
    if (server->connections)
        server->connections->previous = connection;
    server->connections = connection;
    deadline_in_ms(connection, limits->header_timeout_ms);
    bool expects_proxy = server->config.expects_proxy_protocol;
    connection->step = STEP_PROXY;
    if (loop_watch_add(server->loop, &connection->watch) ||
        (expects_proxy && !server_trusts(server, address)))
        connection_abort(connection);
    else if (!expects_proxy && connection_enter(connection) == STEP_CLOSES)
        connection_abort(connection);
}

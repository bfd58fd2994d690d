// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "io/client_state.h"
#include "io/h2_client.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

/*
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

static bool bind_source(int fd, const struct client_pool *pool, int family)
{
    int one = 1;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    if (!pool->has_source || family != AF_INET)
        return true;
    memcpy(&v4.sin_addr, pool->source.bytes + 12, 4);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    return bind(fd, (const struct sockaddr *)&v4, sizeof v4) == 0;
}

/* The socket, connecting; -1 when it cannot even begin. */
static int connect_socket(const struct client_pool *pool, const struct client_address *address)
{
    int one = 1, bytes = pool->origin->limits.receive_buffer_bytes;
    int family = address->sockaddr.ss_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bytes > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (bind_source(fd, pool, family) &&
        (connect(fd, (const struct sockaddr *)&address->sockaddr, address->size) == 0 ||
         errno == EINPROGRESS))
        return fd;
    close(fd);
    return -1;
}

void client_connection_arm(struct client_connection *connection, uint64_t at_us)
{
    connection->armed_us = at_us;
    loop_timer_start(connection->client->loop, &connection->timer, at_us);
}

static void wait_until(struct client_connection *connection, uint32_t ms)
{
    connection->due_us = loop_now_us(connection->client->loop) + ms * UINT64_C(1000);
    /* a later due time needs no new timer: on_timer() looks and waits on */
    if (!connection->armed_us || connection->armed_us > connection->due_us)
        client_connection_arm(connection, connection->due_us);
}

/* No callback may come from where we are: the timer tells it. */
void client_connection_fail_soon(struct client_connection *connection, enum client_outcome why)
{
    connection->is_failed = true;
    connection->why = (uint8_t)why;
    wait_until(connection, 0);
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
    connection->address = pool->origin->preferred;
    connection->stream.fd = connect_socket(pool, &pool->origin->addresses[connection->address]);
    connection->watch = (struct loop_watch){
        .on_events = on_events, .fd = connection->stream.fd, .wanted = LOOP_WRITE};
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

/* Ends the connection and tells its call, or asks again elsewhere. */
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

static const struct client_limits *limits_of(const struct client_connection *connection)
{
    return &connection->pool->origin->limits;
}

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
        wait_until(connection, limits_of(connection)->first_byte_ms);
    }
    if (connection->step == CLIENT_SENDING)
        connection->step = CLIENT_HEADER;
    if (!call->is_paused)
        client_connection_want(connection, LOOP_READ);
    return 0;
}

static int start_sending(struct client_connection *connection)
{
    connection->step = CLIENT_SENDING;
    connection->sent = 0;
    connection->has_bytes = connection->stays = false;
    http_parser_init(&connection->parser);
    wait_until(connection, limits_of(connection)->first_byte_ms);
    return send_more(connection);
}

static void wait_for_address(struct client_connection *connection)
{
    const struct client_limits *limits = limits_of(connection);
    bool is_only = connection->pool->origin->address_count <= 1;
    wait_until(connection, is_only || connection->round > 0 || limits->attempt_ms == 0
                               ? limits->connect_ms
                               : limits->attempt_ms);
}

void client_connection_begin(struct client_connection *connection, struct client_call *call)
{
    connection->call = call;
    if (connection->step == CLIENT_KEPT) {
        connection->is_reused = true;
        if (start_sending(connection) < 0)
            client_connection_fail_soon(connection, CLIENT_RESET);
        return;
    }
    int failed = connection->stream.fd < 0
                     ? -EADDRNOTAVAIL
                     : loop_watch_add(connection->client->loop, &connection->watch);
    if (!failed)
        wait_for_address(connection);
    else if (connection->pool->origin->address_count > 1)
        wait_until(connection, 0); /* as one that is silent: the next address comes at once */
    else
        client_connection_fail_soon(connection, CLIENT_UNREACHABLE);
}

/* --- connecting --- */

static bool is_connected(const struct client_connection *connection)
{
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(connection->stream.fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && !error;
}

/* False when no address is left: each is tried shortly, then the silent ones at length. */
static bool next_address(struct client_connection *connection)
{
    const struct client_origin *origin = connection->pool->origin;
    unsigned count = origin->address_count,
             first = origin->preferred < count ? origin->preferred : 0;
    for (unsigned tried = 0; tried < 2 * count; tried++) {
        connection->address = (uint8_t)((connection->address + 1u) % count);
        if (connection->address == first && ++connection->round > 1)
            return false;
        if (!(connection->refused >> connection->address & 1))
            return true;
    }
    return false;
}

/* On to the next address, if there is one. */
static void connect_elsewhere(struct client_connection *connection, enum client_outcome why)
{
    struct client_pool *pool = connection->pool;
    while (pool->origin->address_count > 1 && next_address(connection)) {
        loop_watch_remove(&connection->watch);
        stream_close(&connection->stream);
        connection->stream.fd = connect_socket(pool, &pool->origin->addresses[connection->address]);
        connection->watch.fd = connection->stream.fd;
        connection->watch.wanted = LOOP_WRITE;
        if (connection->stream.fd >= 0 &&
            loop_watch_add(connection->client->loop, &connection->watch) == 0) {
            wait_for_address(connection);
            return;
        }
        connection->refused |= (uint8_t)(1u << connection->address);
    }
    client_connection_fail(connection, why);
}

static void after_connect(struct client_connection *connection)
{
    if (!is_connected(connection)) {
        connection->refused |= (uint8_t)(1u << connection->address);
        connect_elsewhere(connection, CLIENT_UNREACHABLE);
        return;
    }
    connection->pool->origin->preferred = connection->address;
    if (!connection->pool->origin->is_tls) {
        if (start_sending(connection) < 0)
            client_connection_fail(connection, CLIENT_RESET);
        return;
    }
    client_tls_begin(&connection->stream, connection->pool->origin);
    connection->step = CLIENT_HANDSHAKE;
    wait_until(connection, limits_of(connection)->connect_ms);
}

static void shake_hands(struct client_connection *connection)
{
    int result = client_tls_handshake(&connection->stream);
    if (result == -EAGAIN) {
        loop_watch_set(&connection->watch,
                       connection->stream.wants_other_way ? LOOP_WRITE : LOOP_READ);
    } else if (result < 0) {
        client_tls_forget(connection->pool->origin);
        client_connection_fail(connection, CLIENT_NO_TLS);
    } else if (stream_chose_h2(&connection->stream)) {
        client_streams_start(connection);
    } else if (start_sending(connection) < 0) {
        client_connection_fail(connection, CLIENT_RESET);
    } else {
        connection->pool->origin->shares_connecting = false; /* it takes one call, as all will */
        client_pool_pump(connection->pool);
    }
}

/* --- receiving --- */

/* The answer is whole; `left` bytes came after it, which nobody asked for. */
static void finish(struct client_connection *connection, size_t left)
{
    struct client_call *call = connection->call;
    struct client_pool *pool = connection->pool;
    bool is_sent = connection->sent == call->wire_size;
    connection->call = NULL;
    call->connection = NULL;
    if (!connection->stays || left > 0 || !is_sent || stream_has_buffered(&connection->stream)) {
        client_connection_close(connection);
    } else {
        connection->step = CLIENT_KEPT;
        buffer_release(&connection->head);
        loop_watch_set(&connection->watch, LOOP_READ);
        wait_until(connection, limits_of(connection)->keep_ms);
    }
    client_pool_pump(pool);
    client_call_end(call, CLIENT_DONE);
}

/* The lines gathered in `head` to the call.  False when the connection is no longer its. */
static bool tell_trailers(struct client_connection *connection)
{
    struct client_call *call = connection->call;
    struct http_limits limits = {.max_fields = limits_of(connection)->max_fields};
    const struct http_field *fields = NULL;
    size_t count = 0;
    const char *why = NULL;
    if (connection->head.size == 0)
        return true;
    arena_reset(connection->client->arena);
    if (http_trailers_read(buffer_view(&connection->head), &limits, connection->client->arena,
                           &fields, &count, &why) < 0) {
        client_connection_fail(connection, CLIENT_MALFORMED);
        return false;
    }
    call->handler->on_trailers(call, fields, count, call->context);
    return connection->call == call;
}

/* Body bytes to the call.  False when the connection is no longer its. */
static bool tell_body(struct client_connection *connection, struct text input)
{
    struct client_call *call = connection->call;
    struct text piece;
    int state;
    do {
        state = http_body_next(&connection->body, &input, &piece);
        connection->client->counts.body_bytes += piece.size;
        if (piece.size > 0 && call->handler->on_body) {
            call->handler->on_body(call, piece, call->context);
            if (connection->call != call)
                return false;
        }
    } while (state == 0 && piece.size > 0);
    if (state < 0)
        client_connection_fail(connection, CLIENT_MALFORMED);
    else if (state > 0 && tell_trailers(connection))
        finish(connection, input.size);
    return state == 0;
}

/* 1 told, with what it took off the front of *input; 0 more is needed; -1 the connection is over.
 */
static int tell_header(struct client_connection *connection, struct text *input)
{
    struct client_call *call = connection->call;
    struct http_limits limits = {.max_header_bytes = limits_of(connection)->max_header_bytes,
                                 .max_fields = limits_of(connection)->max_fields,
                                 .max_target_bytes = 1024};
    struct http_response response;
    size_t consumed = 0;
    const char *why = NULL;
    arena_reset(connection->client->arena);
    int result =
        http_response_read(&connection->parser, *input, &limits, (enum http_method)call->method,
                           connection->client->arena, &response, &consumed, &why);
    if (result < 0)
        client_connection_fail(connection, CLIENT_MALFORMED);
    if (result <= 0)
        return result;
    *input = text_from(*input, consumed);
    http_parser_init(&connection->parser);
    if (response.status < 200) {
        if (call->handler->on_interim)
            call->handler->on_interim(call, &response, call->context);
        return connection->call == call ? 1 : -1;
    }
    connection->step = CLIENT_BODY;
    connection->stays = response.keeps_alive;
    http_body_init(&connection->body, &response);
    client_connection_want(connection,
                           LOOP_READ); /* what of the request was not sent yet never will be */
    if (call->handler->on_header)
        call->handler->on_header(call, &response, call->context);
    return connection->call == call ? 1 : -1;
}

/* Headers that came in pieces are gathered; whole ones are read where they are. */
static void receive_header(struct client_connection *connection, struct text fresh)
{
    struct buffer *head = &connection->head;
    struct text input = fresh;
    int result = 1;
    if (head->size > 0) {
        buffer_append(head, fresh.data, fresh.size);
        input = buffer_view(head);
    }
    while (result > 0 && connection->step != CLIENT_BODY && input.size > 0)
        result = tell_header(connection, &input);
    if (result < 0)
        return;
    if (connection->step == CLIENT_BODY) {
        struct buffer taken = *head; /* the input may lie in it, and the connection may go */
        head->data = NULL;
        head->size = head->capacity = 0;
        if (connection->call->handler->on_trailers)
            connection->body.chunked.trailers = head;
        (void)tell_body(connection, input);
        buffer_release(&taken);
    } else if (head->size > 0) {
        buffer_consume(head, head->size - input.size);
    } else {
        buffer_append(head, input.data, input.size);
    }
}

static void receive_end(struct client_connection *connection)
{
    if (connection->step == CLIENT_BODY && http_body_may_end(&connection->body)) {
        connection->stays = false;
        finish(connection, 0);
    } else {
        client_connection_fail(connection,
                               connection->step == CLIENT_BODY ? CLIENT_TRUNCATED : CLIENT_RESET);
    }
}

static bool can_discard(const struct client_connection *connection)
{
    return connection->step == CLIENT_BODY && connection->call->discards &&
           connection->body.framing == HTTP_BODY_LENGTH && !connection->stream.ssl;
}

/* The kernel drops the bytes and tells how many (tcp(7), MSG_TRUNC). */
static ssize_t discard(struct client_connection *connection, char *scratch)
{
    uint64_t left = connection->body.left;
    size_t most = left < CLIENT_SCRATCH_BYTES ? (size_t)left : CLIENT_SCRATCH_BYTES;
    ssize_t got = recv(connection->stream.fd, scratch, most, MSG_TRUNC);
    return got < 0 ? errno == EINTR ? -EAGAIN : -errno : got;
}

static void receive(struct client_connection *connection)
{
    char *scratch = connection->client->scratch;
    bool discards = can_discard(connection);
    ssize_t got = discards ? discard(connection, scratch)
                           : stream_read(&connection->stream, scratch, CLIENT_SCRATCH_BYTES);
    if (got == -EAGAIN) {
        client_connection_want(connection,
                               LOOP_READ | (connection->step == CLIENT_SENDING ? LOOP_WRITE : 0u));
        return;
    }
    if (got == 0)
        receive_end(connection);
    else if (got < 0)
        client_connection_fail(connection,
                               connection->step == CLIENT_BODY ? CLIENT_TRUNCATED : CLIENT_RESET);
    if (got <= 0)
        return;
    connection->has_bytes = true;
    if (connection->step != CLIENT_BODY)
        receive_header(connection, text_make(scratch, (size_t)got));
    else
        (void)tell_body(connection, text_make(discards ? NULL : scratch, (size_t)got));
    if (connection->step == CLIENT_BODY && !connection->call->is_paused)
        wait_until(connection, limits_of(connection)->idle_ms);
}

/* TLS may hold decrypted bytes that no event announces. */
static void receive_all(struct client_connection *connection)
{
    do
        receive(connection);
    while (connection->call && !connection->call->is_paused &&
           (connection->step == CLIENT_HEADER || connection->step == CLIENT_BODY) &&
           stream_has_buffered(&connection->stream));
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
    wait_until(connection, limits_of(connection)->idle_ms);
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
        after_connect(connection);
        break;
    case CLIENT_HANDSHAKE:
        shake_hands(connection);
        break;
    case CLIENT_SENDING:
        if (send_more(connection) < 0 && !(events & LOOP_READ)) {
            client_connection_fail(connection, CLIENT_RESET);
            break;
        }
        if (events & (LOOP_READ | LOOP_HANGUP))
            receive_all(connection);
        break;
    case CLIENT_HEADER:
    case CLIENT_BODY:
        receive_all(connection);
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
        receive_all(connection);
    else if (connection->step == CLIENT_CONNECTING)
        connect_elsewhere(connection, CLIENT_TIMEOUT);
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

// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/h2_state.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/*
 * h2: one HTTP/2 connection, from its preface to its close.  Reading is in h2_frames.c and
 * h2_read.c, writing in h2_write.c, what bounds it in h2_bounds.c.
 *
 *   serving ──────────────▶ leaving ─────▶ last said ───▶ lingering ──▶ closed
 *     '  drain, many requests  '  PING ack    '  no stream     '  end, 2 s
 *     '────────────── protocol error, flood: GOAWAY ──────────▶'
 *
 * A connection leaves in two steps (RFC 9113 6.8): first a GOAWAY that forbids nothing, and a PING;
 * when that is back, the client has read the first, and the second says which stream was the last.
 */
enum {
    LINGER_MAX_BYTES = 1 << 20,
    ANY_TABLE_BYTES = 1 << 24, /* of HPACK, where a drill wants no bound */
    READS_PER_TURN = 4,        /* of what TLS has decrypted already */
    /* Unsent bytes in the kernel come before whatever becomes urgent: few, so that priorities hold.
     */
    UNSENT_MAX_BYTES = 128 << 10,
};

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

int h2_preface(struct text input)
{
    size_t size = input.size < H2_PREFACE_BYTES ? input.size : H2_PREFACE_BYTES;
    if (size == 0 || memcmp(input.data, preface, size) != 0)
        return size == 0 ? 0 : -1;
    return size == H2_PREFACE_BYTES;
}

/* --- what connections share --- */

static nghttp2_option *make_option(const struct server_limits *limits)
{
    nghttp2_option *option;
    int error = nghttp2_option_new(&option);
    assert(!error);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE);
    /* our own counts end a connection before this one does */
    nghttp2_option_set_max_outbound_ack(
        option, guard_is_on(GUARD_H2_PINGS) && guard_is_on(GUARD_H2_SETTINGS)
                    ? limits->h2_max_pings + limits->h2_max_settings + 2
                    : SIZE_MAX);
    nghttp2_option_set_max_continuations(
        option, guard_is_on(GUARD_H2_CONTINUATIONS) ? limits->h2_max_continuations : SIZE_MAX);
    /* h2_max_resets counts them, with those that the client makes us send */
    nghttp2_option_set_stream_reset_rate_limit(option, UINT64_MAX, UINT64_MAX);
    return option;
}

static struct h2_shared *shared_of(struct server *server)
{
    if (server->h2)
        return server->h2;
    struct h2_shared *shared = MEM_NEW(struct h2_shared);
    int error = nghttp2_session_callbacks_new(&shared->callbacks);
    assert(!error);
    h2_read_callbacks(shared->callbacks);
    h2_write_callbacks(shared->callbacks);
    shared->option = make_option(&server->config.limits);
    server->h2 = shared;
    return shared;
}

void h2_shared_free(struct h2_shared **shared)
{
    if (!*shared)
        return;
    nghttp2_session_callbacks_del((*shared)->callbacks);
    nghttp2_option_del((*shared)->option);
    mem_free_p(shared);
}

/* --- life and death --- */

static void unlink_connection(struct h2_connection *connection)
{
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        connection->server->h2_connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
}

static void connection_free(struct h2_connection *connection, int error)
{
    struct server *server = connection->server;
    loop_timer_stop(&connection->timer);
    loop_watch_remove(&connection->watch);
    stream_close(&connection->stream);
    buffer_release(&connection->out);
    unlink_connection(connection);
    connection->is_running = true; /* callbacks of handlers find nothing to run */
    while (connection->streams)
        h2_stream_free(connection->streams, error);
    nghttp2_session_del(connection->session);
    server_forgets(server, &connection->address);
    mem_free(connection);
    server_connection_gone(server);
}

/* What is unsent is thrown away: a client that does not read must not hold the kernel's memory. */
static void connection_reset(struct h2_connection *connection)
{
    struct linger now = {.l_onoff = 1};
    (void)setsockopt(connection->stream.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    counter_add(COUNTER_CONNECTIONS_TIMED_OUT, 1);
    connection_free(connection, -ETIMEDOUT);
}

void h2_abort_all(struct server *server)
{
    while (server->h2_connections)
        connection_free(server->h2_connections, -ECONNRESET);
}

/* --- ending --- */

void h2_leave(struct h2_connection *connection)
{
    static const uint8_t mark[8] = "leaving";
    if (connection->is_leaving)
        return;
    connection->is_leaving = true;
    connection->leave_at_us = h2_now_us(connection);
    if (nghttp2_submit_shutdown_notice(connection->session) ||
        nghttp2_submit_ping(connection->session, NGHTTP2_FLAG_NONE, mark))
        nghttp2_session_terminate_session(connection->session, NGHTTP2_NO_ERROR);
    h2_wants_write(connection);
}

void h2_say_last(struct h2_connection *connection)
{
    nghttp2_session *session = connection->session;
    if (!connection->is_leaving || connection->has_said_last)
        return;
    connection->has_said_last = true;
    int32_t last = nghttp2_session_get_last_proc_stream_id(session);
    if (nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0))
        nghttp2_session_terminate_session(session, NGHTTP2_NO_ERROR);
    h2_wants_write(connection);
}

void h2_calm(struct h2_connection *connection)
{
    nghttp2_session_terminate_session(connection->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

void h2_drain_all(struct server *server)
{
    for (struct h2_connection *connection = server->h2_connections; connection;
         connection = connection->next) {
        h2_leave(connection);
        for (struct h2_stream *stream = connection->streams; stream; stream = stream->next) {
            struct answer *answer = &stream->exchange->answer;
            if (stream->has_answered && answer->is_stream && answer->stream.on_close) {
                answer->stream.has_ended = true;
                h2_carrier.wake(stream->exchange);
            }
        }
    }
}

static int start_lingering(struct h2_connection *connection)
{
    connection->is_lingering = true;
    connection->is_blocked = false;
    connection->since_us = h2_now_us(connection);
    shutdown(connection->stream.fd, SHUT_WR);
    return 0;
}

/* Closing at once would destroy what the client has not read yet. */
static int linger(struct h2_connection *connection)
{
    char *scratch = connection->server->scratch;
    ssize_t got = recv(connection->stream.fd, scratch, SERVER_SCRATCH_BYTES, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    connection->lingered_bytes += got > 0 ? (uint32_t)got : 0;
    return got > 0 && connection->lingered_bytes < LINGER_MAX_BYTES ? 0 : -EPIPE;
}

/* --- a turn --- */

static void feed(struct h2_connection *connection, struct text input)
{
    h2_feed(connection, input);
    h2_handle_ready(connection);
}

/* Reads once, and on while TLS holds more that no event would announce. */
static int read_input(struct h2_connection *connection)
{
    char *scratch = connection->server->scratch;
    for (int i = 0; i < READS_PER_TURN; i++) {
        ssize_t got = stream_read(&connection->stream, scratch, SERVER_SCRATCH_BYTES);
        if (got <= 0)
            return got == -EAGAIN ? 0 : -EPIPE;
        feed(connection, text_make(scratch, (size_t)got));
        if (!stream_has_buffered(&connection->stream))
            return 0;
        int error = h2_write(connection);
        if (error)
            return error;
    }
    return -EINPROGRESS;
}

static bool is_over(const struct h2_connection *connection)
{
    return !nghttp2_session_want_read(connection->session) &&
           !nghttp2_session_want_write(connection->session);
}

/* 0, -EAGAIN (the socket is full), -EINPROGRESS (others should have a turn), or the end. */
static int turn(struct h2_connection *connection, bool can_read)
{
    if (connection->is_lingering)
        return linger(connection);
    int error = connection->is_blocked ? h2_write(connection) : 0;
    if (!error && can_read)
        error = read_input(connection);
    if (!error || error == -EINPROGRESS) {
        int written = h2_write(connection);
        error = written ? written : error;
    }
    if (!error && is_over(connection))
        return start_lingering(connection);
    return error;
}

static void run(struct h2_connection *connection, bool can_read)
{
    if (connection->is_running)
        return;
    connection->is_running = true;
    int error = turn(connection, can_read);
    connection->is_running = false;
    connection->is_blocked = error == -EAGAIN;
    if (error && error != -EAGAIN && error != -EINPROGRESS) {
        connection_free(connection, error);
        return;
    }
    bool other = connection->stream.wants_other_way;
    unsigned wanted = other ? LOOP_WRITE : LOOP_READ;
    if (error == -EAGAIN)
        wanted = other ? LOOP_READ : LOOP_WRITE;
    else if (error == -EINPROGRESS)
        wanted = LOOP_READ | LOOP_WRITE;
    loop_watch_set(&connection->watch, wanted);
    h2_set_timer(connection);
}

void h2_wants_write(struct h2_connection *connection)
{
    if (!connection->is_running)
        loop_watch_set(&connection->watch, connection->watch.wanted | LOOP_WRITE);
}

static void on_events(struct loop_watch *watch, unsigned events, uint64_t at_us UNUSED)
{
    struct h2_connection *connection = CONTAINER_OF(watch, struct h2_connection, watch);
    const struct stream *stream = &connection->stream;
    if (events & LOOP_HANGUP)
        connection_free(connection, -ECONNRESET);
    else
        run(connection,
            events & LOOP_READ || stream->wants_other_way || stream_has_buffered(stream));
}

static void on_timer(struct loop_timer *timer, uint64_t at_us UNUSED)
{
    struct h2_connection *connection = CONTAINER_OF(timer, struct h2_connection, timer);
    connection->is_running = true; /* what ends a stream is sent below, not inside */
    bool is_alive = h2_check_patience(connection);
    connection->is_running = false;
    if (is_alive)
        run(connection, false);
    else if (connection->is_lingering)
        connection_free(connection, -ETIMEDOUT);
    else
        connection_reset(connection);
}

/* --- the start --- */

static void submit_settings(struct h2_connection *connection)
{
    const struct server_limits *limits = &connection->server->config.limits;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
         guard_is_on(GUARD_H2_STREAMS) ? limits->h2_max_streams : INT32_MAX},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits->max_header_bytes},
        {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE,
         guard_is_on(GUARD_H2_HEADER_TABLE) ? limits->h2_header_table_bytes : ANY_TABLE_BYTES},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    int error = nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, settings,
                                        ARRAY_SIZE(settings));
    assert(!error);
}

static void link_connection(struct h2_connection *connection)
{
    struct server *server = connection->server;
    connection->next = server->h2_connections;
    if (server->h2_connections)
        server->h2_connections->previous = connection;
    server->h2_connections = connection;
}

static struct h2_connection *connection_new(const struct h2_arrival *arrival)
{
    struct h2_connection *connection = MEM_NEW(struct h2_connection);
    struct server *server = arrival->listener->server;
    struct h2_shared *shared = shared_of(server);
    connection->server = server;
    connection->listener = arrival->listener;
    connection->stream = arrival->stream;
    connection->address = arrival->address;
    connection->port = arrival->port;
    connection->ready_end = &connection->ready;
    connection->frames.left = H2_PREFACE_BYTES;
    connection->timer.on_timer = on_timer;
    connection->watch =
        (struct loop_watch){.on_events = on_events, .fd = arrival->stream.fd, .wanted = LOOP_READ};
    connection->since_us = connection->idle_us = connection->flood_at_us =
        loop_now_us(server->loop);
    buffer_init(&connection->out, sizeof shared->batch);
    nghttp2_mem memory = h2_memory(connection);
    int error = nghttp2_session_server_new3(&connection->session, shared->callbacks, connection,
                                            shared->option, &memory);
    assert(!error);
    link_connection(connection);
    return connection;
}

void h2_start(const struct h2_arrival *arrival)
{
    struct h2_connection *connection = connection_new(arrival);
    int unsent = UNSENT_MAX_BYTES; /* fails on UNIX sockets, where it is not needed */
    (void)setsockopt(arrival->stream.fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    counter_add(COUNTER_H2_CONNECTIONS, 1);
    submit_settings(connection);
    if (loop_watch_add(connection->server->loop, &connection->watch)) {
        connection_free(connection, -ECONNRESET);
        return;
    }
    connection->is_running = true;
    feed(connection, arrival->input);
    connection->is_running = false;
    run(connection, true);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/h2_state.h"
#include "io/random.h"

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
    READS_PER_TURN = 4, /* of what TLS has decrypted already */
    /* Unsent bytes in the kernel come before whatever becomes urgent: few, so that priorities hold.
     */
    UNSENT_MAX_BYTES = 128 << 10,
    UNGUARDED_BLOCK_BYTES = 1 << 20,
};

const char h2_preface_bytes[H2_PREFACE_BYTES + 1] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

int h2_preface(struct text input)
{
    size_t size = input.size < H2_PREFACE_BYTES ? input.size : H2_PREFACE_BYTES;
    if (size == 0 || memcmp(input.data, h2_preface_bytes, size) != 0)
        return size == 0 ? 0 : -1;
    return size == H2_PREFACE_BYTES;
}

/* --- what connections share --- */

/* No field is coded in more than four times its bytes, so a longer block is no header of ours. */
static size_t block_most(const struct server_limits *limits)
{
    size_t most = 4 * (size_t)limits->max_header_bytes;
    if (!guard_is_on(GUARD_H2_HEADER_LIST) || !guard_is_on(GUARD_H2_CONTINUATIONS))
        most = UNGUARDED_BLOCK_BYTES;
    return most < H2_PAYLOAD_BYTES ? H2_PAYLOAD_BYTES : most;
}

static struct h2_shared *shared_of(struct server *server)
{
    const struct server_limits *limits = &server->config.limits;
    if (server->h2)
        return server->h2;
    struct h2_shared *shared = MEM_NEW(struct h2_shared);
    shared->block_most = block_most(limits);
    shared->scratch = mem_alloc(hpack_scratch_bytes(shared->block_most, h2_table_bytes(limits)));
    shared->memo = huffman_memo_new((struct hash_key){random_u64(), random_u64()});
    server->h2 = shared;
    return shared;
}

void h2_shared_free(struct h2_shared **shared)
{
    if (!*shared)
        return;
    mem_free((*shared)->scratch);
    huffman_memo_free(&(*shared)->memo);
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
    buffer_release(&connection->control);
    buffer_release(&connection->frames.partial);
    buffer_release(&connection->block.bytes);
    unlink_connection(connection);
    server->h2->batch_size = 0;
    connection->is_running = true; /* callbacks of handlers find nothing to run */
    while (connection->streams)
        h2_stream_free(connection->streams, error);
    hpack_reader_release(&connection->reader);
    hpack_writer_release(&connection->writer);
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
    h2_say_goaway(connection, INT32_MAX, H2_NO_ERROR);
    h2_say(connection, H2_PING, H2_FLAG_NONE, 0, mark, sizeof mark);
    h2_wants_write(connection);
}

void h2_say_last(struct h2_connection *connection)
{
    if (!connection->is_leaving || connection->has_said_last)
        return;
    connection->has_said_last = true;
    connection->last_id = connection->past.last_id;
    h2_say_goaway(connection, connection->last_id, H2_NO_ERROR);
    h2_wants_write(connection);
}

void h2_calm(struct h2_connection *connection) { h2_terminate(connection, H2_ENHANCE_YOUR_CALM); }

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
    return connection->is_broken || (connection->has_said_last && connection->stream_count == 0);
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
    connection->timer.on_timer = on_timer;
    connection->watch =
        (struct loop_watch){.on_events = on_events, .fd = arrival->stream.fd, .wanted = LOOP_READ};
    connection->since_us = connection->idle_us = connection->flood_at_us =
        loop_now_us(server->loop);
    buffer_init(&connection->out, sizeof shared->batch);
    buffer_init(&connection->control, H2_CONTROL_BYTES);
    buffer_init(&connection->frames.partial, H2_FRAME_BYTES);
    buffer_init(&connection->block.bytes, shared->block_most);
    hpack_reader_init(&connection->reader);
    connection->reader.memo = shared->memo;
    hpack_writer_init(&connection->writer);
    connection->send_window = connection->first_window = H2_WINDOW_BYTES;
    link_connection(connection);
    return connection;
}

void h2_start(const struct h2_arrival *arrival)
{
    struct h2_connection *connection = connection_new(arrival);
    int unsent = UNSENT_MAX_BYTES; /* fails on UNIX sockets, where it is not needed */
    (void)setsockopt(arrival->stream.fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    counter_add(COUNTER_H2_CONNECTIONS, 1);
    h2_say_settings(connection);
    if (loop_watch_add(connection->server->loop, &connection->watch)) {
        connection_free(connection, -ECONNRESET);
        return;
    }
    connection->is_running = true;
    feed(connection, arrival->input);
    connection->is_running = false;
    run(connection, true);
}

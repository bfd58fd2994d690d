// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "io/client_state.h"
#include "io/h2_client.h"

#include <errno.h>

/*
 * client_streams: calls on a connection that speaks HTTP/2: the socket and the clock of h2_client.
 *
 * A call's times are its own: first_byte_ms to its header, idle_ms within its body, and neither
 * while it is paused.  One that is too late is dropped alone, unless the whole connection has been
 * silent since it was asked: then that is over.  A connection whose calls gave up in silence is
 * doubted, and gets no new ones until a byte comes.
 */
enum {
    REPEATS_MAX = 3,   /* of a call that a server says it has not looked at */
    READS_AT_ONCE = 4, /* then others have their turn */
};

static uint64_t now_us(const struct client_connection *connection)
{
    return loop_now_us(connection->client->loop);
}

static void wait_for(struct client_call *call, uint32_t ms)
{
    call->due_us = now_us(call->connection) + ms * UINT64_C(1000);
}

/* --- what a stream tells --- */

static void on_interim(struct h2_client_stream *stream UNUSED, const struct http_response *response,
                       void *owner)
{
    struct client_call *call = owner;
    if (call->handler->on_interim)
        call->handler->on_interim(call, response, call->context);
}

static void on_header(struct h2_client_stream *stream UNUSED, const struct http_response *response,
                      void *owner)
{
    struct client_call *call = owner;
    call->connection->is_reused = true;
    wait_for(call, client_limits_of(call->connection)->idle_ms);
    if (call->handler->on_header)
        call->handler->on_header(call, response, call->context);
}

static void on_body(struct h2_client_stream *stream UNUSED, struct text piece, void *owner)
{
    struct client_call *call = owner;
    call->connection->client->counts.body_bytes += piece.size;
    wait_for(call, client_limits_of(call->connection)->idle_ms);
    if (call->handler->on_body)
        call->handler->on_body(call, piece, call->context);
}

static void on_trailers(struct h2_client_stream *stream UNUSED, const struct http_field *trailers,
                        size_t count, void *owner)
{
    struct client_call *call = owner;
    if (call->handler->on_trailers)
        call->handler->on_trailers(call, trailers, count, call->context);
}

/*
 * Refused ones are, a few times; a server that answered some and then said farewell costs none of
 * these.  Else as with a kept HTTP/1 connection that ends without a byte of answer.
 */
static bool repeats(struct client_call *call, enum h2_client_end end, bool has_header)
{
    const struct client_connection *connection = call->connection;
    if (end == H2_CLIENT_REFUSED)
        return (h2_client_is_leaving(connection->h2) && connection->is_reused) ||
               call->repeats++ < REPEATS_MAX;
    return end == H2_CLIENT_RESET && !has_header && connection->is_failed &&
           connection->is_reused && call->may_repeat && call->repeats++ == 0;
}

static enum client_outcome outcome_of(const struct client_call *call, enum h2_client_end end,
                                      bool has_header)
{
    if (end == H2_CLIENT_WHOLE)
        return CLIENT_DONE;
    if (end == H2_CLIENT_MALFORMED)
        return CLIENT_MALFORMED;
    if (call->connection->is_failed && call->connection->why == CLIENT_TIMEOUT)
        return CLIENT_TIMEOUT;
    return has_header ? CLIENT_TRUNCATED : CLIENT_RESET;
}

static void on_end(struct h2_client_stream *stream, enum h2_client_end end, void *owner)
{
    struct client_call *call = owner;
    struct client_pool *pool = call->pool;
    bool has_header = h2_client_has_header(stream), is_again = repeats(call, end, has_header);
    enum client_outcome outcome = outcome_of(call, end, has_header);
    call->stream = NULL;
    call->connection = NULL;
    if (is_again)
        client_call_wait_again(call);
    client_pool_pump(pool);
    if (!is_again)
        client_call_end(call, outcome);
}

static const struct h2_client_events events_of_streams = {on_interim, on_header, on_body,
                                                          on_trailers, on_end};

/* --- calls --- */

/* The request as it was written once, for HTTP/1; its texts lie in the call's wire. */
static void read_wire(const struct client_call *call, struct http_field *fields,
                      struct h2_client_request *ret)
{
    struct text rest = text_make(call->wire, call->head_size), line;
    size_t count = 0;
    (void)text_split(&rest, '\r', &line);
    size_t space = text_find_byte(line, ' ');
    struct text target = text_from(line, space + 1);
    ret->method = (enum http_method)call->method;
    ret->method_name = text_make(line.data, space);
    ret->target = text_make(target.data, text_find_byte(target, ' '));
    while (text_split(&rest, '\r', &line) && line.size > 1) {
        struct text field = text_from(line, 1); /* its LF */
        size_t colon = text_find_byte(field, ':');
        fields[count++] =
            (struct http_field){text_make(field.data, colon), text_from(field, colon + 2)};
    }
    ret->authority = fields[0].value; /* Host is the first that we write */
    ret->fields = fields;
    ret->field_count = count;
    ret->body = text_make(call->wire + call->head_size, call->wire_size - call->head_size);
}

static size_t line_count(const struct client_call *call)
{
    size_t count = 0;
    for (size_t i = 0; i < call->head_size; i++)
        count += call->wire[i] == '\n';
    return count;
}

void client_streams_ask(struct client_connection *connection, struct client_call *call)
{
    struct h2_client_request request = {.scheme = TEXT("https")};
    struct http_field *fields = mem_alloc(line_count(call) * sizeof *fields);
    read_wire(call, fields, &request);
    call->connection = connection;
    call->asked_us = now_us(connection);
    wait_for(call, client_limits_of(connection)->first_byte_ms);
    call->stream = h2_client_open(connection->h2, &request, call);
    mem_free(fields);
    if (call->is_paused)
        h2_client_pause(call->stream);
    if (!connection->is_busy)
        client_streams_flush(connection);
}

bool client_streams_have_room(const struct client_connection *connection)
{
    return connection->step == CLIENT_STREAMS && !connection->is_failed &&
           !connection->is_doubted && h2_client_has_room(connection->h2);
}

void client_streams_drop(struct client_call *call)
{
    struct client_connection *connection = call->connection;
    connection->is_doubted |= connection->heard_us <= call->asked_us;
    h2_client_drop(call->stream);
    call->stream = NULL;
    call->connection = NULL;
    if (!connection->is_busy)
        client_streams_flush(connection);
}

void client_streams_pause(struct client_call *call) { h2_client_pause(call->stream); }

void client_streams_resume(struct client_call *call)
{
    struct client_connection *connection = call->connection;
    h2_client_resume(call->stream);
    wait_for(call, client_limits_of(connection)->idle_ms);
    connection->has_resumed = true; /* told by the timer: no callback comes from here */
    if (!connection->is_failed)
        client_connection_arm(connection, 1);
}

/* --- the connection --- */

void client_streams_start(struct client_connection *connection)
{
    const struct client_limits *limits = client_limits_of(connection);
    struct client_call *call = connection->call;
    connection->h2 =
        h2_client_new(&(struct h2_client_config){.events = &events_of_streams,
                                                 .arena = connection->client->arena,
                                                 .max_streams = limits->max_streams,
                                                 .max_header_bytes = limits->max_header_bytes,
                                                 .max_fields = limits->max_fields});
    connection->step = CLIENT_STREAMS;
    connection->call = NULL;
    connection->heard_us = now_us(connection);
    connection->pool->origin->shares_connecting = true;
    client_connection_want(connection, LOOP_READ);
    if (call)
        client_streams_ask(connection, call);
    client_pool_pump(connection->pool);
}

void client_streams_lose(struct client_connection *connection, enum client_outcome why)
{
    connection->is_failed = true;
    connection->why = (uint8_t)why;
    h2_client_lose(connection->h2, why == CLIENT_MALFORMED ? H2_CLIENT_MALFORMED : H2_CLIENT_RESET);
    if (connection->step == CLIENT_GONE)
        return;
    struct client_pool *pool = connection->pool;
    client_connection_close(connection);
    client_pool_pump(pool);
}

/* When something must be looked at: the first call that is late, or nobody came for keep_ms. */
static uint64_t next_due_us(const struct client_connection *connection)
{
    uint64_t due_us = UINT64_MAX;
    struct h2_client_stream *stream = h2_client_first(connection->h2);
    if (!stream)
        return connection->due_us;
    for (; stream; stream = h2_client_next(stream)) {
        const struct client_call *call = h2_client_owner(stream);
        if (!call->is_paused && call->due_us < due_us)
            due_us = call->due_us;
    }
    return due_us;
}

static void set_timer(struct client_connection *connection)
{
    if (h2_client_stream_count(connection->h2) > 0)
        connection->due_us =
            now_us(connection) + client_limits_of(connection)->keep_ms * UINT64_C(1000);
    uint64_t due_us = connection->has_resumed ? 1 : next_due_us(connection);
    if (due_us != UINT64_MAX && (!connection->armed_us || connection->armed_us > due_us))
        client_connection_arm(connection, due_us);
}

/* 0 all is out or must wait; else -errno. */
static int send_all(struct client_connection *connection)
{
    struct text out;
    while ((out = h2_client_output(connection->h2)).size > 0) {
        struct iovec run = {(void *)(uintptr_t)out.data, out.size};
        ssize_t put = stream_write(&connection->stream, &run, 1, false);
        if (put == -EAGAIN) {
            client_connection_want(connection, LOOP_READ | LOOP_WRITE);
            return 0;
        }
        if (put < 0)
            return (int)put;
        h2_client_sent(connection->h2, (size_t)put);
        for (struct h2_client_stream *at = h2_client_first(connection->h2); at;
             at = h2_client_next(at))
            if (!h2_client_is_sent(at)) /* a long request takes its time */
                wait_for(h2_client_owner(at), client_limits_of(connection)->first_byte_ms);
    }
    client_connection_want(connection, LOOP_READ);
    return 0;
}

void client_streams_flush(struct client_connection *connection)
{
    if (connection->is_failed)
        return;
    int error = send_all(connection);
    bool is_over =
        h2_client_is_leaving(connection->h2) && h2_client_stream_count(connection->h2) == 0;
    if (error < 0 || is_over || h2_client_is_broken(connection->h2))
        client_connection_fail_soon(
            connection, h2_client_is_broken(connection->h2) ? CLIENT_MALFORMED : CLIENT_RESET);
    else
        set_timer(connection);
}

void client_streams_on_events(struct client_connection *connection, unsigned events UNUSED)
{
    char *scratch = connection->client->scratch;
    for (int i = 0; i < READS_AT_ONCE; i++) {
        ssize_t got = stream_read(&connection->stream, scratch, CLIENT_SCRATCH_BYTES);
        if (got == -EAGAIN)
            return;
        if (got <= 0) {
            connection->client->counts.hangups += !h2_client_first(connection->h2);
            client_streams_lose(connection, CLIENT_RESET);
            return;
        }
        connection->heard_us = now_us(connection);
        connection->is_doubted = false;
        h2_client_feed(connection->h2, text_make(scratch, (size_t)got));
        if (connection->step == CLIENT_GONE || h2_client_is_broken(connection->h2))
            return; /* what is broken ends when its farewell is out */
    }
    if (stream_has_buffered(&connection->stream))
        client_connection_arm(connection, 1); /* no event announces it */
}

/* --- time --- */

static struct client_call *first_late(const struct client_connection *connection, uint64_t at_us)
{
    for (struct h2_client_stream *stream = h2_client_first(connection->h2); stream;
         stream = h2_client_next(stream)) {
        struct client_call *call = h2_client_owner(stream);
        if (!call->is_paused && call->due_us <= at_us)
            return call;
    }
    return NULL;
}

void client_streams_on_time(struct client_connection *connection, uint64_t at_us)
{
    struct client_call *call;
    connection->has_resumed = false;
    h2_client_deliver(connection->h2);
    if (connection->step != CLIENT_GONE && stream_has_buffered(&connection->stream))
        client_streams_on_events(connection, LOOP_READ);
    while (connection->step != CLIENT_GONE && (call = first_late(connection, at_us)) != NULL) {
        if (connection->heard_us <= call->asked_us) {
            client_streams_lose(connection, CLIENT_TIMEOUT);
            return;
        }
        client_streams_drop(call);
        client_pool_pump(connection->pool);
        client_call_end(call, CLIENT_TIMEOUT);
    }
    if (connection->step != CLIENT_GONE && !h2_client_first(connection->h2) &&
        connection->due_us <= at_us)
        client_streams_lose(connection, CLIENT_RESET);
}

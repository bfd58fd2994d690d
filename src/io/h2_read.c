// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "io/dispatch.h"
#include "io/h2_state.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/*
 * h2_read: header blocks and DATA become requests.
 *
 * A stream is made with its first HEADERS, its exchange with it.  When its header is whole the door
 * and the routes are asked at once, because DATA may follow in the same read; a request that is
 * whole waits in the ready queue until all that was read is looked at, and then its handler is
 * called: what is reset in the same breath costs next to nothing.
 *
 * Every block is decoded, also one that nobody wants: HPACK's table is the connection's.
 */
static const struct http_limits no_limits = {SIZE_MAX / 2, SIZE_MAX / 2, SIZE_MAX / 2};

static struct http_limits header_limits(const struct h2_connection *connection)
{
    if (!guard_is_on(GUARD_H2_HEADER_LIST))
        return no_limits;
    return server_header_limits(connection->server);
}

/* --- ready --- */

static void be_ready(struct h2_stream *stream)
{
    struct h2_connection *connection = stream->connection;
    stream->is_ready = true;
    *connection->ready_end = stream;
    connection->ready_end = &stream->next_ready;
}

void h2_refuse(struct h2_stream *stream, unsigned status, const char *why)
{
    server_count_refusal(status);
    stream->route = NULL;
    stream->exchange->step = EXCHANGE_HANDLING;
    buffer_release(&stream->exchange->body); /* nobody will read it */
    exchange_send_problem(stream->exchange, status, http_reason(status), why);
}

static void refuse_memory(struct h2_stream *stream)
{
    counter_add(COUNTER_H2_HELD, 1);
    h2_refuse(stream, 503, "This connection already holds as much as one may.");
}

/* Asked again for each: what came in one read was let in before any of it was answered. */
static void handle(struct h2_stream *stream)
{
    if (h2_holds_too_much(stream->connection))
        refuse_memory(stream);
    else
        dispatch_body(stream->exchange, stream->route);
}

void h2_handle_ready(struct h2_connection *connection)
{
    connection->is_gathering = true;
    while (connection->ready) {
        struct h2_stream *stream = connection->ready;
        connection->ready = stream->next_ready;
        if (!connection->ready)
            connection->ready_end = &connection->ready;
        stream->is_ready = false;
        if (stream->is_closed || connection->is_broken)
            h2_stream_free(stream, -ECONNRESET);
        else
            handle(stream);
    }
    connection->is_gathering = false;
}

/* --- the request --- */

/* The connection's own address is shown once, at its first request. */
static void fill_peer(struct h2_connection *connection, struct exchange *exchange)
{
    const struct server *server = connection->server;
    if (connection->request_count++ == 0) {
        exchange_show_peer(&connection->peer, &connection->address);
        connection->peer.port = connection->port;
        exchange_show_proof(&connection->peer, &connection->stream, connection->listener->tls);
        connection->is_trusted = server_trusts(server, &connection->address);
    }
    exchange->peer = connection->peer;
    exchange_meet(exchange, connection->is_trusted, connection->listener->tls);
}

static void start_body(struct h2_stream *stream)
{
    struct exchange *exchange = stream->exchange;
    struct text expect = http_request_field(&exchange->request, TEXT("expect"));
    stream->since_us = h2_now_us(stream->connection);
    buffer_init(&exchange->body, stream->route->max_body_bytes);
    if (expect.size > 0)
        h2_carrier.informational(exchange, 100, NULL, 0);
}

/* What PRIORITY_UPDATE has said before counts more (RFC 9218 7). */
static void take_priority_field(struct h2_stream *stream)
{
    struct text field = http_request_field(&stream->exchange->request, TEXT("priority"));
    if (!stream->priority.has_urgency && field.size > 0)
        (void)http_priority_parse(field, &stream->priority);
}

static uint32_t max_requests(const struct h2_connection *connection)
{
    return guard_is_on(GUARD_CONNECTION_REQUESTS)
               ? connection->server->config.limits.max_requests_per_connection
               : UINT32_MAX;
}

/* The header is whole, and what follows it is known to be none or a body. */
static void take_request(struct h2_stream *stream, bool ends_here)
{
    struct h2_connection *connection = stream->connection;
    struct exchange *exchange = stream->exchange;
    const struct http_limits limits = header_limits(connection);
    struct http_refusal why;
    enum http_header_verdict verdict =
        http_header_list_finish(&stream->header, &limits, ends_here, &exchange->request, &why);
    stream->has_header = true;
    stream->has_ended = ends_here;
    stream->body_left = exchange->request.content_length;
    fill_peer(connection, exchange);
    if (connection->request_count >= max_requests(connection)) {
        counter_add(COUNTER_CONNECTIONS_WORN_OUT,
                    connection->request_count == max_requests(connection));
        h2_leave(connection);
    }
    if (verdict == HTTP_HEADER_MALFORMED) {
        counter_add(COUNTER_REQUESTS_BAD, 1);
        h2_reset(stream, H2_PROTOCOL_ERROR);
        return;
    }
    if (handover_is_quiet(connection->server)) { /* nothing was done: the client asks again */
        h2_reset(stream, H2_REFUSED_STREAM);
        return;
    }
    take_priority_field(stream);
    if (verdict == HTTP_HEADER_REFUSED) {
        counter_add(COUNTER_H2_HEADER_LISTS, why.status == 431);
        h2_refuse(stream, why.status, why.why);
    } else if (h2_holds_too_much(connection)) {
        refuse_memory(stream);
    } else {
        stream->route = dispatch_header(exchange);
        if (stream->route && ends_here)
            be_ready(stream);
        else if (stream->route)
            start_body(stream);
    }
}

void h2_end_request(struct h2_stream *stream)
{
    if (stream->has_ended)
        return;
    stream->has_ended = true;
    if (stream->route)
        be_ready(stream);
}

void h2_take_data(struct h2_stream *stream, struct text data)
{
    if (!stream->route)
        return; /* answered already */
    struct buffer *body = &stream->exchange->body;
    buffer_text(body, data);
    h2_hold(stream, body->size);
    if (body->overflowed)
        h2_refuse(stream, 413, "The body is larger than this path takes.");
    else if (h2_holds_too_much(stream->connection))
        refuse_memory(stream);
}

/* --- fields --- */

/* Read and forgotten: nothing here has a use for trailers, but they must not cost more than a
 * header. */
static void take_trailer(struct h2_stream *stream, const struct hpack_field *field,
                         const struct http_limits *limits)
{
    stream->is_malformed |= !http_header_field_is_fine(field->name, field->value);
    stream->trailer_bytes += field->name.size + field->value.size + 32;
    if (stream->trailer_bytes <= limits->max_header_bytes)
        return;
    counter_add(COUNTER_H2_HEADER_LISTS, 1);
    h2_calm(stream->connection);
}

static void take_field(struct h2_stream *stream, const struct hpack_field *field,
                       const struct http_limits *limits)
{
    if (stream->has_header) {
        take_trailer(stream, field, limits);
        return;
    }
    http_header_list_add(&stream->header, field->name, field->static_name > 0, field->value,
                         limits);
    if (stream->header.size_bytes / 4 > limits->max_header_bytes)
        h2_calm(stream->connection); /* a little too long is told so; this one is a bomb */
}

static void end_trailers(struct h2_stream *stream, bool ends_stream)
{
    bool is_short = stream->body_left != UINT64_MAX && stream->body_left > 0;
    if (stream->has_ended)
        h2_reset(stream, H2_STREAM_CLOSED);
    else if (!ends_stream || stream->is_malformed || is_short)
        h2_reset(stream, H2_PROTOCOL_ERROR);
    else
        h2_end_request(stream);
}

static void decode(struct h2_connection *connection, int32_t id, bool ends_stream,
                   struct text block)
{
    const struct http_limits limits = header_limits(connection);
    struct h2_stream *stream = h2_stream_find(connection, id);
    struct hpack_field field;
    int more;
    hpack_reader_start(&connection->reader);
    while ((more = hpack_next(&connection->reader, &block, connection->server->h2->scratch,
                              &field)) > 0 &&
           !connection->is_broken)
        if (stream)
            take_field(stream, &field, &limits);
    if (more < 0)
        h2_terminate(connection, H2_COMPRESSION_ERROR);
    else if (stream && stream->has_header)
        end_trailers(stream, ends_stream);
    else if (stream && !connection->is_broken)
        take_request(stream, ends_stream);
}

/* --- blocks --- */

static void refuse_stream(struct h2_connection *connection, int32_t id, uint32_t error)
{
    h2_past_open(&connection->past, id);
    h2_say_reset(connection, id, error);
}

/* HEADERS of a stream that is not there: it begins, is refused, or was there once. */
static void open_stream(struct h2_connection *connection, int32_t id)
{
    const struct server_limits *limits = &connection->server->config.limits;
    if (id % 2 == 0) {
        h2_terminate(connection, H2_PROTOCOL_ERROR);
    } else if (id <= connection->past.last_id) {
        uint32_t error = h2_past_judge(&connection->past, id);
        if (error != H2_NO_ERROR)
            h2_terminate(connection, error);
    } else if (h2_is_excluded(connection, id)) {
        return;
    } else if (guard_is_on(GUARD_H2_STREAMS) &&
               connection->stream_count >= limits->h2_max_streams) {
        refuse_stream(connection, id, H2_REFUSED_STREAM);
    } else {
        h2_past_open(&connection->past, id);
        if (!h2_stream_new(connection, id))
            h2_say_reset(connection, id, H2_INTERNAL_ERROR);
    }
}

static void gather(struct h2_connection *connection, struct text part)
{
    struct buffer *bytes = &connection->block.bytes;
    buffer_text(bytes, part);
    if (!bytes->overflowed)
        return;
    counter_add(COUNTER_H2_HEADER_LISTS, 1);
    h2_calm(connection);
}

void h2_take_headers(struct h2_connection *connection, const struct h2_frame *frame)
{
    bool ends_stream = frame->flags & H2_FLAG_END_STREAM;
    int32_t parent;
    struct text block;
    if (frame->size == 0 && !ends_stream)
        h2_count_frame(connection, H2_FLOOD_EMPTY_FRAMES);
    if (frame->id == 0 || !h2_strip(frame, &block, &parent)) {
        h2_terminate(connection, H2_PROTOCOL_ERROR);
        return;
    }
    if (frame->id > connection->past.last_id || !h2_stream_find(connection, frame->id))
        open_stream(connection, frame->id);
    if (parent == frame->id) /* RFC 7540 5.3.1 */
        h2_terminate(connection, H2_PROTOCOL_ERROR);
    if (connection->is_broken)
        return;
    if (frame->flags & H2_FLAG_END_HEADERS) {
        decode(connection, frame->id, ends_stream, block);
        return;
    }
    connection->block.id = frame->id;
    connection->block.ends_stream = ends_stream;
    connection->block.continuations = 0;
    gather(connection, block);
}

void h2_take_continuation(struct h2_connection *connection, const struct h2_frame *frame)
{
    struct h2_block *block = &connection->block;
    uint32_t most = connection->server->config.limits.h2_max_continuations;
    if (frame->size == 0)
        h2_count_frame(connection, H2_FLOOD_EMPTY_FRAMES);
    if (++block->continuations > most && guard_is_on(GUARD_H2_CONTINUATIONS)) {
        counter_add(COUNTER_H2_CONTINUATIONS, 1);
        h2_calm(connection);
        return;
    }
    gather(connection, frame->payload);
    if (!(frame->flags & H2_FLAG_END_HEADERS) || connection->is_broken)
        return;
    block->id = 0;
    struct buffer whole = block->bytes;
    block->bytes = (struct buffer){.ceiling = whole.ceiling};
    decode(connection, frame->id, block->ends_stream, buffer_view(&whole));
    buffer_release(&whole);
}

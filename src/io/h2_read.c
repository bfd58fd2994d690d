// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "io/dispatch.h"
#include "io/forwarded.h"
#include "io/h2_state.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/*
 * h2_read: frames become requests.
 *
 * A stream is made with the first HEADERS, its exchange with it.  When its header is whole the door
 * and the routes are asked at once, because DATA may follow in the same read; a request that is
 * whole waits in the ready queue until nghttp2 has read all there was, and then its handler is
 * called.
 */
static const struct http_limits no_limits = {SIZE_MAX / 2, SIZE_MAX / 2, SIZE_MAX / 2};

static struct h2_stream *stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static struct http_limits header_limits(const struct h2_connection *connection)
{
    if (!guard_is_on(GUARD_H2_HEADER_LIST))
        return no_limits;
    return server_header_limits(connection->server);
}

/* --- streams --- */

static struct h2_stream *stream_new(struct h2_connection *connection, int32_t id)
{
    struct exchange *exchange = exchange_take(connection->server, &h2_carrier, NULL);
    struct h2_stream *stream = arena_zalloc(exchange->arena, sizeof *stream);
    if (!stream) { /* arena_bytes is set to next to nothing */
        exchange_release(exchange, -ENOMEM);
        return NULL;
    }
    exchange->carrier_context = stream;
    stream->connection = connection;
    stream->exchange = exchange;
    stream->id = id;
    stream->since_us = h2_now_us(connection);
    http_header_list_init(&stream->header, exchange->arena);
    stream->next = connection->streams;
    if (connection->streams)
        connection->streams->previous = stream;
    connection->streams = stream;
    connection->stream_count++;
    counter_add(COUNTER_H2_STREAMS, 1);
    return stream;
}

void h2_stream_free(struct h2_stream *stream, int error)
{
    struct h2_connection *connection = stream->connection;
    if (stream->previous)
        stream->previous->next = stream->next;
    else
        connection->streams = stream->next;
    if (stream->next)
        stream->next->previous = stream->previous;
    connection->held_bytes -= stream->held_bytes;
    if (--connection->stream_count == 0)
        connection->idle_us = h2_now_us(connection);
    exchange_release(stream->exchange, error);
}

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
    while (connection->ready) {
        struct h2_stream *stream = connection->ready;
        connection->ready = stream->next_ready;
        if (!connection->ready)
            connection->ready_end = &connection->ready;
        stream->is_ready = false;
        if (stream->is_closed)
            h2_stream_free(stream, -ECONNRESET);
        else
            handle(stream);
    }
}

/* --- the header --- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct h2_connection *connection = context;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0; /* trailers */
    struct h2_stream *stream = stream_new(connection, frame->hd.stream_id);
    if (!stream || nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream) != 0)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return 0;
}

/* Read and forgotten: nothing here has a use for trailers, but they must not cost more than a
 * header. */
static int take_trailer(struct h2_stream *stream, size_t size, const struct http_limits *limits)
{
    stream->trailer_bytes += size;
    if (stream->trailer_bytes <= limits->max_header_bytes)
        return 0;
    counter_add(COUNTER_H2_HEADER_LISTS, 1);
    h2_calm(stream->connection);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags UNUSED, void *context)
{
    struct h2_connection *connection = context;
    struct h2_stream *stream = stream_of(session, frame->hd.stream_id);
    const struct http_limits limits = header_limits(connection);
    nghttp2_vec n = nghttp2_rcbuf_get_buf(name), v = nghttp2_rcbuf_get_buf(value);
    if (!stream)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (stream->has_header)
        return take_trailer(stream, n.len + v.len + 32, &limits);
    http_header_list_add(&stream->header, text_make((const char *)n.base, n.len),
                         nghttp2_rcbuf_is_static(name) != 0, text_make((const char *)v.base, v.len),
                         &limits);
    if (stream->header.size_bytes / 4 > limits.max_header_bytes)
        h2_calm(connection); /* one that is a little too long is told so; this one is a bomb */
    return 0;
}

/* A bad byte in a field makes the request malformed (RFC 9113 8.2.1); nghttp2 would drop the field.
 */
static int on_invalid_header(nghttp2_session *session UNUSED, const nghttp2_frame *frame UNUSED,
                             nghttp2_rcbuf *name UNUSED, nghttp2_rcbuf *value UNUSED,
                             uint8_t flags UNUSED, void *context UNUSED)
{
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void show_peer(struct exchange_peer *peer, const struct address *address)
{
    struct address_text shown;
    struct text digits = address_show(address, &shown);
    memcpy(peer->address, digits.data, digits.size + 1);
    peer->is_private = address_is_private(address);
}

/* The connection's own address is shown once, at its first request. */
static void fill_peer(struct h2_connection *connection, struct exchange *exchange)
{
    const struct server *server = connection->server;
    struct exchange_peer *peer = &exchange->peer;
    if (connection->request_count++ == 0) {
        show_peer(&connection->peer, &connection->address);
        connection->peer.port = connection->port;
        connection->peer.is_secure = connection->stream.ssl != NULL;
        connection->is_trusted = server_trusts(server, &connection->address);
    }
    *peer = connection->peer;
    if (connection->is_trusted) {
        struct forwarded forwarded =
            forwarded_read(&exchange->request, server->trusted, server->config.trusted_proxy_count);
        peer->is_secure |= forwarded.is_secure;
        if (forwarded.has_address) {
            show_peer(peer, &forwarded.address);
            peer->port = 0;
        }
    }
    exchange->is_public_plain = !peer->is_secure && !peer->is_private;
    exchange->needs_tls = connection->listener->tls && exchange->is_public_plain;
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
    fill_peer(connection, exchange);
    if (verdict == HTTP_HEADER_MALFORMED) {
        counter_add(COUNTER_REQUESTS_BAD, 1);
        nghttp2_submit_rst_stream(connection->session, NGHTTP2_FLAG_NONE, stream->id,
                                  NGHTTP2_PROTOCOL_ERROR);
    } else if (verdict == HTTP_HEADER_REFUSED) {
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
    if (connection->request_count >= max_requests(connection)) {
        counter_add(COUNTER_CONNECTIONS_WORN_OUT,
                    connection->request_count == max_requests(connection));
        h2_leave(connection);
    }
}

/* --- the body --- */

static int on_data(nghttp2_session *session, uint8_t flags UNUSED, int32_t id, const uint8_t *data,
                   size_t size, void *context)
{
    struct h2_stream *stream = stream_of(session, id);
    if (!stream || !stream->route)
        return 0; /* answered already */
    struct buffer *body = &stream->exchange->body;
    buffer_append(body, data, size);
    h2_hold(stream, body->size);
    if (body->overflowed) {
        h2_refuse(stream, 413, "The body is larger than this path takes.");
    } else if (h2_holds_too_much(context)) {
        refuse_memory(stream);
    }
    return 0;
}

/* --- frames --- */

/* What the client says of a stream that it has not opened yet must not be overridden when it is. */
static void remember_priority(struct h2_connection *connection, int32_t id)
{
    memmove(connection->early_priorities + 1, connection->early_priorities,
            (H2_EARLY_PRIORITIES - 1) * sizeof connection->early_priorities[0]);
    connection->early_priorities[0] = id;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct h2_connection *connection = context;
    bool ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    struct h2_stream *stream;
    switch (frame->hd.type) {
    case NGHTTP2_SETTINGS:
        connection->has_settings = true;
        break;
    case NGHTTP2_PING:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK)
            h2_say_last(connection);
        break;
    case NGHTTP2_PRIORITY_UPDATE:
        remember_priority(connection,
                          ((const nghttp2_ext_priority_update *)frame->ext.payload)->stream_id);
        break;
    case NGHTTP2_DATA:
        if (frame->data.padlen > 0 && frame->hd.length == frame->data.padlen && !ends)
            h2_count_frame(connection, H2_FLOOD_EMPTY_FRAMES);
        stream = stream_of(session, frame->hd.stream_id);
        if (stream && stream->route && ends)
            be_ready(stream);
        break;
    case NGHTTP2_HEADERS:
        stream = stream_of(session, frame->hd.stream_id);
        if (stream && !stream->has_header)
            take_request(stream, ends);
        else if (stream && stream->route && ends)
            be_ready(stream);
        break;
    default:
        break;
    }
    return 0;
}

/* nghttp2 resets the stream of such a frame; until the client hears of it, more may come. */
static int on_invalid_frame(nghttp2_session *session UNUSED, const nghttp2_frame *frame,
                            int error UNUSED, void *context)
{
    struct h2_connection *connection = context;
    h2_past_reset(&connection->past, frame->hd.stream_id);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error,
                           void *context UNUSED)
{
    struct h2_stream *stream = stream_of(session, id);
    if (!stream)
        return 0;
    if (stream->is_ready)
        stream->is_closed = true;
    else
        h2_stream_free(stream, error == NGHTTP2_NO_ERROR ? 0 : -ECONNRESET);
    return 0;
}

void h2_read_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "http/chunked.h"
#include "http/parser.h"
#include "io/connection_state.h"
#include "io/dispatch.h"
#include "io/h2.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/*
 * connection_read: a request on its way into an HTTP/1 connection: its header, its body, and what
 * cannot be handled.
 *
 * One read brings what there is into the server's scratch; only what is incomplete, or belongs to
 * the next request of a pipeline, is copied to `in` and kept.
 */
enum { READ_BYTES = 4096 }; /* more into `in` at a time */

/* --- bytes --- */

/*
 * Gives bytes to read from: those left in `in`, else those of one read, in the server's scratch.
 * Returns 1, or how the step ends when there are none.
 */
static int take_input(struct connection *connection, struct text *ret, enum step_result *ret_result)
{
    const struct buffer *in = &connection->progress->in;
    if (in->size > 0) {
        *ret = buffer_view(in);
        return 1;
    }
    char *scratch = connection_server(connection)->scratch;
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
    struct buffer *in = &connection->progress->in;
    if (in->size > 0)
        buffer_consume(in, in->size - left.size);
    else
        buffer_append(in, left.data, left.size);
    assert(!in->overflowed);
    if (in->size == 0)
        buffer_release(in);
}

/* One more read into `in`.  1, or 0 with how the step ends. */
static int read_more(struct connection *connection, enum step_result *ret_result)
{
    struct buffer *in = &connection->progress->in;
    size_t room_bytes = in->ceiling - in->size;
    room_bytes = room_bytes < READ_BYTES ? room_bytes : READ_BYTES;
    char *room = buffer_reserve(in, room_bytes);
    assert(room && room_bytes > 0);
    ssize_t got = stream_read(&connection->stream, room, room_bytes);
    if (got > 0)
        in->size += (size_t)got;
    else
        *ret_result = got == -EAGAIN ? STEP_WAITS : STEP_CLOSES;
    return got > 0;
}

/* --- the header --- */

static void fill_peer(const struct connection *connection, struct exchange *exchange)
{
    const struct server *server = connection_server(connection);
    exchange_show_peer(&exchange->peer, &connection->address);
    exchange->peer.port = connection->port;
    exchange_show_proof(&exchange->peer, &connection->stream, connection->listener->tls);
    exchange_meet(exchange, server_trusts(server, &connection->address), connection->listener->tls);
}

static struct exchange *take_exchange(struct connection *connection)
{
    connection->progress->wire_sent = 0;
    return exchange_take(connection_server(connection), &connection_carrier, connection);
}

bool connection_is_worn_out(const struct connection *connection)
{
    const struct server_limits *limits = &connection_server(connection)->config.limits;
    return connection->request_count >= limits->max_requests_per_connection &&
           guard_is_on(GUARD_CONNECTION_REQUESTS);
}

static bool is_last_request(const struct connection *connection)
{
    return !connection->exchange->request.keeps_alive || connection_ends_with_server(connection) ||
           connection_is_worn_out(connection);
}

void connection_refuse(struct connection *connection, unsigned status, const char *why)
{
    if (!connection->exchange) {
        connection->exchange = take_exchange(connection);
        fill_peer(connection, connection->exchange);
    }
    struct exchange *exchange = connection->exchange;
    server_count_refusal(status);
    connection->will_close = connection->has_unread = true;
    exchange->step = EXCHANGE_HANDLING;
    exchange_send_problem(exchange, status, http_reason(status), why);
}

static void start_body(struct connection *connection, const struct server_route *route)
{
    struct exchange *exchange = connection->exchange;
    struct connection_progress *progress = connection->progress;
    struct text expect = http_request_field(&exchange->request, TEXT("Expect"));
    connection->step = STEP_BODY;
    progress->route = route;
    progress->body_left = exchange->request.content_length;
    http_chunked_init(&progress->chunked);
    buffer_init(&exchange->body, route->max_body_bytes);
    progress->body_before = 0;
    connection_wait(connection, SERVER_WAIT_BODY);
    if (expect.size > 0 && progress->in.size == 0 && exchange->request.version_minor > 0)
        buffer_text(&exchange->wire, TEXT("HTTP/1.1 100 Continue\r\n\r\n"));
}

static void start_handling(struct connection *connection, const struct server_route *route)
{
    connection->has_unread = false;
    connection->will_close = is_last_request(connection);
    connection->step = STEP_HANDLING;
    deadline_stop(&connection->deadline);
    dispatch_body(connection->exchange, route);
}

static void begin_request(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    connection->request_count++;
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
    struct server *server = connection_server(connection);
    const struct http_limits limits = server_header_limits(server);
    struct exchange *exchange = take_exchange(connection);
    struct http_refusal why;
    size_t consumed = 0;
    int result = http_parser_read(&connection->progress->parser, *input, &limits, exchange->arena,
                                  &exchange->request, &consumed, &why);
    if (result == 0) {
        exchange_release(exchange, 0);
        return 0;
    }
    *input = result > 0 ? text_from(*input, consumed) : TEXT_NONE;
    keep_input(connection, *input);
    http_parser_init(&connection->progress->parser);
    connection->exchange = exchange;
    fill_peer(connection, exchange);
    if (result > 0)
        begin_request(connection);
    else
        connection_refuse(connection, why.status, why.why);
    return result;
}

/*
 * Whether a plain connection starts with HTTP/2's preface (RFC 9113 3.3): as h2_preface().  1 keeps
 * what was read in `in`.
 */
static int find_preface(struct connection *connection, struct text input)
{
    if (connection->request_count > 0 || connection->stream.ssl)
        return -1;
    int found = h2_preface(input);
    if (found > 0 && connection->progress->in.size == 0)
        keep_input(connection, input);
    return found;
}

enum step_result connection_step_header(struct connection *connection)
{
    enum step_result result = STEP_GOES_ON;
    struct text input;
    bool was_empty = connection->progress->in.size == 0;
    if (!take_input(connection, &input, &result))
        return result;
    for (;;) {
        int preface = find_preface(connection, input);
        if (preface > 0)
            return STEP_BECOMES_H2;
        if (preface < 0 && parse_header(connection, &input) != 0)
            return STEP_GOES_ON;
        if (was_empty) {
            keep_input(connection, input);
            connection_wait(connection, SERVER_WAIT_HEADER);
            was_empty = false;
        }
        if (!read_more(connection, &result))
            return result;
        input = buffer_view(&connection->progress->in);
    }
}

/* --- the body --- */

/* As http_chunked_decode, for both framings. */
static int take_body(struct connection *connection, struct text *input)
{
    struct connection_progress *progress = connection->progress;
    struct buffer *body = &connection->exchange->body;
    if (connection->exchange->request.content_length == UINT64_MAX)
        return http_chunked_decode(&progress->chunked, input, body);
    size_t size = input->size < progress->body_left ? input->size : (size_t)progress->body_left;
    buffer_append(body, input->data, size);
    *input = text_from(*input, size);
    progress->body_left -= size;
    return progress->body_left == 0;
}

enum step_result connection_step_body(struct connection *connection)
{
    struct text input;
    enum step_result result = connection_flush_wire(connection);
    if (result != STEP_GOES_ON || !take_input(connection, &input, &result))
        return result;
    int taken = take_body(connection, &input);
    keep_input(connection, input);
    if (connection->exchange->body.overflowed)
        connection_refuse(connection, 413, "The body is larger than this path takes.");
    else if (taken < 0)
        connection_refuse(connection, 400, "The chunked body is malformed.");
    else if (taken > 0)
        start_handling(connection, connection->progress->route);
    return STEP_GOES_ON;
}

/* --- ahead --- */

bool connection_has_room_ahead(const struct connection *connection)
{
    const struct buffer *in = &connection->progress->in;
    size_t limit = connection_server(connection)->config.limits.read_ahead_bytes;
    return in->size < in->ceiling && (in->size < limit || !guard_is_on(GUARD_READ_AHEAD));
}

bool connection_read_ahead(struct connection *connection)
{
    struct buffer *in = &connection->progress->in;
    enum step_result result = STEP_GOES_ON;
    if (connection_has_room_ahead(connection) && read_more(connection, &result)) {
        counter_add(COUNTER_READ_AHEAD, !connection_has_room_ahead(connection));
        return true;
    }
    if (in->size == 0)
        buffer_release(in);
    if (result != STEP_CLOSES)
        return true;
    connection->saw_end = connection->will_close = true;
    return !exchange_has_events(connection->exchange); /* they have no other way to notice */
}

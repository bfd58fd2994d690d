// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/client_state.h"

#include <errno.h>
#include <sys/socket.h>

/*
 * client_answer: what comes back on an HTTP/1 connection: header, body and trailers to the call
 * whose answer it is.  Each callback may cancel the call or free the pool, so after each one we
 * look whether the connection still has the call that it had.
 */

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
        client_connection_wait(connection, client_limits_of(connection)->keep_ms);
    }
    client_pool_pump(pool);
    client_call_end(call, CLIENT_DONE);
}

/* The lines gathered in `head` to the call.  False when the connection is no longer its. */
static bool tell_trailers(struct client_connection *connection)
{
    struct client_call *call = connection->call;
    struct http_limits limits = {.max_fields = client_limits_of(connection)->max_fields};
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
    struct http_limits limits = {.max_header_bytes = client_limits_of(connection)->max_header_bytes,
                                 .max_fields = client_limits_of(connection)->max_fields,
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
        client_connection_wait(connection, client_limits_of(connection)->idle_ms);
}

/* TLS may hold decrypted bytes that no event announces. */
void client_answer_read(struct client_connection *connection)
{
    do
        receive(connection);
    while (connection->call && !connection->call->is_paused &&
           (connection->step == CLIENT_HEADER || connection->step == CLIENT_BODY) &&
           stream_has_buffered(&connection->stream));
}

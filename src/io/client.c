// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/client.h"

#include "base/mem.h"
#include "http/fields.h"
#include "io/client_state.h"
#include "io/h2_client.h"

#include <assert.h>

/*
 * client: its pools, and calls on their way through them: asked, waiting, given to a connection,
 * ended.  Where they go is client_origin.c's.
 */

static struct client *bare_new(struct loop *loop)
{
    struct client *client = MEM_NEW(struct client);
    client->loop = loop;
    client->arena = arena_new(CLIENT_ARENA_BYTES);
    return client;
}

struct client *client_new_between_nodes(struct loop *loop, struct node_tls *nodes)
{
    struct client *client = bare_new(loop);
    client->nodes = nodes;
    return client;
}

struct client *client_new(struct loop *loop, const char *ca_file, char *why, size_t why_size)
{
    struct client *client = bare_new(loop);
    client->tls = client_tls_new(ca_file, why, why_size);
    if (!client->tls)
        client_free(&client);
    return client;
}

void client_free(struct client **client)
{
    if (!*client)
        return;
    assert((*client)->counts.connections == 0);
    client_tls_free(&(*client)->tls);
    arena_free(&(*client)->arena);
    mem_free_p(client);
}

const struct client_counts *client_counts(const struct client *client) { return &client->counts; }

const char *client_outcome_word(enum client_outcome outcome)
{
    static const char *const words[] = {
        [CLIENT_DONE] = "done",           [CLIENT_UNREACHABLE] = "unreachable",
        [CLIENT_NO_TLS] = "no TLS",       [CLIENT_RESET] = "reset",
        [CLIENT_TRUNCATED] = "truncated", [CLIENT_MALFORMED] = "malformed",
        [CLIENT_TIMEOUT] = "timed out",
    };
    return words[outcome];
}

/* --- pool --- */

struct client_pool *client_pool_new(struct client_origin *origin, const struct address *source)
{
    struct client_pool *pool = MEM_NEW(struct client_pool);
    pool->origin = origin;
    pool->waiting_end = &pool->waiting;
    pool->has_source = source != NULL;
    if (source)
        pool->source = *source;
    pool->next = origin->pools;
    origin->pools = pool;
    return pool;
}

void client_call_free(struct client_call *call)
{
    loop_timer_stop(&call->deadline);
    mem_free(call->wire);
    mem_free(call);
}

/* With its calls, which are not told. */
static void cut(struct client_connection *connection)
{
    struct client_call *call = connection->call;
    struct h2_client_stream *stream;
    while (connection->h2 && (stream = h2_client_first(connection->h2)) != NULL) {
        struct client_call *own = h2_client_owner(stream);
        h2_client_drop(stream);
        client_call_free(own);
    }
    client_connection_close(connection);
    if (call)
        client_call_free(call);
}

void client_pool_free(struct client_pool **pool)
{
    if (!*pool)
        return;
    while ((*pool)->waiting) {
        struct client_call *call = (*pool)->waiting;
        (*pool)->waiting = call->next;
        client_call_free(call);
    }
    while ((*pool)->connections)
        cut((*pool)->connections);
    struct client_pool **at = &(*pool)->origin->pools;
    while (*at != *pool)
        at = &(*at)->next;
    *at = (*pool)->next;
    mem_free_p(pool);
}

static void put_waiting(struct client_call *call)
{
    call->next = NULL;
    *call->pool->waiting_end = call;
    call->pool->waiting_end = &call->next;
    call->pool->waiting_count++;
}

void client_call_wait_again(struct client_call *call)
{
    struct client_pool *pool = call->pool;
    call->connection = NULL;
    call->next = pool->waiting;
    if (!pool->waiting)
        pool->waiting_end = &call->next;
    pool->waiting = call;
    pool->waiting_count++;
    pool->origin->client->counts.repeats++;
}

static void take_waiting(struct client_call *call)
{
    struct client_call **at = &call->pool->waiting;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    if (call->pool->waiting_end == &call->next)
        call->pool->waiting_end = at;
    call->pool->waiting_count--;
}

static struct client_connection *kept_connection(struct client_pool *pool)
{
    struct client_connection *connection = pool->connections;
    while (connection && connection->step != CLIENT_KEPT && !client_streams_have_room(connection))
        connection = connection->next;
    return connection;
}

/* One that may turn out to take many calls is waited for. */
static bool is_connecting(const struct client_pool *pool)
{
    const struct client_connection *connection = pool->connections;
    if (!pool->origin->shares_connecting)
        return false;
    while (connection && connection->step > CLIENT_HANDSHAKE)
        connection = connection->next;
    return connection != NULL;
}

static bool may_connect(const struct client_pool *pool)
{
    return pool->connection_count < pool->origin->limits.max_connections && !is_connecting(pool);
}

void client_pool_pump(struct client_pool *pool)
{
    while (pool->waiting) {
        struct client_connection *connection = kept_connection(pool);
        if (!connection && !may_connect(pool))
            return;
        if (!connection && !client_name_is_known(pool->origin))
            return; /* pumped again when it is */
        if (!connection)
            connection = client_connection_new(pool);
        struct client_call *call = pool->waiting;
        take_waiting(call);
        call->connection = connection;
        if (connection->step == CLIENT_STREAMS)
            client_streams_ask(connection, call);
        else
            client_connection_begin(connection, call);
    }
}

void client_pool_fail_waiting(struct client_pool *pool)
{
    uint32_t count = pool->waiting_count; /* a callback may free neither pool nor origin */
    for (; count > 0 && pool->waiting; count--) {
        struct client_call *call = pool->waiting;
        take_waiting(call);
        client_call_end(call, CLIENT_UNREACHABLE);
    }
}

/* --- call --- */

/* Wherever it is just now. */
static void leave(struct client_call *call)
{
    if (call->stream)
        client_streams_drop(call);
    else if (call->connection)
        client_connection_close(call->connection);
    else
        take_waiting(call);
}

static void on_deadline(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct client_call *call = CONTAINER_OF(timer, struct client_call, deadline);
    struct client_pool *pool = call->pool;
    leave(call);
    client_pool_pump(pool);
    client_call_end(call, CLIENT_TIMEOUT);
}

void client_call_end(struct client_call *call, enum client_outcome outcome)
{
    call->handler->on_end(call, outcome, call->context);
    client_call_free(call);
}

static bool is_plain(struct text text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7f)
            return false;
    return text.size > 0;
}

bool client_request_is_sound(const struct client_request *request)
{
    if (request->method == HTTP_METHOD_OTHER && !http_is_token(request->method_name))
        return false;
    if (!is_plain(request->target) || (request->host.data && !is_plain(request->host)))
        return false;
    for (size_t i = 0; i < request->field_count; i++)
        if (!http_is_token(request->fields[i].name) ||
            !http_field_value_is_clean(request->fields[i].value))
            return false;
    return true;
}

static bool takes_trailers(const struct client_request *request)
{
    for (size_t i = 0; i < request->field_count; i++)
        if (text_equal_nocase(request->fields[i].name, TEXT("TE")))
            return true;
    return false;
}

static void write_request(struct client_call *call, const struct client_request *request,
                          const struct client_origin *origin)
{
    struct buffer wire;
    buffer_init(&wire, SIZE_MAX / 2);
    buffer_text(&wire, request->method == HTTP_METHOD_OTHER ? request->method_name
                                                            : http_method_name(request->method));
    buffer_byte(&wire, ' ');
    buffer_text(&wire, request->target);
    buffer_text(&wire, TEXT(" HTTP/1.1\r\nHost: "));
    buffer_text(&wire, request->host.data ? request->host : text_of(origin->host));
    buffer_text(&wire, TEXT("\r\n"));
    for (size_t i = 0; i < request->field_count; i++) {
        buffer_text(&wire, request->fields[i].name);
        buffer_text(&wire, TEXT(": "));
        buffer_text(&wire, request->fields[i].value);
        buffer_text(&wire, TEXT("\r\n"));
    }
    if (takes_trailers(request)) /* RFC 9110 10.1.4 */
        buffer_text(&wire, TEXT("Connection: TE\r\n"));
    if (request->body.data) {
        buffer_text(&wire, TEXT("Content-Length: "));
        buffer_decimal(&wire, request->body.size);
        buffer_text(&wire, TEXT("\r\n"));
    }
    buffer_text(&wire, TEXT("\r\n"));
    call->head_size = wire.size;
    if (request->body.data)
        buffer_text(&wire, request->body);
    call->wire_size = wire.size;
    call->wire = mem_realloc(wire.data, wire.size);
}

static bool repeats_safely(enum http_method method)
{
    return method != HTTP_METHOD_POST && method != HTTP_METHOD_PATCH && method != HTTP_METHOD_OTHER;
}

struct client_call *client_ask(struct client_pool *pool, const struct client_request *request,
                               const struct client_handler *handler, void *context)
{
    struct client *client = pool->origin->client;
    bool would_wait = !may_connect(pool) && !kept_connection(pool);
    if (!client_request_is_sound(request) ||
        (would_wait && pool->waiting_count >= pool->origin->limits.max_waiting))
        return NULL;
    struct client_call *call = MEM_NEW(struct client_call);
    call->pool = pool;
    call->handler = handler;
    call->context = context;
    call->method = (uint8_t)request->method;
    call->may_repeat = request->may_repeat || repeats_safely(request->method);
    call->discards = request->discards;
    call->deadline.on_timer = on_deadline;
    if (request->deadline_ms)
        loop_timer_start(client->loop, &call->deadline,
                         loop_now_us(client->loop) + request->deadline_ms * UINT64_C(1000));
    write_request(call, request, pool->origin);
    client->counts.requests++;
    put_waiting(call);
    client_pool_pump(pool);
    return call;
}

void client_cancel(struct client_call *call)
{
    struct client_pool *pool = call->pool;
    leave(call);
    client_call_free(call);
    client_pool_pump(pool);
}

void client_pause(struct client_call *call)
{
    call->is_paused = true;
    if (call->stream)
        client_streams_pause(call);
    else if (call->connection)
        client_connection_hold(call->connection);
}

void client_resume(struct client_call *call)
{
    if (!call->is_paused)
        return;
    call->is_paused = false;
    if (call->stream)
        client_streams_resume(call);
    else if (call->connection)
        client_connection_read_on(call->connection);
}

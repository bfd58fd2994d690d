// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/client.h"

#include "base/mem.h"
#include "http/fields.h"
#include "io/client_state.h"
#include "io/h2_client.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

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

/* --- origin --- */

struct client_limits client_limits_default(void)
{
    return (struct client_limits){.max_connections = 6,
                                  .max_waiting = 64,
                                  .connect_ms = 5000,
                                  .first_byte_ms = 15000,
                                  .idle_ms = 15000,
                                  .keep_ms = 30000,
                                  .attempt_ms = 250,
                                  .resolve_ms = 30000,
                                  .max_header_bytes = 16384,
                                  .max_fields = 100};
}

static void set_address(struct client_origin *origin, const struct address *address)
{
    static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};
    struct client_address *own = &origin->addresses[0];
    if (memcmp(address->bytes, v4_prefix, sizeof v4_prefix) == 0) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&own->sockaddr;
        *v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(origin->port)};
        memcpy(&v4->sin_addr, address->bytes + 12, 4);
        own->size = sizeof *v4;
    } else {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&own->sockaddr;
        *v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(origin->port)};
        memcpy(&v6->sin6_addr, address->bytes, 16);
        own->size = sizeof *v6;
    }
    origin->address_count = 1;
}

/* "ADDRESS" or "ADDRESS:PORT"; an IPv6 address stands in brackets. */
static bool split_port(struct text authority, struct text *ret_address, uint64_t *port)
{
    const char *colon = authority.size ? memrchr(authority.data, ':', authority.size) : NULL;
    *ret_address = authority;
    if (!colon || text_ends(authority, TEXT("]")))
        return authority.size > 0;
    size_t at = (size_t)(colon - authority.data);
    *ret_address = text_make(authority.data, at);
    return text_to_u64(text_from(authority, at + 1), port) && *port > 0 && *port < 65536;
}

static void set_host(struct client_origin *origin, struct text address, uint64_t port,
                     const char *name)
{
    char host[300];
    uint64_t usual = origin->is_tls ? 443 : 80;
    struct text shown = name ? text_of(name) : address;
    if (port == usual)
        snprintf(host, sizeof host, "%.*s", TEXT_ARGS(shown));
    else
        snprintf(host, sizeof host, "%.*s:%u", TEXT_ARGS(shown), (unsigned)port);
    origin->host = mem_strdup(host);
    origin->is_name = name != NULL;
    if (!name && text_starts(address, TEXT("[")))
        address = text_make(address.data + 1, address.size - 2);
    origin->name = name ? mem_strdup(name) : text_dup(address);
}

struct url {
    bool is_tls;
    struct text host; /* with brackets */
    uint64_t port;
};

static bool read_url(struct text text, struct url *ret)
{
    ret->is_tls = text_starts(text, TEXT("https://"));
    ret->port = ret->is_tls ? 443 : 80;
    return (ret->is_tls || text_starts(text, TEXT("http://"))) &&
           split_port(text_from(text, ret->is_tls ? 8 : 7), &ret->host, &ret->port);
}

static struct client_origin *origin_new(struct client *client, const struct url *url,
                                        const char *name, const struct client_limits *limits)
{
    struct client_origin *origin = MEM_NEW(struct client_origin);
    origin->client = client;
    origin->limits = *limits;
    origin->is_tls = url->is_tls;
    origin->shares_connecting = url->is_tls && limits->max_streams > 0;
    origin->port = (uint16_t)url->port;
    set_host(origin, url->host, url->port, name);
    return origin;
}

struct client_origin *client_origin_new(struct client *client, struct text text, const char *name,
                                        const struct client_limits *limits)
{
    struct url url;
    struct address address;
    if (!read_url(text, &url) || !address_parse(url.host, &address))
        return NULL;
    if (name && (strlen(name) > 253 || !http_field_value_is_clean(text_of(name))))
        return NULL;
    struct client_origin *origin = origin_new(client, &url, name, limits);
    set_address(origin, &address);
    return origin;
}

/* Labels of letters, digits, '-' and '_', as resolvers take them. */
static bool is_name(struct text host)
{
    if (host.size == 0 || host.size > 253 || host.data[0] == '.' || host.data[0] == '-')
        return false;
    for (size_t i = 0; i < host.size; i++) {
        char c = host.data[i], low = (char)(c | 0x20);
        if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' &&
            c != '_')
            return false;
    }
    return true;
}

bool client_url_is_sound(struct text text)
{
    struct url url;
    struct address address;
    return read_url(text, &url) && (address_parse(url.host, &address) || is_name(url.host));
}

struct client_origin *client_origin_named(struct client *client, struct text text,
                                          struct workers *resolvers,
                                          const struct client_limits *limits)
{
    struct url url;
    struct address address;
    if (!read_url(text, &url))
        return NULL;
    if (address_parse(url.host, &address))
        return client_origin_new(client, text, NULL, limits);
    if (!is_name(url.host))
        return NULL;
    char *name = text_dup(url.host);
    struct client_origin *origin = origin_new(client, &url, name, limits);
    mem_free(name);
    origin->resolvers = resolvers;
    return origin;
}

void client_origin_free(struct client_origin **origin)
{
    if (!*origin)
        return;
    client_name_end(*origin);
    client_tls_forget(*origin);
    mem_free((*origin)->host);
    mem_free((*origin)->name);
    mem_free_p(origin);
}

bool client_origin_is_loopback(const struct client_origin *origin)
{
    const struct sockaddr_storage *address = &origin->addresses[0].sockaddr;
    if (address->ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    return origin->address_count > 0 && ntohl(v4->sin_addr.s_addr) >> 24 == 127;
}

void client_origin_address(const struct client_origin *origin, const struct sockaddr **ret_address,
                           uint32_t *ret_size)
{
    const struct client_address *address = &origin->addresses[origin->preferred];
    *ret_address = (const struct sockaddr *)&address->sockaddr;
    *ret_size = address->size;
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

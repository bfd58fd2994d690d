// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/neighbours.h"

#include "base/buffer.h"
#include "base/mem.h"
#include "io/server_state.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

enum { LIST_MAX_BYTES = NEIGHBOURS_MAX * (NEIGHBOURS_ORIGIN_MAX_BYTES + 1) };

struct neighbours {
    pthread_mutex_t lock;
    struct buffer list;  /* each followed by a space, but the last */
    atomic_bool is_told; /* there may be some, now or when a copy of an answer is still about */
};

struct neighbours *neighbours_new(void)
{
    struct neighbours *neighbours = MEM_NEW(struct neighbours);
    int failed = pthread_mutex_init(&neighbours->lock, NULL);
    assert(!failed);
    buffer_init(&neighbours->list, LIST_MAX_BYTES);
    return neighbours;
}

void neighbours_free(struct neighbours **neighbours)
{
    if (!*neighbours)
        return;
    buffer_release(&(*neighbours)->list);
    (void)pthread_mutex_destroy(&(*neighbours)->lock);
    mem_free_p(neighbours);
}

/* Lower case, as browsers write it; nothing that could mean something in a policy. */
static bool is_plain_origin(struct text origin)
{
    struct text host = origin;
    if (text_starts(host, TEXT("https://")))
        host = text_from(host, sizeof "https://" - 1);
    else if (text_starts(host, TEXT("http://")))
        host = text_from(host, sizeof "http://" - 1);
    else
        return false;
    for (size_t i = 0; i < host.size; i++) {
        char c = host.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
              c == ':' || c == '[' || c == ']'))
            return false;
    }
    return host.size > 0 && origin.size <= NEIGHBOURS_ORIGIN_MAX_BYTES;
}

static bool has(const struct neighbours *neighbours, struct text origin)
{
    struct text rest = buffer_view(&neighbours->list), one;
    while (text_split(&rest, ' ', &one))
        if (text_equal(one, origin))
            return true;
    return false;
}

void neighbours_set(struct neighbours *neighbours, const struct text *origins, size_t count)
{
    size_t taken = 0;
    atomic_store(&neighbours->is_told, true);
    (void)pthread_mutex_lock(&neighbours->lock);
    buffer_reset(&neighbours->list);
    for (size_t i = 0; i < count && taken < NEIGHBOURS_MAX; i++) {
        if (!is_plain_origin(origins[i]) || has(neighbours, origins[i]))
            continue;
        if (taken++)
            buffer_text(&neighbours->list, TEXT(" "));
        buffer_text(&neighbours->list, origins[i]);
    }
    (void)pthread_mutex_unlock(&neighbours->lock);
}

bool neighbours_have(struct neighbours *neighbours, struct text origin)
{
    (void)pthread_mutex_lock(&neighbours->lock);
    bool is_there = origin.size > 0 && has(neighbours, origin);
    (void)pthread_mutex_unlock(&neighbours->lock);
    return is_there;
}

/* --- of a server --- */

void server_set_neighbours(struct server *server, const struct text *origins, size_t count)
{
    neighbours_set(server->home->neighbours, origins, count);
}

struct text exchange_neighbours(struct exchange *exchange)
{
    struct neighbours *neighbours = exchange->server->home->neighbours;
    (void)pthread_mutex_lock(&neighbours->lock);
    struct text list = arena_text(exchange->arena, buffer_view(&neighbours->list));
    (void)pthread_mutex_unlock(&neighbours->lock);
    return list;
}

struct text exchange_neighbour(const struct exchange *exchange)
{
    struct text origin = http_request_field(&exchange->request, TEXT("Origin"));
    bool is_one = origin.size > 0 && exchange->server && /* it may have outlived it */
                  neighbours_have(exchange->server->home->neighbours, origin);
    return is_one ? origin : TEXT_NONE;
}

bool neighbours_answer(struct exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    if (request->method != HTTP_METHOD_OPTIONS ||
        !http_request_field(request, TEXT("Access-Control-Request-Method")).data ||
        !exchange_neighbour(exchange).data)
        return false;
    exchange->step = EXCHANGE_HANDLING;
    exchange_field(exchange, "Access-Control-Allow-Methods",
                   TEXT("GET, HEAD, POST, PUT, PATCH, DELETE"));
    exchange_field(exchange, "Access-Control-Allow-Headers",
                   TEXT("Authorization, Content-Type, DPoP, Range, Sostenuto-Grant"));
    exchange_field(exchange, "Access-Control-Max-Age", TEXT("86400"));
    exchange_send_empty(exchange, 204);
    return true;
}

static bool is_allowed(const struct answer *answer)
{
    for (size_t i = 0; i < answer->field_count; i++)
        if (text_equal_nocase(answer->fields[i].name, TEXT("Access-Control-Allow-Origin")))
            return true;
    return false;
}

/* Whether another Origin could have been answered otherwise, also if it is a neighbour only later.
 * Nodes ask without one, and what they keep is for every page. */
static bool is_by_origin(const struct exchange *exchange)
{
    bool is_told = exchange->server && atomic_load(&exchange->server->home->neighbours->is_told);
    return is_told && !exchange->peer.is_node;
}

void neighbours_allow(struct exchange *exchange)
{
    struct text origin = exchange_neighbour(exchange);
    if (is_allowed(&exchange->answer))
        return;
    if (origin.data) {
        exchange_add_field(exchange, "Access-Control-Allow-Origin", origin);
        exchange_add_field(exchange, "Access-Control-Expose-Headers",
                           TEXT("Date, DPoP-Nonce, Retry-After"));
    }
    if (origin.data || is_by_origin(exchange))
        exchange_add_field(exchange, "Vary", TEXT("Origin"));
}

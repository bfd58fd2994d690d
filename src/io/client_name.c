// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "io/client_state.h"
#include "io/workers.h"

#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>

/*
 * client_name: an origin's name becomes addresses, on a worker, and becomes them again when they
 * have aged.  Connections go on with the old ones meanwhile, and for good when the resolver fails.
 */
enum {
    AGAIN_MS = 1000,     /* after a failure */
    RESOLVER_WAIT_S = 2, /* for one answer of one server, so that no thread is held for long */
    RESOLVER_TRIES = 2,
};

/* Belongs to the worker, then to the loop; the origin lets go of it when it ends first. */
struct client_lookup {
    struct client_origin *origin; /* NULL: nobody wants it any more */
    char *name;
    uint16_t port;
    uint8_t count;
    struct client_address found[CLIENT_ADDRESSES_MAX];
};

static bool is_there(const struct client_lookup *lookup, const struct addrinfo *info)
{
    for (size_t i = 0; i < lookup->count; i++)
        if (lookup->found[i].size == info->ai_addrlen &&
            memcmp(&lookup->found[i].sockaddr, info->ai_addr, info->ai_addrlen) == 0)
            return true;
    return false;
}

/* The first of each family in turn (RFC 8305 4), else as the resolver sorted them. */
static void take_in_turn(struct client_lookup *lookup, const struct addrinfo *list)
{
    int last = AF_UNSPEC;
    bool found = true;
    while (found && lookup->count < CLIENT_ADDRESSES_MAX) {
        const struct addrinfo *best = NULL;
        for (const struct addrinfo *at = list; at; at = at->ai_next) {
            bool usable = (at->ai_family == AF_INET || at->ai_family == AF_INET6) &&
                          at->ai_addrlen <= sizeof lookup->found[0].sockaddr &&
                          !is_there(lookup, at);
            if (usable && (!best || (best->ai_family == last && at->ai_family != last)))
                best = at;
        }
        found = best != NULL;
        if (!found)
            break;
        struct client_address *own = &lookup->found[lookup->count++];
        memcpy(&own->sockaddr, best->ai_addr, best->ai_addrlen);
        own->size = best->ai_addrlen;
        last = best->ai_family;
    }
}

static void look_up(void *context)
{
    struct client_lookup *lookup = context;
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char port[8];
    if (res_init() == 0) { /* this thread's */
        _res.retrans = RESOLVER_WAIT_S;
        _res.retry = RESOLVER_TRIES;
    }
    snprintf(port, sizeof port, "%u", lookup->port);
    if (getaddrinfo(lookup->name, port, &hints, &list) == 0)
        take_in_turn(lookup, list);
    if (list)
        freeaddrinfo(list);
}

static bool is_same(const struct client_address *one, const struct client_address *other)
{
    return one->size == other->size && memcmp(&one->sockaddr, &other->sockaddr, one->size) == 0;
}

/* The address that worked last stays the first to be tried while it is one of them. */
static void take_over(struct client_origin *origin, const struct client_lookup *lookup)
{
    struct client_address last = origin->addresses[origin->preferred];
    memcpy(origin->addresses, lookup->found, sizeof origin->addresses);
    origin->preferred = 0;
    for (uint8_t i = 0; i < lookup->count && origin->address_count > 0; i++)
        if (is_same(&last, &lookup->found[i]))
            origin->preferred = i;
    origin->address_count = lookup->count;
}

static void looked_up(void *context)
{
    struct client_lookup *lookup = context;
    struct client_origin *origin = lookup->origin;
    if (origin) {
        uint32_t ms = lookup->count ? origin->limits.resolve_ms : AGAIN_MS;
        origin->lookup = NULL;
        origin->fresh_until_us = loop_now_us(origin->client->loop) + ms * UINT64_C(1000);
        if (lookup->count)
            take_over(origin, lookup);
        else
            origin->client->counts.unresolved++;
        for (struct client_pool *pool = origin->pools; pool; pool = pool->next) {
            if (origin->address_count)
                client_pool_pump(pool);
            else
                client_pool_fail_waiting(pool);
        }
    }
    mem_free(lookup->name);
    mem_free(lookup);
}

static void begin(struct client_origin *origin)
{
    struct client_lookup *lookup = MEM_NEW(struct client_lookup);
    lookup->origin = origin;
    lookup->name = mem_strdup(origin->name);
    lookup->port = origin->port;
    if (workers_submit(origin->resolvers, origin->client->loop, look_up, looked_up, lookup)) {
        origin->lookup = lookup;
        return;
    }
    loop_post(origin->client->loop, looked_up, lookup); /* as if it could not be resolved */
    origin->lookup = lookup;
}

bool client_name_is_known(struct client_origin *origin)
{
    bool has_aged =
        origin->resolvers && loop_now_us(origin->client->loop) >= origin->fresh_until_us;
    if (!origin->lookup && (has_aged || origin->address_count == 0))
        begin(origin);
    return origin->address_count > 0;
}

void client_name_end(struct client_origin *origin)
{
    if (origin->lookup)
        origin->lookup->origin = NULL;
    origin->lookup = NULL;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/expect.h"
#include "edge/origin.h"
#include "edge/query.h"
#include "io/server.h"
#include "store/cache.h"
#include "trust/uid.h"

/*
 * edge: the cache in front of an origin, as routes of a server.
 *
 * Every path but those of other routes is asked of the cache and, through it, of the origins: any
 * method, any field, with a body of up to max_body_bytes.  All of the server's loops answer; what a
 * loop needs of its own is made when it is first asked.
 */
struct edge;
struct workers;

struct edge_policy {
#define LIMIT(name, type, standard, help) type name;
#include "edge/edge.def"
#undef LIMIT
};
struct edge_policy edge_policy_default(void);

struct edge_config { /* all borrowed, and longer alive than the edge */
    struct cache *cache;
    struct origins *origins;
    struct workers *resolvers;
    struct edge_policy policy;
    uint64_t disk_bytes; /* room for what is cached */
    const struct expect_rule *expects;
    size_t expect_count;
    const char *const *prefetch; /* patterns of edge/prefetch.h */
    size_t prefetch_count;
    struct query_rules query; /* `sorts` is the policy's */
    /* Of the route "/", before the cache; on any loop.  NULL: edge_handle(). */
    exchange_handler *first;
    void *first_context;
    bool is_inside; /* no route: only edge_ask_object() and its like come to it */
    /* Of a server that is no node of ours (adopt/): what edge_ask_object() asks it with besides
     * the target, "u=…&p=…", seen by nobody else.  Its audio and pictures are then kept for a day
     * whatever it says of keeping them, and anything else of it not at all.  "" for none. */
    struct text granted_query;
};

/* Before server_listen(); on the home loop. */
struct edge *edge_new(struct server *server, const struct edge_config *config) MUST_USE;
void edge_free(struct edge **edge); /* after the server */

/*
 * The other edges (edge/peers.h), where listeners reach them, and who this one is; the keys by
 * which what they give is judged and this edge's grants are signed.  On the home loop; copied,
 * counted.
 */
struct keyring;
void edge_take_peers(struct edge *edge, struct uid own_id, const struct text *urls, size_t count);
void edge_take_ring(struct edge *edge, struct keyring *ring);
struct keyring *edge_ring(struct edge *edge); /* a reference, or NULL; any thread */

/* What the route "/" does. */
void edge_handle(struct exchange *exchange, void *edge);

/* As the route "/" does it: for other routes' handlers, on the connection's loop.  FINISHES; or by
 * `otherwise`, which may be NULL, when nobody answers. */
void edge_ask(struct edge *edge, struct exchange *exchange, exchange_handler *otherwise,
              void *context);
/*
 * The same for an object of this service that the asker was proven to have a right to, here and now
 * (api/elsewhere.h).  `private` is no reason not to keep it, for nobody gets it unproven: it has a
 * key that no other request comes to, the same under each Host.  The client's credentials do not go
 * upstream; between nodes the edge asks for itself, else with the grant.  Texts: the exchange's, or
 * as long alive.
 */
struct edge_object {
    struct text target; /* without the grant */
    struct text grant;  /* in the field Sostenuto-Grant where origins are no nodes; may be none */
    struct http_field each; /* stands in the answer instead of its namesake; name.data NULL: none */
    exchange_handler *otherwise; /* FINISHES in place of a problem when nobody gives it; or NULL */
    void *context;
};
void edge_ask_object(struct edge *edge, struct exchange *exchange,
                     const struct edge_object *object);
/* Bits of the renditions of which listeners here asked for an init segment within a day. */
uint32_t edge_renditions_asked(const struct edge *edge, int64_t now_ms);
/* Whether something of that name is held, whole or in part; likely, when it is on the disk. */
bool edge_holds(const struct edge *edge, struct text target);

/* --- purging: what is purged is asked for again, and still helps when nobody answers.  On any
 * thread, in constant time; `kept` is told (on any thread) when no power cut undoes it: 0, or why
 * one would, -errno. --- */
void edge_purge_url(struct edge *edge, struct text host, struct text target, cache_purged *kept,
                    void *context);
void edge_purge_prefix(struct edge *edge, struct text host, struct text path, /* ends with '/' */
                       cache_purged *kept, void *context);
void edge_purge_tag(struct edge *edge, struct text tag, cache_purged *kept, void *context);

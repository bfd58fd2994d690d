// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/expect.h"
#include "edge/origin.h"
#include "edge/query.h"
#include "io/server.h"
#include "store/cache.h"

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
    const struct expect_rule *expects;
    size_t expect_count;
    const char *const *prefetch; /* patterns of edge/prefetch.h */
    size_t prefetch_count;
    struct query_rules query; /* `sorts` is the policy's */
};

/* Before server_listen(); on the home loop. */
struct edge *edge_new(struct server *server, const struct edge_config *config) MUST_USE;
void edge_free(struct edge **edge); /* after the server */

/* As the route "/" does it: for other routes' handlers, on the connection's loop.  FINISHES. */
void edge_ask(struct edge *edge, struct exchange *exchange);
/*
 * The same for an object that the asker's grant was proven to open, here and now (api/elsewhere.h).
 * `private` is no reason not to keep it, for nobody gets it unproven: it has a key that no other
 * request comes to.  `target` is without the grant, which goes upstream in the field
 * Sostenuto-Grant; the client's own credentials do not.  Texts: the exchange's, or as long alive.
 */
void edge_ask_granted(struct edge *edge, struct exchange *exchange, struct text target,
                      struct text grant);

/* --- purging: what is purged is asked for again, and still helps when nobody answers.  On any
 * thread, in constant time. --- */
void edge_purge_url(struct edge *edge, struct text host, struct text target);
void edge_purge_prefix(struct edge *edge, struct text host, struct text path); /* ends with '/' */
void edge_purge_tag(struct edge *edge, struct text tag);

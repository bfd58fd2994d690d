// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/api.h"
#include "base/buffer.h"
#include "edge/edge.h"
#include "io/timers.h"

/*
 * service_kept: at an origin that was promoted, the cache that it had as an edge (STATE/cache), for
 * songs whose files are not here (api/kept.h), and the other edges beside it.
 *
 * A server without it is better than none: what is wrong with it is logged.  On the home loop.
 */
struct service;
struct service_kept {
    struct cache *cache; /* NULL: there is none, and the rest is NULL too */
    struct workers *resolvers;
    struct origins *origins; /* of none: other edges alone can be asked */
    struct edge *edge;
    struct loop_timer look;
};

/* Before the api is made, for which it fills `ret`. */
void service_kept_open(struct service *service, struct api_elsewhere *ret);
void service_kept_serve(struct service *service); /* before the server listens */
/* To the next process, at an upgrade: what is being sent is sent to its end. */
void service_kept_let_go(struct service *service);
void service_kept_stop(struct service *service);  /* before it is freed */
void service_kept_close(struct service *service); /* after server and api */

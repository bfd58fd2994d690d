// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "edge/state.h"
#include "io/loop.h"

#include <errno.h>

/* lead_state: one request upstream.  Internal to lead.c (its course) and lead_store.c (what is
 * kept).
 */
struct lead {
    struct edge_loop *home;
    struct lead *next, **at;     /* among those of its loop */
    struct flight *flight;       /* NULL: it is nobody's but the asker's */
    struct asking *asker;        /* waits for the header; NULL: nobody does */
    struct flight_waiter waiter; /* of a background one, which is never called */
    struct arena *arena;         /* of all texts here */
    struct text method, host, target, key, found_key;
    struct caching_fields fields, sets; /* of the request; of Vary, as stored */
    struct caching_asked asked;
    bool is_as_asked; /* the client's own preconditions go along */
    bool is_enough;   /* the stale one has what was asked for */

    struct cache_object *stale;
    const struct cache_meta *stale_meta;
    struct stored stale_stored;
    uint64_t generation;
    int64_t request_ms, response_ms;
    bool validates;     /* with our validators */
    bool wants_all;     /* rest_from has failed */
    uint64_t rest_from; /* only what follows is asked for; 0: all is */

    struct fetch *fetch;
    bool is_answered, has_helped;
    struct relay *relay;
    struct cache_writer *writer;
    struct text names, language; /* of Vary and Content-Language of what is being written */
    struct cache_object *shown;
    struct text shown_key;
    bool is_beside; /* what is stored is not what was asked for, which is passed on */
    bool is_shareable;
    struct caching_status status;
};

enum lead_kept {
    LEAD_SHOWN,  /* lead->shown is to be read */
    LEAD_PASSES, /* not for the store: to the asker */
    LEAD_AGAIN,  /* a part that we cannot use: all of it is to be asked for */
    LEAD_WRONG,  /* a 304 about something else: nothing to answer with */
};

/* --- lead.c --- */
void lead_show(struct lead *lead);

/* --- lead_store.c --- */
/* What the header means for the store. */
enum lead_kept lead_keep(struct lead *lead, const struct http_response *response);
/* The body has ended, or broken off. */
void lead_finish(struct lead *lead, bool is_whole);

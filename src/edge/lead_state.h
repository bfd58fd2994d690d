// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "edge/state.h"
#include "edge/tails.h"
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
    bool is_granted;  /* edge_ask_granted() */
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
    /* of a slice that is asked for instead of what the client wants (lead_slice.c) */
    bool is_slicing, no_slices; /* no: it was tried, or would be in vain */
    bool has_many_ranges;       /* who waits for the same flight may want other parts */
    uint64_t slice_first;
    struct cache_object *slice; /* what is written is this, the body's beginning of `shown` */
    struct flight *slice_flight;

    struct fetch *fetch;
    bool is_answered, has_helped;
    struct relay *relay;
    struct cache_writer *writer;
    struct text names, language; /* of Vary and Content-Language of what is being written */
    uint64_t write_at;           /* offset of the next byte that comes */
    struct tails tails;          /* of those who read what is written */
    bool is_given_up;            /* the store did not take it all: what follows goes by the tails */
    struct cache_object *shown;
    struct text shown_key;
    bool is_beside; /* what is stored is not what was asked for, which is passed on */
    bool is_shareable;
    bool is_prefetch;  /* not told yet what became of it */
    uint64_t prefetch; /* its number there */
    struct caching_status status;
};

enum lead_kept {
    LEAD_SHOWN,  /* lead->shown is to be read */
    LEAD_PASSES, /* not for the store: to the asker */
    LEAD_AGAIN,  /* a part that we cannot use: it is asked for once more, in another way */
    LEAD_WRONG,  /* a 304 about something else: nothing to answer with */
};

/* --- lead.c --- */
void lead_show(struct lead *lead);

/* --- lead_slice.c --- */
/* Whether a request is answered in slices if the origin can, and from which byte on. */
bool lead_can_slice(const struct edge *edge, struct caching_fields request,
                    const struct stored *stale, bool is_enough, uint64_t *ret_first);
/* "bytes=…" of the slice that is asked for. */
struct text lead_slice_range(struct lead *lead);
uint64_t lead_sliced_from(const struct edge *edge); /* what is larger is held in slices */
/* A 206 to it: whether that slice is it, and of something that can be held so. */
bool lead_may_hold_slices(const struct lead *lead, const struct http_response *response);
/* Writes what comes as that slice.  False: the header is held without it. */
bool lead_begin_slice(struct lead *lead, struct text etag, uint64_t length);

/* --- lead_store.c --- */
/* What the header means for the store. */
enum lead_kept lead_keep(struct lead *lead, const struct http_response *response);
/* The body has ended, or broken off. */
void lead_finish(struct lead *lead, bool is_whole);

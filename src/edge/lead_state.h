// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "edge/peers.h"
#include "edge/state.h"
#include "edge/tails.h"
#include "media/pieces.h"
#include "io/loop.h"

#include <errno.h>

/* lead_state: one request upstream.  Internal to lead_begin.c (how it comes to be), lead.c (its
 * course), lead_store.c (what is kept), lead_slice.c and lead_peers.c.
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
    bool is_granted;  /* edge_ask_object() */
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

    struct lead_peers {
        struct peers *list; /* NULL: they are not asked */
        bool has_begun, is_over;
        struct fetch *fetch;        /* of one of them, until it has given what is right */
        struct loop_timer patience; /* with an origin that has not begun to answer */
        uint64_t since_us;          /* it was asked then */
        int64_t request_ms;         /* the peer was */
        enum peer_object object;
        size_t at;                /* the next one */
        struct text proof, grant; /* the name of what it is judged by */
        uint8_t sha256[32];       /* PEER_OBJECT_DIGEST */
        struct pieces pieces;     /* PEER_OBJECT_PIECES */
        size_t piece;             /* the next one */
        struct lead_proof *wait;
        enum fetch_outcome outcome; /* without them */
    } peers;

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
void lead_hand(struct asking *asking, struct lead *lead, bool is_collapsed); /* what is shown */
void lead_fail(struct lead *lead, enum fetch_outcome outcome); /* to all who wait; it lives on */
void lead_free(struct lead *lead);                             /* nobody waits for it any more */
void lead_init_tails(struct lead *lead);
/* Whether the stale one may be given instead; `was_answered`: an origin said that it cannot. */
bool lead_may_help(const struct lead *lead, bool was_answered);
extern const struct fetch_handler lead_handler;
/* Nobody answered; the lead is gone. */
void lead_without(struct lead *lead, enum fetch_outcome outcome);

/* --- lead_begin.c --- */
/* Asks upstream.  What cannot be asked has failed, and the lead is gone. */
void lead_begin(struct lead *lead, struct asking *asking);

/* --- lead_peers.c --- */
/* When an origin was asked: if it does not begin to answer, the peers are asked beside it. */
void lead_watch(struct lead *lead);
/* An origin did not give it, and lead->fetch is NULL.  False: nor can any peer.  True: they are
 * asked, or were in vain: then the lead is gone by lead_without(). */
bool lead_ask_peers(struct lead *lead, enum fetch_outcome outcome) MUST_USE;
bool lead_may_ask_peers(const struct lead *lead); /* or they are being asked */
void lead_peers_stop(struct lead *lead);          /* the origin gave it: nothing more of them */
void lead_peers_release(struct lead *lead);
/* It was stored whole: what proves it to other edges is brought too. */
void lead_bring_proof(struct lead *lead);

/* --- lead_slice.c --- */
/* Whether a request is answered in slices if the origin can, and from which byte on. */
bool lead_can_slice(const struct edge *edge, struct caching_fields request,
                    const struct stored *stale, bool is_enough, uint64_t *ret_first);
/* "bytes=…" of the slice that is asked for. */
struct text lead_slice_range(struct lead *lead);
uint64_t lead_sliced_from(const struct edge *edge); /* what is larger is held in slices */
/* By which its parts are known; TEXT_NONE: by nothing. */
struct text lead_version_of(const struct lead *lead, const struct http_response *response);
/* A 206 to it: whether that slice is it, and of something that can be held so. */
bool lead_may_hold_slices(const struct lead *lead, const struct http_response *response);
/* Writes what comes as that slice.  False: the header is held without it. */
bool lead_begin_slice(struct lead *lead, struct text version, uint64_t length);

/* --- lead_store.c --- */
/* What the header means for the store. */
enum lead_kept lead_keep(struct lead *lead, const struct http_response *response);
/* The body has ended, or broken off. */
void lead_finish(struct lead *lead, bool is_whole);

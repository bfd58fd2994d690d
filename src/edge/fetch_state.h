// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "base/buffer.h"
#include "edge/digest.h"
#include "edge/fetch.h"
#include "io/client.h"

/* fetch_state: what fetch.c, fetch_try.c and fetch_resume.c share. */

struct fetcher {
    struct origins *origins;
    struct loop *loop;
    struct client *client;
    struct client_origin *origin[ORIGINS_MAX];
    struct client_pool *pool[ORIGINS_MAX];
    struct fetch *first;
    struct fetch *abandoned; /* NULL: none is */
};

/* One request that was sent, or waits for its connection. */
struct fetch_try {
    struct fetch *fetch;
    struct client_call *call; /* NULL: none */
    size_t origin;
    uint64_t started_us;
    bool is_probe, is_hedge;
};

enum { FETCH_TRIES_AT_ONCE = 2, FETCH_VALIDATOR_MAX = 256 };

struct fetch {
    struct fetcher *fetcher;
    struct fetch *next, **at;
    const struct fetch_handler *handler;
    void *context;
    struct arena *arena; /* of the request's copy, and of trailers */
    struct client_request request;
    struct text host;
    bool is_background;
    uint64_t deadline_us; /* for the header */
    struct loop_timer deadline, slow, again, hedge;
    struct fetch_try tries[FETCH_TRIES_AT_ONCE];
    struct fetch_try *winner; /* whose answer is told; NULL before */
    uint32_t tried;           /* bits of origins */
    unsigned sent;
    enum fetch_outcome ending; /* told on a later turn */
    const char *why;
    bool is_ending, is_paused, has_header;
    /* of a body that may be taken up where it breaks off */
    bool may_resume, is_resuming;
    uint64_t received, length; /* UINT64_MAX: unknown */
    char validator[FETCH_VALIDATOR_MAX];
    struct text version; /* in `validator` */
    struct digest digest;
    const struct http_field *trailers;
    size_t trailer_count;
    /* of what came and is not told yet */
    uint32_t holds_bytes;
    const struct expect_rule *expects;
    bool (*is_right)(void *context, struct text whole);
    void *right_context;
    uint32_t piece_bytes;
    uint64_t whole_bytes;
    struct buffer held;
    struct http_response held_header;
    bool is_header_held;
    bool is_telling, is_gone; /* cancelled by a callback that is not the last one to come */
};

static inline uint64_t fetch_now_us(const struct fetch *fetch)
{
    return loop_now_us(fetch->fetcher->loop);
}

/* fetch.c */
void fetch_halt(struct fetch *fetch); /* its calls and timers */
void fetch_free(struct fetch *fetch);
/* Tells the handler and is gone. */
void fetch_tell_end(struct fetch *fetch, enum fetch_outcome outcome, const char *why);
/* The same on a later turn. */
void fetch_end_soon(struct fetch *fetch, enum fetch_outcome outcome, const char *why);

/* fetch_try.c */
bool fetch_try_begin(struct fetch *fetch,
                     bool is_hedge);        /* false: nobody can be asked; why in `why` */
void fetch_try_drop(struct fetch_try *try); /* it says nothing of its origin */
/* A second try after a failure, if that is safe and paid for.  False: the end. */
bool fetch_try_again(struct fetch *fetch, enum client_outcome why);

/* fetch_hold.c: each false when the handler has cancelled, and the fetch is gone */
bool fetch_hold_header(struct fetch *fetch, const struct http_response *response);
bool fetch_hold_body(struct fetch *fetch, struct text piece);
/* Tells what is held; `is_whole`: the body has ended. */
bool fetch_hold_no_more(struct fetch *fetch, bool is_whole);

/* fetch_resume.c */
void fetch_resume_prepare(struct fetch *fetch, const struct http_response *response);
/* The request with Range and If-Range; fields in the fetch's arena. */
bool fetch_resume_request(struct fetch *fetch, struct client_request *ret) MUST_USE;
/* Whether the answer goes on where the body broke off. */
bool fetch_resume_fits(const struct fetch *fetch, const struct http_response *response);

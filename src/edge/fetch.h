// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/expect.h"
#include "edge/origin.h"
#include "http/response.h"

/*
 * fetch: one answer from upstream, however many tries it takes, for whoever keeps the object.
 *
 *     struct fetcher  of one loop: connections to every origin
 *     struct fetch    one request and its one answer; lives on that loop
 *
 *     fetch_start ─▶ on_interim* ─▶ on_header ─▶ on_body* ─▶ on_end
 *                 └─▶ on_slow (once, when patience_ms passed without a header) …
 *                 └──────────────────────────────────────▶ on_end (no answer)
 *
 * It is detached from who asked: it knows a handler, not an exchange.  The handler writes into the
 * store's object and whoever reads that object, on any loop, reads along (store/cache.h); that the
 * first one who asked has left is nothing it would notice.  Who asks for the same meanwhile is a
 * matter of edge/flight.h.
 *
 * What is done here: the choice of an origin (a dead one is not asked but once a second), a second
 * try where that is safe and the budget allows it, a hedge when the first try is slower than nearly
 * all of late, and a body that breaks off is taken up where it broke (GET, 200, a strong ETag:
 * Range with If-Range) without the handler's knowing.  A digest that the origin states
 * (Repr-Digest, Content-Digest: RFC 9530, sha-256 or sha-512) is checked before the last piece is
 * told, so nobody takes a wrong body for a whole one.
 *
 * Fields of one connection (RFC 9110 7.6.1) are not for the handler to send; those of the answer
 * come as received.  A handler may pause, resume and cancel in any callback but on_end.
 */
struct fetcher;
struct fetch;
struct loop;
struct workers;

/* `resolvers`: threads for names, borrowed.  NULL: a CA file that cannot be read, see `why`. */
struct fetcher *fetcher_new(struct origins *origins, struct loop *loop, struct workers *resolvers,
                            char *why, size_t why_size) MUST_USE;
/* Cuts what is under way without a word to its handlers. */
void fetcher_free(struct fetcher **fetcher);

/* Nothing is under way. */
bool fetcher_is_idle(const struct fetcher *fetcher);

struct fetch_request {
    struct text method;              /* any token */
    struct text target;              /* origin-form */
    struct text host;                /* as it stands in Host; TEXT_NONE: the origin's own */
    const struct http_field *fields; /* besides Host, Content-Length and those of a connection */
    size_t field_count;
    struct text body;     /* data NULL for none */
    uint32_t deadline_ms; /* to the answer's header; 0: origin_deadline_ms */
    uint32_t patience_ms; /* then on_slow, and all goes on; 0: no such call */
    /* Nothing is told before the answer is whole and right, if its body is no larger: for who has
     * something else to answer with.  What fails then has no header.  0: told as it comes. */
    uint32_t holds_bytes;
    bool is_background; /* nobody waits for it: never hedged, and it gives way to others */
    /* What is no answer though it looks like one: judged once before anything of it is told, at its
     * header, or with what was held of its body.  NULL: any is. */
    const struct expect_rule *expects; /* as long alive as the fetch */
    /* Asked with the whole body of a 200, which is held up to holds_bytes and told when this says
     * yes, else it ends with FETCH_WRONG; a larger one with FETCH_FULL.  NULL: nothing is asked. */
    bool (*is_right)(void *context, struct text whole);
    void *right_context;
    /* With is_right: it is asked with each so many bytes in turn, the last may be fewer, which are
     * told one by one; holds_bytes means nothing.  The body has `whole_bytes`, or it is
     * FETCH_WRONG.  0: with all at once. */
    uint32_t piece_bytes;
    uint64_t whole_bytes;
};

enum fetch_outcome {
    FETCH_DONE,      /* the answer came whole, whatever its status */
    FETCH_NO_ORIGIN, /* every origin is taken for dead: nobody was asked */
    FETCH_NO_ANSWER, /* refused, no such name, no TLS, reset, malformed */
    FETCH_LATE,      /* a deadline passed */
    FETCH_CUT,       /* the body broke off for good: what came of it is not whole */
    FETCH_WRONG,     /* whole, but not what its digest says: nothing of it may be kept */
    FETCH_FULL,      /* too much waits already */
    FETCH_NOT_IT,    /* an answer that is not as `expects` says */
};
const char *fetch_outcome_word(enum fetch_outcome outcome); /* a token: Cache-Status's detail */

struct fetch_end {
    enum fetch_outcome outcome;
    const struct http_field *trailers; /* borrowed for the callback */
    size_t trailer_count;
    unsigned tries;  /* requests that were sent for it */
    const char *why; /* a static sentence when it is not FETCH_DONE */
};

struct fetch_handler {
    /* 1xx but 100 and 101; may be NULL. */
    void (*on_interim)(struct fetch *fetch, const struct http_response *interim, void *context);
    /* Once; the texts live for the callback. */
    void (*on_header)(struct fetch *fetch, const struct http_response *response, void *context);
    /* A piece of the body, lent for the callback. */
    void (*on_body)(struct fetch *fetch, struct text piece, void *context);
    void (*on_slow)(struct fetch *fetch, void *context); /* may be NULL */
    /* Once, last: the fetch is gone when it returns. */
    void (*on_end)(struct fetch *fetch, const struct fetch_end *end, void *context);
};

/*
 * Copies the request.  Never NULL for a sound one, and no callback comes before this returns: what
 * cannot be done ends by on_end on a later turn.  NULL: a text holds what would break the request
 * apart (the caller answers 400).
 */
struct fetch *fetch_start(struct fetcher *fetcher, const struct fetch_request *request,
                          const struct fetch_handler *handler, void *context) MUST_USE;
void fetch_cancel(struct fetch *fetch); /* no callback comes any more; gone */
/*
 * The same, but it goes on to its header where that still says something: whether its origin is
 * alive.  origin_connect_ms more at most, and one at a time.
 */
void fetch_abandon(struct fetch *fetch);
/* For back-pressure: no byte is read until fetch_resume().  Pieces read already still come. */
void fetch_pause(struct fetch *fetch);
void fetch_resume(struct fetch *fetch);
/* Which origin answers, from on_header on: its place in the list. */
size_t fetch_origin(const struct fetch *fetch);

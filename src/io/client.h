// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/address.h"
#include "http/response.h"
#include "io/loop.h"

/*
 * client: our own HTTP client on a loop, for what is ours: other nodes, and servers under test.
 *
 *     struct client         of one loop: read buffer, arena, TLS settings
 *     struct client_origin  one server: address, name, bounds; shared by any number of pools
 *     struct client_pool    connections to one origin and the calls that wait for them
 *     struct client_call    one request and its answer
 *
 * HTTP/1.1, one request at a time on a connection, no pipelining; or HTTP/2, max_streams requests
 * at once, where TLS chose it (ALPN).  No redirects, no cookies.  Connections are kept and used
 * again.  A call on a kept connection that ended without one byte of answer is asked
 * again on a fresh one if it may be repeated (RFC 9110 9.2.2), and any that an HTTP/2 server says
 * it has not looked at (RFC 9113 8.7).  A body shorter than its framing
 * says is a failure, told after what came of it.  All is called on the loop's own thread.
 *
 * A name is resolved by a worker and again after a while; addresses are tried in the order that the
 * resolver gives (RFC 6724), the families in turn and the one that worked last first.  One that is
 * silent for attempt_ms makes room for the next, and is waited for only when all are (RFC 8305 in
 * series).  What was resolved last stays in use when the resolver fails.
 */
struct client;
struct client_origin;
struct client_pool;
struct client_call;

/* A CA file that cannot be read is NULL, and `why` says so; without one the system's are trusted.
 */
struct client *client_new(struct loop *loop, const char *ca_file, char *why,
                          size_t why_size) MUST_USE;

/* Of a node, for other nodes: certificates are judged by io/node_tls.h (borrowed), whatever the
 * address in the URL is called. */
struct node_tls;
struct client *client_new_between_nodes(struct loop *loop, struct node_tls *nodes) MUST_USE;

void client_free(struct client **client); /* after its pools and origins */

struct client_counts {
    uint64_t requests, connects, connects_failed, repeats, body_bytes;
    uint64_t hangups;     /* of connections that were kept for the next call, by the server */
    uint64_t unresolved;  /* times that a name could not be resolved */
    uint64_t connections; /* open now */
};
const struct client_counts *client_counts(const struct client *client);

/* --- origin --- */

struct client_limits {
    uint32_t max_connections; /* of one pool */
    uint32_t max_streams;     /* of one HTTP/2 connection; 0: HTTP/2 is not offered */
    uint32_t max_waiting;     /* calls of one pool beyond those; more are refused */
    uint32_t connect_ms;      /* for the connection, and again for the TLS handshake */
    uint32_t first_byte_ms;   /* from the request sent to the answer's header */
    uint32_t idle_ms;         /* without a byte within a body that is not paused */
    uint32_t keep_ms;         /* a connection that nobody uses is kept so long */
    uint32_t max_header_bytes, max_fields;
    uint32_t attempt_ms;      /* for one address, while there are others */
    uint32_t resolve_ms;      /* a name is resolved again after this */
    int receive_buffer_bytes; /* the kernel's, for one connection; 0: its own choice */
};
struct client_limits client_limits_default(void);

/*
 * `url` is "http://ADDRESS[:PORT]" or "https://…" with nothing after it; `name` is what stands in
 * Host and in the certificate, NULL for the address itself.  NULL when it is not such a URL.
 */
struct client_origin *client_origin_new(struct client *client, struct text url, const char *name,
                                        const struct client_limits *limits) MUST_USE;
/*
 * "http[s]://HOST[:PORT]", HOST a name or an address, resolved by `resolvers` (borrowed).  Calls
 * wait until it is resolved for the first time, and are unreachable when it cannot be.
 */
struct workers;
struct client_origin *client_origin_named(struct client *client, struct text url,
                                          struct workers *resolvers,
                                          const struct client_limits *limits) MUST_USE;
void client_origin_free(struct client_origin **origin); /* after its pools */
/* Whether `url` is one that client_origin_named() takes. */
bool client_url_is_sound(struct text url) MUST_USE;
/* Whether it is an address of 127.0.0.0/8 or ::1. */
bool client_origin_is_loopback(const struct client_origin *origin);
struct sockaddr;
/* Borrowed from the origin; *ret_size is a socklen_t. */
void client_origin_address(const struct client_origin *origin, const struct sockaddr **ret_address,
                           uint32_t *ret_size);

/* --- pool --- */

/* `source`: the address to connect from, NULL for any. */
struct client_pool *client_pool_new(struct client_origin *origin,
                                    const struct address *source) MUST_USE;
/* Cuts every call without a word to its handler.  Safe in any callback, but for the on_end of calls
 * whose origin's name cannot be resolved; accepts NULL inside. */
void client_pool_free(struct client_pool **pool);

/* --- call --- */

enum client_outcome {
    CLIENT_DONE,        /* the answer came whole, whatever its status */
    CLIENT_UNREACHABLE, /* refused, no route */
    CLIENT_NO_TLS,      /* no handshake, or a certificate that does not verify */
    CLIENT_RESET,       /* the connection ended before an answer's header */
    CLIENT_TRUNCATED,   /* … within its body */
    CLIENT_MALFORMED,   /* not HTTP as we read it */
    CLIENT_TIMEOUT,     /* one of the limits' times, or the deadline */
};
const char *client_outcome_word(enum client_outcome outcome);

struct client_handler {
    /* The final answer's header; texts live for this callback only.  May be NULL. */
    void (*on_header)(struct client_call *call, const struct http_response *response,
                      void *context);
    /* A piece of the body, lent for this callback; may be NULL.  See `discards`. */
    void (*on_body)(struct client_call *call, struct text piece, void *context);
    /* Once, last; the call is gone when it returns. */
    void (*on_end)(struct client_call *call, enum client_outcome outcome, void *context);
    /* An interim answer (1xx); NULL: they are skipped. */
    void (*on_interim)(struct client_call *call, const struct http_response *response,
                       void *context);
    /* What a chunked body ended with, before on_end; NULL: they are dropped. */
    void (*on_trailers)(struct client_call *call, const struct http_field *trailers, size_t count,
                        void *context);
};

struct client_request {
    enum http_method method;
    struct text method_name;         /* the token, when it is HTTP_METHOD_OTHER */
    struct text target;              /* origin-form, escaped */
    struct text host;                /* instead of the origin's own; data NULL for that */
    const struct http_field *fields; /* besides Host and Content-Length, which are ours */
    size_t field_count;
    struct text body;     /* data NULL for none */
    uint32_t deadline_ms; /* from now to the last byte, waiting included; 0: none */
    bool may_repeat;      /* a POST that does the same twice as once */
    bool discards;        /* body pieces have a size and may have no data: they are not even read
                             out of the kernel where that is possible */
};

/* Whether no text of it holds what would break the request apart. */
bool client_request_is_sound(const struct client_request *request) MUST_USE;
/*
 * Copies the request.  NULL when the pool is full or a text holds what would break the request
 * apart.  No callback comes before this returns.
 */
struct client_call *client_ask(struct client_pool *pool, const struct client_request *request,
                               const struct client_handler *handler, void *context) MUST_USE;
/* No callback comes any more; the call is gone.  Safe in its own callbacks but on_end. */
void client_cancel(struct client_call *call);
/*
 * No byte is read until client_resume(), so the kernel's buffers fill and the server has to wait.
 * Pieces that were read already still come in this turn, and those of an HTTP/2 answer that come
 * later are kept, as many as its window allows.  A paused call has no idle time-out.
 */
void client_pause(struct client_call *call);
void client_resume(struct client_call *call);

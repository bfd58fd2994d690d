// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include "io/exchange.h"
#include "io/loop.h"

/*
 * server: accepts connections, reads requests, calls the door and then the route's handler.
 *
 * `limits.loops` loops serve: the *home* loop given to server_new(), and threads of the server's
 * own.  A connection lives on one of them for good.  A handler runs on the home loop, so what it
 * touches there needs no lock: a request read elsewhere is handed over by message, and its answer
 * is handed back when it is finished.  Handlers of routes that say `runs_anywhere` run on the
 * connection's loop.  Every callback of a handler is made on the loop that ran the handler.  All
 * functions here are called on the home loop's thread.
 *
 * Every bound below has a default in io/server.def and is a named configuration key.  The owner
 * keeps config, logger and contexts alive longer than the server.
 */
struct server;
typedef void server_handler(struct exchange *exchange, void *context);

struct server_route {
    /* "GET", "GET POST".  HEAD comes with GET; the server answers OPTIONS unless it is named.
     * "*": any, also unknown ones (takes_any_method), and queries and forms are not even read. */
    const char *methods;
    /* "/livez" exactly, or with a final slash ("/rest/", "/") a prefix; the longest wins. */
    const char *path;
    size_t max_body_bytes;
    enum shield_class class; /* until exchange_set_class() knows better */
    server_handler *handler;
    void *context;
    bool allows_public_plain; /* in plain HTTP also to public addresses: ACME, where TLS is not
                                 there yet */
    bool is_shared;           /* other sites may embed its answers: no cookie opens them */
    bool greets_strangers;    /* on the nodes' address, also to who shows no certificate: joining */
    bool wants_node;          /* from others not even a body is taken: 403 */
    bool runs_anywhere;       /* the handler is thread-safe: it runs where the connection lives */
};

struct server_limits {
#define LIMIT(name, unit_type, default_value, help) unit_type name;
#include "io/server.def"
#undef LIMIT
};

struct server_tls; /* io/tls.h: certificates and their reload */

/* Whole lines, each with its newline; from any of the server's loops, also from two at once. */
typedef void server_log_sink(void *context, struct text lines);

struct server_config {
    struct server_limits limits;
    const struct logger *logger;  /* events */
    server_log_sink *access_sink; /* one combined-format line per request; NULL for none */
    void *access_context;
    struct shield *shield; /* what the door decides with; NULL until it is built */
    /* Addresses or CIDR blocks (base/address.h), already validated: a bad one is asserted. */
    const struct text *trusted_proxies;
    size_t trusted_proxy_count;
    bool expects_proxy_protocol; /* PROXY v2 header from trusted proxies, on every connection */
    bool refuses_public_plain; /* plain HTTP from public addresses: 403, but for allows_public_plain
                                */
    bool takes_any_method;     /* for a route of "*": unknown ones are not refused */
    const struct text *host_names; /* names we answer to; empty: any.  Others get 421 */
    size_t host_name_count;
};

struct server_config server_config_default(void);
/* Starts the threads of the other loops; they have nothing to do until server_listen(). */
struct server *server_new(struct loop *home, const struct server_config *config) MUST_USE;
/* Closes what is open.  Not from inside a handler; exchanges that handlers still hold stay valid.
 */
void server_free(struct server **server);
/* All routes come before the first server_listen(). */
void server_route(struct server *server, const struct server_route *route);
/* For what runs_anywhere handlers keep per loop; index 0 is home (exchange_loop_index()). */
size_t server_loop_count(const struct server *server); /* at least 1 */
struct loop *server_loop(const struct server *server, size_t index);
/* Asks each loop for a sign of life, but for those that sleep.  False when one has not given the
 * sign that it was asked for before: call it no more often than a loop may be busy. */
bool server_is_lively(struct server *server);
/*
 * For what is kept per loop, by at most SERVER_LOOP_ENDS modules: when the server is freed
 * `call(context, index)` is made on each loop, after its connections are gone and before the loop
 * itself is.  Before the first server_listen().
 */
enum { SERVER_LOOP_ENDS = 4 };
typedef void server_loop_end(void *context, size_t index);
void server_at_loop_end(struct server *server, server_loop_end *call, void *context);
/* Serves on a listening socket (taken over); `tls` NULL means plain, else TLS is detected by its
 * first byte and plain HTTP on the same port is served to private addresses and redirected
 * elsewhere. */
int server_listen(struct server *server, int listening_fd, struct server_tls *tls) MUST_USE;
/* Writes what every loop has gathered of the access log, then calls `done` on the home loop: what
 * was answered before goes where it went before.  False while the last call is under way.  A freed
 * server calls nothing. */
bool server_flush_log(struct server *server, void (*done)(void *context), void *context) MUST_USE;
/*
 * Ends, soon and on every loop, what is being sent to `owner` by any right but these; what is in
 * the kernel's buffers is thrown away where that can be.  Server-sent events are their handlers' to
 * end. On the home loop.
 */
struct exchange_owner;
void server_end_answers(struct server *server, const uint8_t *owner, const uint8_t *rights,
                        size_t right_count);
/* The same, but what is being sent to `owner` by one of these rights. */
void server_end_rights(struct server *server, const uint8_t *owner, const uint8_t *rights,
                       size_t right_count);
/* Stops accepting, lets running requests end for at most `grace_us`, then calls `done`. */
void server_drain(struct server *server, uint64_t grace_us, void (*done)(void *context),
                  void *context);

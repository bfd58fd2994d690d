// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/address.h"
#include "http/date.h"
#include "io/carrier.h"
#include "io/deadline.h"
#include "io/server.h"

/*
 * server_state: what server.c, dispatch.c and the connections share.  Internal to io/.
 * One loop owns all of it: several loops mean several servers on SO_REUSEPORT sockets.
 */
struct connection;
struct connection_progress;

/* What a connection waits for; each has its own time-out (io/server.def). */
enum server_wait {
    SERVER_WAIT_HEADER, /* from its first byte to its end */
    SERVER_WAIT_BODY,
    SERVER_WAIT_IDLE, /* the next request */
    SERVER_WAIT_SEND, /* the client takes a byte */
    SERVER_WAIT_LINGER,
    SERVER_WAIT_COUNT
};

struct listener {
    struct loop_watch watch;
    struct loop_timer pause; /* out of descriptors: accept again later */
    struct server *server;
    struct server_tls *tls; /* NULL: plain */
    struct listener *next;
};

enum {
    SERVER_SCRATCH_BYTES = 64 << 10,
    SERVER_SPARE_EXCHANGES = 32,
    SERVER_SPARE_PROGRESSES = 64,
    SERVER_LOG_USER_BYTES = 64, /* shown of a user's name */
};

struct server {
    struct loop *loop;
    struct server_config config;
    struct address_block *trusted; /* config.trusted_proxies, parsed */
    struct server_route *routes;   /* longest path first */
    size_t route_count;
    struct listener *listeners;
    struct connection *connections;
    size_t connection_count;
    struct deadline_queue waits[SERVER_WAIT_COUNT];
    struct connection_progress *spare_progress;
    size_t spare_progress_count;
    struct exchange *live, *spare;
    size_t spare_count;
    _Atomic uint32_t coded_streams; /* answers that are coded in steps (io/coding.h) */
    int64_t date_s;                 /* of date_text */
    struct http_date_text date_text;
    struct buffer log_line; /* written anew for every request */
    bool is_draining;
    struct loop_timer grace;
    void (*on_drained)(void *context);
    void *drained_context;
    char scratch[SERVER_SCRATCH_BYTES]; /* what one read brings, or one file read under TLS */
};

struct text server_date(struct server *server,
                        int64_t unix_s); /* the Date field, written once a second */
bool server_trusts(const struct server *server, const struct address *address);
void server_connection_gone(struct server *server); /* after its own removal */

/* --- connection.c --- */
void connections_init(struct server *server);
void connections_release(struct server *server); /* all connections are gone */
void connection_accept(struct listener *listener, int fd, const struct address *address,
                       uint16_t port);
void connection_drain(
    struct connection *connection); /* ends it after the running answer, at once when idle */
void connection_abort(struct connection *connection);
struct connection *connection_next(const struct connection *connection);

/* --- access_log.c --- */
void access_log_write(const struct exchange *exchange);

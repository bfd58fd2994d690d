// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/address.h"
#include "http/date.h"
#include "http/parser.h"
#include "io/budget.h"
#include "io/carrier.h"
#include "io/crowd.h"
#include "io/deadline.h"
#include "io/loop_group.h"
#include "io/page_pipe.h"
#include "io/server.h"
#include "io/workers.h"

#include <stdatomic.h>

/*
 * server_state: what server.c, dispatch.c and the connections share.  Internal to io/.
 *
 * Each loop has a struct server of its own and owns it: its connections, exchanges, scratch, log,
 * date.  The home loop's is the handle that server_new() gave; its routes and sockets are for all:
 * they are complete before the first connection, and nobody changes them after that.
 *
 *   server (home) ── all[0] itself ── connections, listeners[0] ─┐
 *                 ── all[1] ───────── connections, listeners[1] ─┼── one listening descriptor
 *                 ── all[2] ...                                  ┘   (EPOLLEXCLUSIVE)
 *
 * What crosses loops is a message (server_accept.c, server.c, exchange_away.c) or an atomic number.
 */
struct connection;
struct connection_progress;
struct h2_connection;
struct h2_shared;
struct giving_way;
struct adopting;
struct handover_message;

enum { SERVER_LOG_BYTES = 32 << 10 }; /* of lines, before they are written */

/* Lines that wait to be written together. */
struct access_log {
    struct buffer lines;
    struct loop_timer timer; /* runs from the first of them on */
    int64_t time_s;          /* of time_text, which is written once a second */
    char time_text[29];      /* "[21/Nov/2026:18:48:56 +0000]" */
};

/* Status line, Date and Server of an HTTP/1 answer. */
struct server_head_start {
    int64_t date_s;
    unsigned status;
    size_t size;
    char bytes[128];
};

/* What a connection waits for; each has its own time-out (io/server.def). */
enum server_wait {
    SERVER_WAIT_TURN,      /* to begin a TLS handshake */
    SERVER_WAIT_HANDSHAKE, /* from its beginning to its end */
    SERVER_WAIT_HEADER,    /* from its first byte to its end */
    SERVER_WAIT_BODY,
    SERVER_WAIT_IDLE, /* the next request */
    SERVER_WAIT_SEND, /* the client takes a byte */
    SERVER_WAIT_LINGER,
    SERVER_WAIT_COUNT
};

/* TLS handshakes of this loop: connection_tls.c. */
struct handshakes {
    struct budget budget;
    uint32_t running, waiting;
    struct loop_timer turn; /* of those who wait */
};

struct listener {
    struct loop_watch watch;
    struct loop_timer pause; /* out of descriptors: accept again later */
    struct server *server;
    struct server_tls *tls; /* NULL: plain */
    struct server_socket *socket;
    bool is_open; /* this loop accepts, or pauses */
};

/* A listening socket, watched by every loop; the last that lets go of it closes it. */
/* A route, and what is asked of it for each request. */
struct route_entry {
    struct server_route route;
    struct text path;
    uint32_t methods; /* a bit for each enum http_method, HEAD with GET */
    bool is_prefix;
};

struct server_socket {
    struct server_socket *next;
    int fd;
    atomic_uint watchers;
    struct listener listeners[]; /* by index of the loop */
};

enum {
    SERVER_SCRATCH_BYTES = 64 << 10,
    SERVER_SPARE_EXCHANGES = 32,
    SERVER_SPARE_PROGRESSES = 64,
    SERVER_FORWARDED_MAX = 8192, /* requests that are counted with an address behind a proxy */
    SERVER_LOG_USER_BYTES = 64,  /* shown of a user's name */
};

struct server {
    struct loop *loop;
    unsigned index;      /* of the loop; 0: home */
    struct server *home; /* itself at home */
    struct server_config config;
    struct address_block *trusted; /* config.trusted_proxies, parsed */
    struct connection *connections;
    struct h2_connection *h2_connections; /* io/h2.h */
    struct h2_shared *h2;
    struct page_pipe page_pipe;   /* by which large runs of memory go out */
    atomic_uint connection_count; /* of both kinds, those on their way here too; read by all */
    struct crowd *forwarded;      /* running requests of addresses behind trusted proxies */
    size_t forwarded_count;
    size_t away_count; /* exchanges that the home loop has */
    struct deadline_queue waits[SERVER_WAIT_COUNT];
    struct handshakes handshakes;
    struct connection_progress *spare_progress;
    size_t spare_progress_count;
    struct exchange *live, *spare;
    size_t spare_count;
    uint64_t clock_at_us; /* the turn of clock_ms */
    int64_t clock_ms;
    int64_t date_s; /* of date_text */
    struct http_date_text date_text;
    struct server_head_start head_start; /* the last that was written */
    struct access_log log;
    atomic_bool owes_sign; /* of life */
    bool is_draining;
    bool is_drained;               /* and has said so */
    bool is_shut;                  /* takes no connection at all any more */
    struct giving_way *giving_way; /* to a successor; NULL else */

    /* --- of the home loop's alone, for all --- */
    struct loop_group *group;
    struct server **all;        /* by index of the loop */
    struct workers *disk;       /* threads that read what is not in memory; NULL: none */
    struct crowd *crowd;        /* of all connections that have entered */
    struct route_entry *routes; /* longest path first */
    size_t route_count;
    struct neighbours *neighbours; /* io/neighbours.h; any loop */
    struct server_socket *sockets;
    struct {
        server_loop_end *call;
        void *context;
    } at_loop_end[SERVER_LOOP_ENDS];
    size_t loop_end_count;
    _Atomic uint32_t coded_streams; /* answers that are coded in steps (io/coding.h) */
    atomic_uint drained_count;      /* loops */
    struct loop_watch all_drained;  /* eventfd: the last of them rings */
    struct loop_timer grace;
    struct log_flush *log_flush; /* of all loops, under way; NULL else */
    struct adopting *adopting;   /* predecessors' connections; NULL: none */
    void (*on_drained)(void *context);
    void *drained_context;
    char scratch[SERVER_SCRATCH_BYTES]; /* what one read brings, or one file read under TLS */
};

struct text server_date(struct server *server,
                        int64_t unix_s); /* the Date field, written once a second */
bool server_trusts(const struct server *server, const struct address *address);
/* What a request's header may be; a bound whose guard is off is none. */
struct http_limits server_header_limits(const struct server *server);
void server_count_refusal(unsigned status); /* of a request, as malformed or over a limit */
/* Counts a connection with its address, at most once; false when that has too many.  Counted either
 * way: whoever ends the connection calls server_forgets(). */
bool server_admits(struct server *server, const struct address *address);
void server_forgets(struct server *server, const struct address *address);
void server_connection_gone(struct server *server); /* after its own removal */
void server_look_if_drained(struct server *server); /* when what kept it has gone */

/* `call` gets each loop's struct server on that loop's thread; at home at once. */
void server_on_each_loop(struct server *home, loop_call *call);

/* --- connection.c --- */
void connections_init(struct server *server);
void connections_release(struct server *server); /* all connections are gone */
void connection_accept(struct listener *listener, int fd, const struct address *address,
                       uint16_t port);
void connection_drain(
    struct connection *connection); /* ends it after the running answer, at once when idle */
/* The server is full: ends the connection of this loop that has waited longest for its header or
 * for its next request.  False when none has waited for a second. */
bool connections_make_way(struct server *server);
void connection_abort(struct connection *connection);
/* While the server gives way: it stands between two requests and can go on elsewhere. */
bool connection_can_move(const struct connection *connection);
/* It has no request that a handler holds or will get, and never will have. */
bool connection_needs_no_handler(const struct connection *connection);
struct handover_message connection_describe(const struct connection *connection);
int connection_fd(const struct connection *connection);
/* As connection_accept(), in the middle of its life. */
void connection_adopt(struct listener *listener, int fd, const struct handover_message *past);
struct connection *connection_next(const struct connection *connection);

/* --- server_accept.c --- */
void server_stop_accepting(struct server *server); /* on its own loop */

/* A connection that the predecessor hands over, on the home loop; `fd` is taken over. */
void server_take_over(struct server *home, const struct handover_message *past, int fd);

/* --- handover.c --- */
bool handover_moves_connections(const struct server *server); /* to a successor */
bool handover_is_quiet(const struct server *server);          /* no handler may be called */
void handover_turn(struct server *server);                    /* a connection can move */
void handover_stop(struct server *server); /* on its own loop, before its connections go */
void handover_stop_adopting(
    struct server *server);                   /* at home: predecessors hand nothing over any more */
void handover_release(struct server *server); /* when all loops have ended */

/* --- exchange_away.c --- */
/* Connections are gone and the other loops have ended: callbacks that are under way are made here,
 * and what handlers still hold lives on alone. */
void exchanges_orphan(struct server *server);

/* --- access_log.c --- */
void access_log_init(struct server *server);
void access_log_release(struct server *server); /* writes what is left */
void access_log_flush(struct server *server);
void access_log_forget_flush(struct server *home); /* it is freed: nobody is told any more */
void access_log_write(const struct exchange *exchange);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "io/client.h"
#include "io/stream.h"

#include <sys/socket.h>

/* client_state: what client.c and the files client_*.c share.  Internal to io/. */
struct ssl_ctx_st;
struct ssl_session_st;

enum {
    CLIENT_ADDRESSES_MAX = 8,
    CLIENT_SCRATCH_BYTES = 64 << 10, /* one read */
    CLIENT_ARENA_BYTES = 256 << 10,  /* of one answer's header */
};

struct client {
    struct loop *loop;
    struct ssl_ctx_st *tls;
    struct node_tls *nodes; /* instead of it; NULL: not between nodes */
    struct client_counts counts;
    struct arena *arena; /* of the header that is told just now */
    char scratch[CLIENT_SCRATCH_BYTES];
};

struct client_address {
    struct sockaddr_storage sockaddr;
    socklen_t size;
};

struct client_origin {
    struct client *client;
    struct client_limits limits;
    struct client_address addresses[CLIENT_ADDRESSES_MAX];
    uint8_t address_count; /* 0 until a name is resolved */
    uint8_t preferred;     /* the one that worked last */
    struct client_pool *pools;
    struct workers *resolvers;    /* NULL: an address, never resolved */
    struct client_lookup *lookup; /* under way */
    uint64_t fresh_until_us;      /* then it is resolved again */
    uint16_t port;
    bool is_tls, is_name;
    bool
        shares_connecting; /* it may speak HTTP/2: calls wait for a connection that is being made */
    char *host;            /* as in Host, with the port unless it is the scheme's */
    char *name;            /* for the certificate */
    struct ssl_session_st *session; /* the newest ticket, for the next handshake */
};

struct client_call {
    struct client_pool *pool;
    struct client_connection *connection; /* NULL while it waits */
    struct h2_client_stream *stream;      /* its own, on an HTTP/2 connection */
    struct client_call *next;             /* in the pool's queue */
    const struct client_handler *handler;
    void *context;
    struct loop_timer deadline;
    char *wire; /* the request; freed once it cannot be needed again */
    size_t wire_size, head_size;
    uint64_t asked_us, due_us; /* of a stream */
    uint8_t method, repeats;
    bool may_repeat, discards, is_paused;
};

enum client_step {
    CLIENT_CONNECTING,
    CLIENT_HANDSHAKE,
    CLIENT_SENDING, /* an answer may come early */
    CLIENT_HEADER,
    CLIENT_BODY,
    CLIENT_KEPT,    /* no call */
    CLIENT_STREAMS, /* HTTP/2: any number of calls, none in `call` */
    CLIENT_GONE,    /* closed; memory stays until the callback that closed it has returned */
};

struct client_connection {
    struct client *client;
    struct client_pool *pool; /* NULL once the pool is gone */
    struct client_connection *next;
    struct client_call *call; /* NULL when kept, or cancelled just now */
    struct h2_client *h2;     /* of CLIENT_STREAMS */
    struct stream stream;
    struct loop_watch watch;
    struct loop_timer timer;   /* lazy: looks at due_us when it fires */
    uint64_t due_us, armed_us; /* armed_us: 0 when the timer is not running */
    size_t sent;
    struct buffer head; /* an answer's header that is not whole yet */
    struct http_parser parser;
    struct http_body body;
    uint8_t address; /* of the origin's, that is tried */
    uint8_t round;   /* 0: an address gets attempt_ms; 1: those that were silent get connect_ms */
    uint8_t refused; /* bits: addresses that said no */
    uint8_t step;
    uint8_t why;    /* enum client_outcome, with is_failed */
    bool is_busy;   /* a callback of ours is on the stack */
    bool is_reused; /* it carried an answer before */
    bool has_bytes; /* of the present answer */
    bool stays;     /* may be kept after it */
    bool is_failed; /* to be told by the timer, since no callback may come from client_ask() */
    bool is_watched_no_more; /* paused and hung up */
    bool is_doubted;         /* HTTP/2: silent while somebody waited; takes no new calls */
    bool has_resumed;        /* HTTP/2: something that was held may be told */
    uint64_t heard_us;       /* HTTP/2: the last byte */
};

struct client_pool {
    struct client_origin *origin;
    struct client_pool *next; /* of the origin */
    struct client_connection *connections;
    struct client_call *waiting, **waiting_end;
    uint32_t connection_count, waiting_count;
    bool has_source;
    struct address source;
};

/* client.c: the call that a connection carried has ended, and the connection is kept or gone. */
void client_call_end(struct client_call *call, enum client_outcome outcome);
void client_call_free(struct client_call *call);
void client_call_wait_again(struct client_call *call); /* first in the queue */
void client_pool_pump(struct client_pool *pool);       /* gives waiting calls to connections */

static inline const struct client_limits *
client_limits_of(const struct client_connection *connection)
{
    return &connection->pool->origin->limits;
}

/* client_connection.c */
struct client_connection *client_connection_new(struct client_pool *pool);
void client_connection_begin(struct client_connection *connection, struct client_call *call);
/* Connected: sends the call's request.  0 all sent or must wait; else -errno. */
int client_connection_send(struct client_connection *connection) MUST_USE;
void client_connection_close(struct client_connection *connection);
void client_connection_read_on(struct client_connection *connection); /* after a pause */
void client_connection_hold(struct client_connection *connection);    /* for a pause */
/* Ends the connection and tells its call, or asks again elsewhere. */
void client_connection_fail(struct client_connection *connection, enum client_outcome why);
/* The same told by the timer: no callback may come from where we are. */
void client_connection_fail_soon(struct client_connection *connection, enum client_outcome why);
void client_connection_arm(struct client_connection *connection, uint64_t at_us); /* the timer */
void client_connection_want(struct client_connection *connection, unsigned wanted);

/* The step at hand may take `ms` from now. */
static inline void client_connection_wait(struct client_connection *connection, uint32_t ms)
{
    connection->due_us = loop_now_us(connection->client->loop) + ms * UINT64_C(1000);
    /* a later due time needs no new timer: when it fires it looks and waits on */
    if (!connection->armed_us || connection->armed_us > connection->due_us)
        client_connection_arm(connection, connection->due_us);
}

/* client_dial.c: CLIENT_CONNECTING and CLIENT_HANDSHAKE */
/* A socket that connects to that address of the origin; stream.fd is -1 when it cannot even begin.
 */
void client_dial_open(struct client_connection *connection, uint8_t address);
void client_dial_begin(struct client_connection *connection); /* waits for it */
void client_dial_go_on(struct client_connection *connection); /* at an event */
/* On to the next address; `why` is told when there is none. */
void client_dial_elsewhere(struct client_connection *connection, enum client_outcome why);

/* client_answer.c: reads what there is; an end of the answer, or of the connection, is told. */
void client_answer_read(struct client_connection *connection);

/* client_streams.c: a connection that speaks HTTP/2 */
void client_streams_start(struct client_connection *connection);
bool client_streams_have_room(const struct client_connection *connection);
void client_streams_ask(struct client_connection *connection, struct client_call *call);
void client_streams_on_events(struct client_connection *connection, unsigned events);
void client_streams_on_time(struct client_connection *connection, uint64_t now_us);
void client_streams_flush(struct client_connection *connection); /* and sets the timer */
/* The connection is over: its calls are told, or asked again. */
void client_streams_lose(struct client_connection *connection, enum client_outcome why);
void client_streams_drop(struct client_call *call); /* only this one; it is not told */
void client_streams_pause(struct client_call *call);
void client_streams_resume(struct client_call *call);

/* client_name.c */
void client_name_end(struct client_origin *origin);
/* Whether there is an address to connect to; looks for one if not, or if it has aged. */
bool client_name_is_known(struct client_origin *origin);
/* client.c: no address could be found. */
void client_pool_fail_waiting(struct client_pool *pool);

/* client_tls.c */
struct ssl_ctx_st *client_tls_new(const char *ca_file, char *why, size_t why_size);
void client_tls_free(struct ssl_ctx_st **tls);
void client_tls_begin(struct stream *stream, struct client_origin *origin);
int client_tls_handshake(struct stream *stream); /* 0 done, -EAGAIN, -EPROTO */
void client_tls_forget(struct client_origin *origin);

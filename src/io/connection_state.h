// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/chunked.h"
#include "http/parser.h"
#include "io/server_state.h"
#include "io/stream.h"

#include <assert.h>

/* connection_state: what the files of an HTTP/1 connection share.  Internal to io/. */
enum connection_step {
    STEP_PROXY,     /* the PROXY v2 header is awaited */
    STEP_SNIFF,     /* the first byte: TLS or plain? */
    STEP_TURN,      /* TLS: others shake hands first */
    STEP_HANDSHAKE, /* TLS */
    STEP_HEADER,    /* idle, or inside a request's header */
    STEP_BODY,
    STEP_HANDLING, /* a handler has the exchange */
    STEP_ANSWER,   /* the answer is being written */
    STEP_LINGER,   /* all is said; what still arrives is thrown away */
};

enum step_result {
    STEP_GOES_ON, /* call the current step again */
    STEP_WAITS,   /* for an event */
    STEP_YIELDS,  /* could go on, but others are waiting */
    STEP_CLOSES,
    STEP_BECOMES_H2, /* the socket goes over to io/h2.h */
};

/*
 * What only a request under way needs.  Taken from the server's spare ones when an event comes,
 * given back when the connection is idle again, so an idle connection is the struct below and
 * nothing else.
 */
struct connection_progress {
    struct connection_progress *next; /* among the spare ones */
    struct buffer in;                 /* read and not consumed; without memory when empty */
    struct buffer batch;              /* answers that wait for those of the rest of a pipeline */
    struct http_parser parser;
    struct http_chunked chunked;
    const struct server_route *route; /* in STEP_BODY */
    uint64_t body_left;               /* to be read, or read while lingering */
    size_t wire_sent, piece;          /* how far the answer is out */
    uint64_t piece_sent;
    uint64_t put;        /* of the answer, to the kernel */
    int64_t taken;       /* of that, by the client's kernel, when last looked */
    uint64_t stalled_us; /* since it last took enough */
    uint32_t trickles;   /* looks since then that found something, but too little */
    size_t body_before;  /* of the request's body, when last looked */
    unsigned run_count;  /* requests in this run */
};

/* Kept small (a test holds it to 160 bytes): thousands are idle. */
struct connection {
    struct loop_watch watch;
    struct deadline deadline; /* in the queue of what is waited for; idle while a handler works */
    struct listener *listener;
    struct connection *previous, *next;
    struct exchange *exchange;            /* from the end of its header on */
    struct connection_progress *progress; /* NULL when idle */
    struct stream stream;
    struct address address;
    uint32_t request_count;
    uint16_t port;
    uint8_t step;    /* enum connection_step */
    bool is_running; /* inside connection_run() */
    bool is_blocked; /* the socket took less than we had */
    bool is_chunked; /* the answer is */
    bool has_ended;  /* the last chunk is on the wire */
    bool will_close; /* after this answer */
    bool has_unread; /* the client may still be sending what we shall not read */
    bool saw_end;    /* of what the client sends */
};
static_assert(sizeof(struct connection) <= 160, "an idle connection is small");

typedef enum step_result step_function(struct connection *connection);

extern const struct exchange_carrier connection_carrier;

/* Ends at once, with what the kernel still holds: nothing more reaches the client. */
void connection_cut(struct connection *connection);
void connection_reset(struct connection *connection); /* the same, since it took too long */
void connection_run(struct connection *connection);   /* the connection may be gone after it */
static inline bool connection_has_input(const struct connection *connection)
{
    return connection->progress && connection->progress->in.size > 0;
}
struct server *connection_server(const struct connection *connection);
/* Waits for that from now on, and for nothing that was waited for before. */
void connection_wait(struct connection *connection, enum server_wait wait);
/* It has had as many requests as one may. */
bool connection_is_worn_out(const struct connection *connection);
/* The prepared answer, if it may wait for the next one; true when it joined. */
bool connection_join_batch(struct connection *connection);
/* What has joined is sent.  STEP_GOES_ON when all is out, also when there was none. */
enum step_result connection_flush_batch(struct connection *connection);
bool connection_has_batch(const struct connection *connection);
/* Sends what is on the wire buffer.  STEP_GOES_ON when all is out. */
enum step_result connection_flush_wire(struct connection *connection);
/* The steps that stand in other files. */
enum step_result connection_step_proxy(struct connection *connection);
enum step_result connection_step_sniff(struct connection *connection);
enum step_result connection_step_turn(struct connection *connection);
enum step_result connection_step_handshake(struct connection *connection);
/* It is no longer in STEP_TURN or STEP_HANDSHAKE, or will be freed; other steps are fine. */
void connection_leave_handshake(struct connection *connection);
void connections_on_turn(struct loop_timer *timer, uint64_t now_us);
enum step_result
connection_enter(struct connection *connection); /* its address is known: the door */
enum step_result connection_step_header(struct connection *connection);
enum step_result connection_step_body(struct connection *connection);
/* Answers what cannot be handled; nothing more is read as a request from this connection. */
void connection_refuse(struct connection *connection, unsigned status, const char *why);
/* While somebody else works: the next request, or the client's end.  False when nobody is there. */
bool connection_read_ahead(struct connection *connection);
bool connection_has_room_ahead(const struct connection *connection);
enum step_result connection_step_answer(struct connection *connection);
enum step_result connection_finish_answer(struct connection *connection);
/* It ends after the running answer because the server does: nobody takes it over. */
bool connection_ends_with_server(const struct connection *connection);

/* connection_patience.c */
/* The socket took less than we had: waits until it takes more, or for the send time-out. */
enum step_result connection_wait_to_write(struct connection *connection);
void connections_init_patience(struct server *server);

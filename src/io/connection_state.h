// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/chunked.h"
#include "http/parser.h"
#include "io/server_state.h"
#include "io/stream.h"

/* connection_state: what the three files of an HTTP/1 connection share.
 * Internal to io/. */
enum connection_step {
    STEP_PROXY,     /* the PROXY v2 header is awaited */
    STEP_SNIFF,     /* the first byte: TLS or plain? */
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
};

struct connection {
    struct loop_watch watch;
    struct loop_timer timer; /* fires at deadline_us or earlier */
    uint64_t deadline_us;    /* UINT64_MAX: none */
    struct server *server;
    struct listener *listener;
    struct connection *previous, *next;
    struct exchange *exchange; /* from the end of its header on */
    struct stream stream;
    struct buffer in; /* read and not consumed; without memory when empty */
    struct http_parser parser;
    struct http_chunked chunked;
    const struct server_route *route; /* in STEP_BODY */
    uint64_t body_left;               /* to be read, or read while lingering */
    size_t wire_sent, piece;          /* how far the answer is out */
    uint64_t piece_sent;
    size_t unsent; /* in the kernel when we were blocked, or when last looked */
    struct address address;
    uint32_t request_count, run_count;
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

typedef enum step_result step_function(struct connection *connection);

extern const struct exchange_carrier connection_carrier;

void connection_run(struct connection *connection); /* the connection may be gone after it */
void connection_set_deadline(struct connection *connection, uint64_t at_us);
/* Blocked for the whole send time-out: true when the client took some of it, and gets as much time
 * again. */
bool connection_is_alive(struct connection *connection);
/* Sends what is on the wire buffer.  STEP_GOES_ON when all is out. */
enum step_result connection_flush_wire(struct connection *connection);
/* The steps that stand in other files. */
enum step_result connection_step_proxy(struct connection *connection);
enum step_result connection_step_sniff(struct connection *connection);
enum step_result connection_step_handshake(struct connection *connection);
enum step_result
connection_enter(struct connection *connection); /* its address is known: the door */
enum step_result connection_step_answer(struct connection *connection);
enum step_result connection_finish_answer(struct connection *connection);

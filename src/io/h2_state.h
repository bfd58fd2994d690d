// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/header_list.h"
#include "http/priority.h"
#include "io/h2.h"

#include <nghttp2/nghttp2.h>

/* h2_state: what the files of an HTTP/2 connection share.  Internal to io/. */

enum {
    H2_BATCH_BYTES = 64 << 10, /* gathered before one write; one frame more may follow */
    H2_FRAME_HEAD_BYTES = 9,
    H2_FRAME_BYTES = H2_FRAME_HEAD_BYTES + (16 << 10), /* head and the largest DATA that we send */
    H2_EARLY_PRIORITIES = 8,
    H2_PAST_RESETS = 16,
    H2_PATIENCE_BYTES = 1024, /* a stream that takes fewer in send_timeout_ms is stalled */
};

/* Frames of which a client may send a few, but not a flood (h2_floods.def). */
enum h2_flood {
#define FLOOD(id, limit, help) H2_FLOOD_##id,
#include "io/h2_floods.def"
#undef FLOOD
    H2_FLOOD_COUNT
};

struct h2_shared {
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    char frame[H2_FRAME_BYTES + 64]; /* h2_memory.c: where every session packs its frames */
    size_t batch_size;
    char batch[H2_BATCH_BYTES + 2 * H2_FRAME_BYTES]; /* empty between turns */
};

/* One request and its answer; lives in its exchange's arena, so as long as that. */
struct h2_stream {
    struct h2_connection *connection;
    struct exchange *exchange;
    struct h2_stream *previous, *next; /* of the connection's */
    struct h2_stream *next_ready;
    const struct server_route *route; /* NULL: answered already, the body is thrown away */
    struct http_header_list header;
    int32_t id;
    uint64_t since_us; /* its header began, its body began, or its answer last moved */
    size_t held_bytes; /* counted against h2_max_held_bytes */
    size_t trailer_bytes;
    size_t moved;               /* bytes since since_us */
    size_t piece;               /* how far the answer is out */
    uint64_t piece_sent;        /* of that piece, or of the stream's buffer */
    char status[3], length[20]; /* as digits */
    bool has_header;            /* read whole */
    bool is_ready;              /* in the ready queue: the request is whole */
    bool is_closed;             /* nghttp2 forgot it while it was ready */
    bool is_resting;            /* deferred until the next turn */
    bool is_deferred;           /* nghttp2 waits until we have more of the answer */
    bool has_answered;          /* the answer was given to nghttp2 */
};

/*
 * Which streams there were, for frames that come after their end.  nghttp2 forgets a closed stream;
 * yet a client that goes on after it ended or reset a stream is broken (RFC 9113 5.1), while one
 * whose stream we reset has not heard of it yet.
 */
struct h2_past {
    int32_t last_id;
    uint64_t opened; /* bit n: the stream last_id - 2n was */
    int32_t reset_by_us[H2_PAST_RESETS];
    uint32_t reset_at;
    int32_t forgotten_id; /* the last reset that fell out of the ring: up to here we are lenient */
};

/* Where in the frames of a client we are. */
struct h2_frames {
    uint32_t left;     /* of the preface or the frame that goes to nghttp2 now; 0: a head comes */
    uint8_t head_size; /* gathered of it */
    uint8_t head[H2_FRAME_HEAD_BYTES + 4];
};

struct h2_connection {
    struct loop_watch watch;
    struct loop_timer timer;
    struct server *server;
    struct listener *listener;
    struct h2_connection *previous, *next;
    struct stream stream;
    nghttp2_session *session;
    struct buffer out; /* of a batch, what the socket did not take; without memory when empty */
    size_t out_sent;
    struct h2_stream *streams;
    struct h2_stream *ready, **ready_end;
    struct address address;
    uint64_t since_us; /* the socket last took something, or the connection lingers */
    uint64_t idle_us;  /* began, or the last stream ended */
    uint64_t leave_at_us;
    uint64_t flood_at_us; /* the counts below are of the ten seconds from here */
    uint32_t floods[H2_FLOOD_COUNT];
    int32_t early_priorities[H2_EARLY_PRIORITIES]; /* streams with a PRIORITY_UPDATE before HEADERS
                                                    */
    struct h2_frames frames;
    struct h2_past past;
    uint32_t stream_count, request_count;
    size_t held_bytes;
    size_t unsent; /* in the kernel when last looked */
    uint16_t port;
    struct exchange_peer peer; /* from the first request on */
    bool has_frame;            /* packs in the shared one */
    bool is_broken;            /* nghttp2 reads no further */
    bool is_trusted;           /* a proxy of ours */
    bool is_running;           /* inside a turn */
    bool is_blocked;           /* the socket took less than we had */
    bool has_resting;          /* streams */
    bool has_settings;
    bool is_leaving;    /* GOAWAY was said, politely */
    bool has_said_last; /* the final GOAWAY */
    bool is_lingering;  /* all is said; what still arrives is thrown away */
    bool saw_end;
    uint32_t lingered_bytes;
};

static inline uint64_t h2_now_us(const struct h2_connection *connection)
{
    return loop_now_us(connection->server->loop);
}

/* --- h2.c: the connection --- */
void h2_wants_write(struct h2_connection *connection); /* there is more to send: on a later turn */
void h2_leave(struct h2_connection *connection);    /* polite: what runs ends, nothing new starts */
void h2_calm(struct h2_connection *connection);     /* GOAWAY, ENHANCE_YOUR_CALM, and close */
void h2_say_last(struct h2_connection *connection); /* the second GOAWAY of one that leaves */

/* --- h2_read.c: what nghttp2 calls while it reads --- */
void h2_read_callbacks(nghttp2_session_callbacks *callbacks);
void h2_stream_free(struct h2_stream *stream, int error);
void h2_handle_ready(struct h2_connection *connection);
void h2_refuse(struct h2_stream *stream, unsigned status, const char *why);

/* --- h2_write.c: answers on their way out --- */
extern const struct exchange_carrier h2_carrier;
void h2_write_callbacks(nghttp2_session_callbacks *callbacks);
/* Fills and writes batches.  0 all is out, -EAGAIN the socket is full, -EINPROGRESS others should
 * have a turn, or another -errno. */
int h2_write(struct h2_connection *connection) MUST_USE;

/* --- h2_memory.c --- */
nghttp2_mem h2_memory(struct h2_connection *connection);

/* --- h2_frames.c --- */
void h2_feed(struct h2_connection *connection, struct text input);

/* --- h2_past.c --- */
void h2_past_open(struct h2_past *past, int32_t id); /* HEADERS of a stream above last_id */
void h2_past_reset(struct h2_past *past, int32_t id);
/* What DATA or HEADERS of a stream that nghttp2 does not know mean: an error of the connection. */
uint32_t h2_past_judge(const struct h2_past *past, int32_t id);

/* --- h2_bounds.c: floods, memory and patience --- */
/* One such frame arrived.  Too many end the connection. */
void h2_count_frame(struct h2_connection *connection, enum h2_flood flood);
void h2_hold(struct h2_stream *stream, size_t bytes); /* the stream holds so much now */
bool h2_holds_too_much(const struct h2_connection *connection);
/* Ends what has waited too long.  False: the connection itself has. */
bool h2_check_patience(struct h2_connection *connection) MUST_USE;
void h2_set_timer(struct h2_connection *connection);

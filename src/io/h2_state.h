// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/header_list.h"
#include "http/hpack.h"
#include "http/priority.h"
#include "io/h2.h"
#include "io/h2_wire.h"

/* h2_state: what the files of an HTTP/2 connection share.  Internal to io/. */

enum {
    H2_BATCH_BYTES = 64 << 10,   /* gathered before one write; one frame more may follow */
    H2_CONTROL_BYTES = 32 << 10, /* frames that wait beside answers: far more than floods allow */
    H2_HEAD_BYTES = 64 << 10,    /* of one answer; a longer one is our error */
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

/* Who may send: answers by urgency (RFC 9218), and those whose head is not out, which come first.
 */
enum { H2_QUEUE_HEADS = HTTP_URGENCY_LAST + 1, H2_QUEUE_COUNT, H2_QUEUE_NONE = H2_QUEUE_COUNT };

struct h2_shared {
    size_t block_most; /* bytes of one header, coded */
    char *scratch;     /* strings of a header, decoded */
    struct huffman_memo *memo;
    size_t batch_size;
    char batch[H2_BATCH_BYTES + H2_CONTROL_BYTES + H2_HEAD_BYTES + H2_FRAME_BYTES];
};

/* One request and its answer; lives in its exchange's arena, so as long as that. */
struct h2_stream {
    struct h2_connection *connection;
    struct exchange *exchange;
    struct h2_stream *previous, *next; /* of the connection's */
    struct h2_stream *next_ready;
    struct h2_stream *queue_previous, *queue_next;
    const struct server_route *route; /* NULL: answered already, the body is thrown away */
    struct http_header_list header;
    struct http_priority priority;
    int32_t id;
    uint32_t received_bytes; /* of DATA, for which no window was given back yet */
    int64_t send_window;     /* RFC 9113 6.9; SETTINGS may make it negative */
    uint64_t body_left;      /* of the request, by its Content-Length; else UINT64_MAX */
    uint64_t since_us;       /* its header began, its body began, or its answer last moved */
    size_t held_bytes;       /* counted against h2_max_held_bytes */
    size_t trailer_bytes;
    size_t moved;        /* bytes since since_us */
    size_t piece;        /* how far the answer is out */
    uint64_t piece_sent; /* of that piece, or of the stream's buffer */
    uint8_t queue;       /* in which it stands, or H2_QUEUE_NONE */
    bool has_header;     /* read whole */
    bool has_ended;      /* the client has said all */
    bool is_malformed;   /* its trailers are */
    bool is_ready;       /* in the ready queue: the request is whole */
    bool is_closed;      /* reset while it was ready */
    bool is_resting;     /* deferred until the next turn */
    bool is_deferred;    /* waits until there is more of the answer */
    bool has_answered;   /* there is an answer */
    bool is_sending;     /* its head is out, its body is not */
};

/*
 * Which streams there were, for frames that come after their end.  A client that goes on after it
 * ended or reset a stream is broken (RFC 9113 5.1), while one whose stream we reset has not heard
 * of it yet.
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
    uint8_t preface_bytes; /* seen of it */
    struct buffer partial; /* of a frame that is not whole; without memory when empty */
    int32_t data_id;       /* the DATA frame whose payload comes now */
    uint32_t data_left, padding_left;
    bool is_in_data, data_ends; /* data_ends: the stream ends with it */
};

/* A header that goes on in CONTINUATION frames, and the one that is decoded now. */
struct h2_block {
    struct buffer bytes; /* without memory when empty */
    int32_t id;          /* 0: none is open */
    uint32_t continuations;
    bool ends_stream;
};

/* What a client said of a stream that it had not opened yet. */
struct h2_early_priority {
    int32_t id;
    struct http_priority priority;
};

struct h2_queue {
    struct h2_stream *first, *last;
};

struct h2_connection {
    struct loop_watch watch;
    struct loop_timer timer;
    struct server *server;
    struct listener *listener;
    struct h2_connection *previous, *next;
    struct stream stream;
    struct buffer control; /* frames of ours that stand outside of answers; sent first */
    struct buffer out;     /* of a batch, what the socket did not take; without memory when empty */
    size_t out_sent;
    struct h2_stream *streams;
    struct h2_stream *ready, **ready_end;
    struct h2_queue queues[H2_QUEUE_COUNT];
    struct hpack_reader reader;
    struct hpack_writer writer;
    struct h2_frames frames;
    struct h2_block block;
    struct h2_past past;
    struct h2_early_priority early_priorities[H2_EARLY_PRIORITIES];
    struct address address;
    struct exchange_peer peer; /* from the first request on */
    int64_t send_window;
    uint32_t received_bytes; /* of DATA, for which no window was given back yet */
    uint32_t first_window;   /* of new streams: the client's SETTINGS_INITIAL_WINDOW_SIZE */
    uint64_t since_us;       /* the socket last took something, or the connection lingers */
    uint64_t idle_us;        /* began, or the last stream ended */
    uint64_t leave_at_us;
    uint64_t flood_at_us; /* the counts below are of the ten seconds from here */
    uint32_t floods[H2_FLOOD_COUNT];
    uint32_t stream_count, request_count;
    size_t held_bytes;
    size_t unsent;   /* in the kernel when last looked */
    int32_t last_id; /* that we have promised to look at, once has_said_last */
    uint32_t lingered_bytes;
    uint16_t port;
    bool is_broken;    /* the last GOAWAY is said: nothing is read any more, no answer sent */
    bool is_trusted;   /* a proxy of ours */
    bool is_running;   /* inside a turn */
    bool is_gathering; /* inside a turn, and answers may go straight to the batch */
    bool is_blocked;   /* the socket took less than we had */
    bool has_resting;  /* streams */
    bool has_settings;
    bool is_leaving;    /* GOAWAY was said, politely */
    bool has_said_last; /* the final GOAWAY */
    bool is_lingering;  /* all is said; what still arrives is thrown away */
};

static inline uint64_t h2_now_us(const struct h2_connection *connection)
{
    return loop_now_us(connection->server->loop);
}

/* --- h2.c: the connection --- */
void h2_wants_write(struct h2_connection *connection); /* there is more to send: on a later turn */
void h2_leave(struct h2_connection *connection);    /* polite: what runs ends, nothing new starts */
void h2_calm(struct h2_connection *connection);     /* ends it with ENHANCE_YOUR_CALM */
void h2_say_last(struct h2_connection *connection); /* the second GOAWAY of one that leaves */

/* --- h2_stream.c: streams and their queues --- */
/* NULL: arena_bytes is next to nothing. */
struct h2_stream *h2_stream_new(struct h2_connection *connection, int32_t id);
struct h2_stream *h2_stream_find(const struct h2_connection *connection, int32_t id);
/* The client, or we, have ended it: at once, or when its turn in the ready queue comes. */
void h2_stream_close(struct h2_stream *stream, int error);
void h2_stream_free(struct h2_stream *stream, int error);
void h2_enqueue(struct h2_stream *stream, uint8_t queue);
void h2_dequeue(struct h2_stream *stream);
void h2_resume(struct h2_stream *stream); /* it may send, if it has something and room */
struct h2_stream *h2_next_sender(const struct h2_connection *connection); /* NULL: none */
void h2_prioritise(struct h2_stream *stream, struct http_priority priority);

/* --- h2_control.c: frames beside requests and answers, both ways --- */
void h2_take_control(struct h2_connection *connection, const struct h2_frame *frame);
uint32_t h2_table_bytes(const struct server_limits *limits); /* that a client may fill */
void h2_say_settings(struct h2_connection *connection);
void h2_say(struct h2_connection *connection, uint8_t type, uint8_t flags, int32_t id,
            const void *payload, size_t size);
void h2_say_goaway(struct h2_connection *connection, int32_t last_id, uint32_t error);
void h2_say_reset(struct h2_connection *connection, int32_t id, uint32_t error);
void h2_reset(struct h2_stream *stream, uint32_t error); /* says it and ends the stream */
void h2_terminate(struct h2_connection *connection, uint32_t error); /* a connection error */
/* DATA was taken in: the client may send as much again.  `stream` NULL: it sends no more. */
void h2_give_window(struct h2_connection *connection, struct h2_stream *stream);

/* --- h2_read.c: requests --- */
void h2_take_headers(struct h2_connection *connection, const struct h2_frame *frame);
void h2_take_continuation(struct h2_connection *connection, const struct h2_frame *frame);
void h2_take_data(struct h2_stream *stream, struct text data);
void h2_end_request(struct h2_stream *stream); /* the client has said all */
void h2_handle_ready(struct h2_connection *connection);
void h2_refuse(struct h2_stream *stream, unsigned status, const char *why);

/* --- h2_write.c: answers on their way out --- */
extern const struct exchange_carrier h2_carrier;
/* Fills and writes batches.  0 all is out, -EAGAIN the socket is full, -EINPROGRESS others should
 * have a turn, or another -errno. */
int h2_write(struct h2_connection *connection) MUST_USE;

/* --- h2_frames.c --- */
void h2_feed(struct h2_connection *connection, struct text input);
/* A stream that our last GOAWAY has excluded: its frames mean nothing. */
static inline bool h2_is_excluded(const struct h2_connection *connection, int32_t id)
{
    return connection->has_said_last && id > connection->last_id;
}

/* --- h2_past.c --- */
void h2_past_open(struct h2_past *past, int32_t id); /* HEADERS of a stream above last_id */
void h2_past_reset(struct h2_past *past, int32_t id);
/* What DATA or HEADERS of a stream that there is not mean: an error of the connection. */
uint32_t h2_past_judge(const struct h2_past *past, int32_t id);

/* --- h2_bounds.c: floods, memory and patience --- */
/* One such frame arrived.  Too many end the connection. */
void h2_count_frame(struct h2_connection *connection, enum h2_flood flood);
void h2_hold(struct h2_stream *stream, size_t bytes); /* the stream holds so much now */
bool h2_holds_too_much(const struct h2_connection *connection);
/* Ends what has waited too long.  False: the connection itself has. */
bool h2_check_patience(struct h2_connection *connection) MUST_USE;
void h2_set_timer(struct h2_connection *connection);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/hpack.h"
#include "io/h2_client.h"
#include "io/h2_wire.h"

/* h2_client_state: what h2_client.c, h2_client_read.c and h2_client_write.c share. */

struct h2_client_stream {
    struct h2_client *h2;
    struct h2_client_stream *next, **at; /* of the connection's, or of those dropped */
    void *owner;
    struct text body; /* of the request */
    size_t body_sent;
    int64_t send_window;
    uint64_t body_left;     /* of the answer, by its Content-Length; else UINT64_MAX */
    uint32_t received;      /* of DATA, for which no window was given back yet */
    struct buffer held;     /* came during a pause */
    struct buffer trailers; /* lines, as HTTP/1 has them */
    int32_t id;
    uint8_t method;
    bool has_header, has_ended; /* has_ended: all of the answer is there, told or held */
    bool is_sent;               /* the request, whole */
    bool is_paused, is_dropped;
};

struct h2_client {
    struct h2_client_config config;
    struct h2_client_stream *streams, *dropped;
    size_t stream_count;
    uint32_t most_streams; /* the server's limit */
    int32_t next_id;
    struct hpack_reader reader;
    struct hpack_writer writer;
    char *scratch; /* of one block's strings; made with the first */
    struct buffer out;
    size_t out_sent;
    struct buffer partial; /* a frame that is not whole */
    struct buffer block;   /* a header that goes on in CONTINUATION frames */
    int32_t block_id;      /* 0: none is open */
    bool block_ends;
    int32_t data_id; /* of the DATA frame whose payload comes now */
    uint32_t data_left, padding_left;
    bool is_in_data, data_ends;
    int64_t send_window;
    uint32_t first_window; /* of new streams */
    uint32_t received;     /* of DATA, for which no window was given back yet */
    uint32_t idle_frames;
    unsigned depth; /* calls under way that tell something */
    bool has_settings, is_leaving, is_broken, is_gone;
};

/* h2_client.c */
struct h2_client_stream *h2_client_find(const struct h2_client *h2, int32_t id);
void h2_client_end(struct h2_client_stream *stream, enum h2_client_end end); /* tells it */
void h2_client_enter(struct h2_client *h2);
void h2_client_leave(struct h2_client *h2); /* `h2` may be gone */
/* The stream is at fault, or its answer: says so to both sides. */
void h2_client_fail(struct h2_client_stream *stream, uint32_t error);
void h2_client_terminate(struct h2_client *h2, uint32_t error);
/* All has come and, unless it is paused, is told: the end.  */
void h2_client_end_answer(struct h2_client_stream *stream);
/* Tells it, or keeps it for after the pause. */
void h2_client_take_body(struct h2_client_stream *stream, struct text piece);

/* h2_client_write.c */
void h2_client_say(struct h2_client *h2, uint8_t type, uint8_t flags, int32_t id,
                   const void *payload, size_t size);
void h2_client_say_u32(struct h2_client *h2, uint8_t type, int32_t id, uint32_t value);
void h2_client_say_first(struct h2_client *h2); /* preface, SETTINGS, window */
void h2_client_say_header(struct h2_client_stream *stream, const struct h2_client_request *request);
void h2_client_fill(struct h2_client *h2); /* with DATA, as windows allow */
/* DATA was taken in: the server may send as much again.  `stream` NULL: it sends no more. */
void h2_client_give_window(struct h2_client *h2, struct h2_client_stream *stream);

/* h2_client_read.c */
void h2_client_take_headers(struct h2_client *h2, const struct h2_frame *frame);
void h2_client_take_continuation(struct h2_client *h2, const struct h2_frame *frame);
/* h2_client_control.c */
void h2_client_take_control(struct h2_client *h2, const struct h2_frame *frame);

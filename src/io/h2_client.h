// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/response.h"

/*
 * h2_client: the client's side of one HTTP/2 connection (RFC 9113).  Bytes in, bytes out: no
 * socket, no clock.  Internal to io/; client_streams.c gives it both.
 *
 *   h2_client_open ─▶ frames ─▶ h2_client_output ─▶ socket
 *   socket ─▶ h2_client_feed ─▶ frames ─▶ on_interim* on_header on_body* on_trailers? on_end
 *
 * Answers are read as strictly as HTTP/1's.  The other side may open no streams (no push), and what
 * it can make us hold has limits: a frame, a header of max_header_bytes, H2_CLIENT_WINDOW_BYTES of
 * each stream that is paused, and H2_CLIENT_OUT_BYTES of frames that the socket does not take.
 * A side that sends nothing but frames without use is told to calm down.
 *
 * In every callback any stream may be dropped and the whole be freed.
 */
struct h2_client;
struct h2_client_stream;

enum {
    H2_CLIENT_WINDOW_BYTES = 256 << 10,    /* of one stream */
    H2_CLIENT_ALL_WINDOWS_BYTES = 8 << 20, /* of the connection */
    H2_CLIENT_OUT_BYTES = 1 << 20,
    H2_CLIENT_IDLE_FRAMES = 1000, /* in a row, that neither answer nor carry anything */
};

enum h2_client_end {
    H2_CLIENT_WHOLE,
    H2_CLIENT_REFUSED, /* certainly not acted upon: any request may be sent again (8.7) */
    H2_CLIENT_RESET,
    H2_CLIENT_MALFORMED,
};

struct h2_client_events {
    /* The texts live for the callback. */
    void (*on_interim)(struct h2_client_stream *stream, const struct http_response *response,
                       void *owner);
    void (*on_header)(struct h2_client_stream *stream, const struct http_response *response,
                      void *owner);
    void (*on_body)(struct h2_client_stream *stream, struct text piece, void *owner);
    void (*on_trailers)(struct h2_client_stream *stream, const struct http_field *trailers,
                        size_t count, void *owner);
    /* Once, last: the stream is gone when it returns. */
    void (*on_end)(struct h2_client_stream *stream, enum h2_client_end end, void *owner);
};

struct h2_client_config {
    const struct h2_client_events *events;
    struct arena *arena; /* of the header that is told just now; borrowed, reset for each */
    uint32_t max_streams, max_header_bytes, max_fields;
};

struct h2_client *h2_client_new(const struct h2_client_config *config) MUST_USE;
void h2_client_free(struct h2_client **h2); /* no callback comes any more; accepts NULL inside */

/* --- streams --- */

struct h2_client_request {
    enum http_method method;
    struct text method_name, scheme, authority, target;
    const struct http_field *fields; /* any case; those of one connection are left out */
    size_t field_count;
    struct text body; /* borrowed until the stream's end; data NULL for none */
};

/* Whether another may be opened now: the server's limit, ours, and no farewell. */
bool h2_client_has_room(const struct h2_client *h2);
bool h2_client_is_leaving(const struct h2_client *h2); /* none will be opened any more */
size_t h2_client_stream_count(const struct h2_client *h2);
struct h2_client_stream *h2_client_first(const struct h2_client *h2);
struct h2_client_stream *h2_client_next(const struct h2_client_stream *stream);
void *h2_client_owner(const struct h2_client_stream *stream);
/* There must be room. */
struct h2_client_stream *h2_client_open(struct h2_client *h2,
                                        const struct h2_client_request *request, void *owner);
void h2_client_drop(struct h2_client_stream *stream); /* no callback comes any more */
bool h2_client_has_header(const struct h2_client_stream *stream);
bool h2_client_is_sent(const struct h2_client_stream *stream); /* the request, whole */
/* What comes meanwhile is kept, and no more than a window of it. */
void h2_client_pause(struct h2_client_stream *stream);
/* What was kept comes with the next h2_client_deliver(). */
void h2_client_resume(struct h2_client_stream *stream);
void h2_client_deliver(struct h2_client *h2);

/* --- bytes --- */

void h2_client_feed(struct h2_client *h2, struct text bytes);
/* What is to be sent, borrowed until the next call; of it `size` was taken by the socket. */
struct text h2_client_output(struct h2_client *h2);
void h2_client_sent(struct h2_client *h2, size_t size);
/* The other side has broken the protocol: send what is left and close. */
bool h2_client_is_broken(const struct h2_client *h2);
/* The connection is over: every stream ends.  Opens nothing any more. */
void h2_client_lose(struct h2_client *h2, enum h2_client_end end);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "io/h2_client.h"
#include <assert.h>

/* fuzz_h2_client: three calls on a connection, and the promises that must hold whatever comes. */
struct h2_fuzz;
struct h2_fuzz_call {
    struct h2_fuzz *fuzz;
    struct h2_client_stream *stream; /* NULL once it has ended */
    uint64_t length, received;
    bool has_header;
};

struct h2_fuzz {
    struct h2_client *h2;
    struct arena *arena;
    uint8_t moods;
    struct h2_fuzz_call calls[3];
};

static inline void h2_fuzz_header(struct h2_client_stream *stream,
                                  const struct http_response *response, void *owner)
{
    struct h2_fuzz_call *call = owner;
    assert(call->stream == stream && !call->has_header && response->status >= 200);
    call->has_header = true;
    call->length = response->framing == HTTP_BODY_LENGTH ? response->content_length : UINT64_MAX;
    if (call == &call->fuzz->calls[0] && call->fuzz->moods & 1)
        h2_client_pause(stream);
    if (call == &call->fuzz->calls[1] && call->fuzz->moods & 2) {
        call->stream = NULL;
        h2_client_drop(stream);
    }
    if (call->fuzz->moods & 4 && response->status == 204)
        h2_client_free(&call->fuzz->h2);
}

static inline void h2_fuzz_interim(struct h2_client_stream *stream,
                                   const struct http_response *response, void *owner)
{
    assert(((struct h2_fuzz_call *)owner)->stream == stream && response->status < 200);
}

static inline void h2_fuzz_body(struct h2_client_stream *stream, struct text piece, void *owner)
{
    struct h2_fuzz_call *call = owner;
    assert(call->stream == stream && call->has_header && piece.size > 0);
    call->received += piece.size;
    assert(call->received <= call->length);
}

static inline void h2_fuzz_trailers(struct h2_client_stream *stream,
                                    const struct http_field *trailers UNUSED, size_t count UNUSED,
                                    void *owner)
{
    assert(((struct h2_fuzz_call *)owner)->stream == stream);
}

static inline void h2_fuzz_end_of(struct h2_client_stream *stream, enum h2_client_end end,
                                  void *owner)
{
    struct h2_fuzz_call *call = owner;
    assert(call->stream == stream);
    call->stream = NULL;
    if (end == H2_CLIENT_WHOLE)
        assert(call->has_header && (call->length == UINT64_MAX || call->received == call->length));
}

static inline void h2_fuzz_begin(struct h2_fuzz *fuzz, uint8_t moods)
{
    static const struct h2_client_events events = {h2_fuzz_interim, h2_fuzz_header, h2_fuzz_body,
                                                   h2_fuzz_trailers, h2_fuzz_end_of};
    static const char body[70000];
    *fuzz = (struct h2_fuzz){.arena = arena_new(64 << 10), .moods = moods};
    fuzz->h2 = h2_client_new(&(struct h2_client_config){&events, fuzz->arena, 3, 16 << 10, 50});
    for (int i = 0; i < 3; i++) {
        struct h2_client_request request = {.method = i == 2 ? HTTP_METHOD_PUT : HTTP_METHOD_GET,
                                            .method_name = TEXT("GET"),
                                            .scheme = TEXT("https"),
                                            .authority = TEXT("o.example"),
                                            .target = TEXT("/"),
                                            .body = text_make(body, i == 2 ? sizeof body : 0)};
        fuzz->calls[i].fuzz = fuzz;
        fuzz->calls[i].stream = h2_client_open(fuzz->h2, &request, &fuzz->calls[i]);
    }
}

/* What the socket does: takes most of what there is; a pause ends. */
static inline void h2_fuzz_between(struct h2_fuzz *fuzz)
{
    if (!fuzz->h2)
        return;
    struct text out = h2_client_output(fuzz->h2);
    h2_client_sent(fuzz->h2, out.size - out.size / 4);
    if (fuzz->moods & 8 && fuzz->calls[0].stream)
        h2_client_resume(fuzz->calls[0].stream);
    h2_client_deliver(fuzz->h2);
}

static inline void h2_fuzz_end(struct h2_fuzz *fuzz)
{
    if (fuzz->h2 && fuzz->moods & 16)
        h2_client_lose(fuzz->h2, H2_CLIENT_RESET);
    h2_client_free(&fuzz->h2);
    arena_free(&fuzz->arena);
}

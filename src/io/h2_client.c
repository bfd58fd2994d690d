// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "io/h2_client_state.h"

#include <assert.h>
#include <string.h>

/*
 * h2_client: streams and their ends, and the server's bytes as they become frames.
 *
 *   bytes ─▶ frame, whole ──▶ h2_client_read.c (HEADERS, CONTINUATION), h2_client_control.c
 *        '─▶ DATA, in the parts that arrive ──▶ told, or held while its stream is paused
 *
 * A stream that ends inside a callback stays in memory, in `dropped`, until the outermost call of
 * ours returns; so does the connection.
 */

/* --- life --- */

struct h2_client *h2_client_new(const struct h2_client_config *config)
{
    struct h2_client *h2 = MEM_NEW(struct h2_client);
    h2->config = *config;
    h2->most_streams = config->max_streams;
    h2->next_id = 1;
    h2->send_window = h2->first_window = H2_WINDOW_BYTES;
    hpack_reader_init(&h2->reader);
    hpack_writer_init(&h2->writer);
    buffer_init(&h2->out, H2_CLIENT_OUT_BYTES);
    buffer_init(&h2->partial, H2_FRAME_BYTES);
    buffer_init(&h2->block, config->max_header_bytes);
    h2_client_say_first(h2);
    return h2;
}

static void free_stream(struct h2_client_stream *stream)
{
    buffer_release(&stream->held);
    buffer_release(&stream->trailers);
    mem_free(stream);
}

static void free_dropped(struct h2_client *h2)
{
    while (h2->dropped) {
        struct h2_client_stream *stream = h2->dropped;
        h2->dropped = stream->next;
        free_stream(stream);
    }
}

static void free_all(struct h2_client *h2)
{
    free_dropped(h2);
    hpack_reader_release(&h2->reader);
    hpack_writer_release(&h2->writer);
    mem_free(h2->scratch);
    buffer_release(&h2->out);
    buffer_release(&h2->partial);
    buffer_release(&h2->block);
    mem_free(h2);
}

void h2_client_enter(struct h2_client *h2) { h2->depth++; }

void h2_client_leave(struct h2_client *h2)
{
    if (--h2->depth > 0)
        return;
    if (h2->is_gone)
        free_all(h2);
    else
        free_dropped(h2);
}

/* --- streams --- */

static void unlink_stream(struct h2_client_stream *stream)
{
    struct h2_client *h2 = stream->h2;
    *stream->at = stream->next;
    if (stream->next)
        stream->next->at = stream->at;
    stream->next = h2->dropped;
    h2->dropped = stream;
    h2->stream_count--;
    stream->is_dropped = true;
}

void h2_client_free(struct h2_client **h2)
{
    struct h2_client *own = *h2;
    *h2 = NULL;
    if (!own)
        return;
    h2_client_enter(own);
    while (own->streams)
        unlink_stream(own->streams);
    own->is_gone = own->is_leaving = true;
    h2_client_leave(own);
}

bool h2_client_has_room(const struct h2_client *h2)
{
    return !h2->is_leaving && h2->stream_count < h2->most_streams &&
           h2->stream_count < h2->config.max_streams;
}

bool h2_client_is_leaving(const struct h2_client *h2) { return h2->is_leaving; }
bool h2_client_is_broken(const struct h2_client *h2) { return h2->is_broken; }
size_t h2_client_stream_count(const struct h2_client *h2) { return h2->stream_count; }
struct h2_client_stream *h2_client_first(const struct h2_client *h2) { return h2->streams; }
void *h2_client_owner(const struct h2_client_stream *stream) { return stream->owner; }

struct h2_client_stream *h2_client_next(const struct h2_client_stream *stream)
{
    return stream->next;
}

bool h2_client_has_header(const struct h2_client_stream *stream) { return stream->has_header; }
bool h2_client_is_sent(const struct h2_client_stream *stream) { return stream->is_sent; }

struct h2_client_stream *h2_client_find(const struct h2_client *h2, int32_t id)
{
    struct h2_client_stream *stream = h2->streams;
    while (stream && stream->id != id)
        stream = stream->next;
    return stream;
}

struct h2_client_stream *h2_client_open(struct h2_client *h2,
                                        const struct h2_client_request *request, void *owner)
{
    assert(h2_client_has_room(h2));
    struct h2_client_stream *stream = MEM_NEW(struct h2_client_stream);
    stream->h2 = h2;
    stream->owner = owner;
    stream->body = request->body;
    stream->send_window = h2->first_window;
    stream->body_left = UINT64_MAX;
    stream->method = (uint8_t)request->method;
    stream->id = h2->next_id;
    stream->is_sent = request->body.size == 0;
    buffer_init(&stream->held, H2_CLIENT_WINDOW_BYTES);
    buffer_init(&stream->trailers, h2->config.max_header_bytes);
    stream->next = h2->streams;
    stream->at = &h2->streams;
    if (stream->next)
        stream->next->at = &stream->next;
    h2->streams = stream;
    h2->stream_count++;
    h2->next_id += 2;
    h2->is_leaving |= h2->next_id > INT32_MAX / 2; /* numbers come once (RFC 9113 5.1.1) */
    h2_client_say_header(stream, request);
    return stream;
}

void h2_client_drop(struct h2_client_stream *stream)
{
    struct h2_client *h2 = stream->h2;
    h2_client_enter(h2);
    h2_client_say_u32(h2, H2_RST_STREAM, stream->id, H2_CANCEL);
    unlink_stream(stream);
    h2_client_leave(h2);
}

void h2_client_end(struct h2_client_stream *stream, enum h2_client_end end)
{
    struct h2_client *h2 = stream->h2;
    h2_client_enter(h2);
    unlink_stream(stream);
    h2->config.events->on_end(stream, end, stream->owner);
    h2_client_leave(h2);
}

void h2_client_fail(struct h2_client_stream *stream, uint32_t error)
{
    h2_client_say_u32(stream->h2, H2_RST_STREAM, stream->id, error);
    h2_client_end(stream, H2_CLIENT_MALFORMED);
}

void h2_client_terminate(struct h2_client *h2, uint32_t error)
{
    char payload[8];
    if (h2->is_broken)
        return;
    h2_write_u32(payload, 0);
    h2_write_u32(payload + 4, error);
    h2_client_say(h2, H2_GOAWAY, H2_FLAG_NONE, 0, payload, sizeof payload);
    h2->is_broken = h2->is_leaving = true;
}

void h2_client_lose(struct h2_client *h2, enum h2_client_end end)
{
    h2_client_enter(h2);
    h2->is_leaving = true;
    while (h2->streams)
        h2_client_end(h2->streams, end);
    h2_client_leave(h2);
}

/* --- answers --- */

/* False: the stream is gone. */
static bool tell_trailers(struct h2_client_stream *stream)
{
    struct h2_client *h2 = stream->h2;
    struct http_limits limits = {.max_fields = h2->config.max_fields};
    const struct http_field *fields = NULL;
    const char *why = NULL;
    size_t count = 0;
    if (stream->trailers.size == 0)
        return true;
    arena_reset(h2->config.arena);
    if (http_trailers_read(buffer_view(&stream->trailers), &limits, h2->config.arena, &fields,
                           &count, &why) < 0) {
        h2_client_fail(stream, H2_PROTOCOL_ERROR);
        return false;
    }
    h2->config.events->on_trailers(stream, fields, count, stream->owner);
    return !stream->is_dropped;
}

void h2_client_end_answer(struct h2_client_stream *stream)
{
    struct h2_client *h2 = stream->h2;
    stream->has_ended = true;
    if (stream->body_left != UINT64_MAX && stream->body_left > 0) {
        h2_client_fail(stream, H2_PROTOCOL_ERROR); /* RFC 9113 8.1.1 */
        return;
    }
    if (stream->is_paused || stream->held.size > 0)
        return;
    h2_client_enter(h2);
    if (tell_trailers(stream)) {
        if (!stream->is_sent) /* what of the request was not sent yet never will be */
            h2_client_say_u32(h2, H2_RST_STREAM, stream->id, H2_NO_ERROR);
        h2_client_end(stream, H2_CLIENT_WHOLE);
    }
    h2_client_leave(h2);
}

void h2_client_take_body(struct h2_client_stream *stream, struct text piece)
{
    if (stream->is_paused || stream->held.size > 0)
        buffer_text(&stream->held, piece); /* the window is its ceiling */
    else
        stream->h2->config.events->on_body(stream, piece, stream->owner);
}

void h2_client_pause(struct h2_client_stream *stream) { stream->is_paused = true; }
void h2_client_resume(struct h2_client_stream *stream) { stream->is_paused = false; }

static struct h2_client_stream *first_deliverable(const struct h2_client *h2)
{
    struct h2_client_stream *stream = h2->streams;
    while (stream && (stream->is_paused || (stream->held.size == 0 && !stream->has_ended)))
        stream = stream->next;
    return stream;
}

static void deliver_held(struct h2_client_stream *stream)
{
    struct buffer taken = stream->held;
    buffer_init(&stream->held, H2_CLIENT_WINDOW_BYTES);
    if (taken.size > 0)
        stream->h2->config.events->on_body(stream, buffer_view(&taken), stream->owner);
    buffer_release(&taken);
    if (stream->is_dropped)
        return;
    if (stream->has_ended)
        h2_client_end_answer(stream);
    else
        h2_client_give_window(stream->h2, stream);
}

void h2_client_deliver(struct h2_client *h2)
{
    struct h2_client_stream *stream;
    h2_client_enter(h2);
    while ((stream = first_deliverable(h2)) != NULL)
        deliver_held(stream);
    h2_client_leave(h2);
}

/* --- DATA --- */

/* Padding and lengths are settled before the first byte of content. */
static void start_data(struct h2_client *h2, const struct h2_frame *frame, uint32_t padding)
{
    bool is_padded = frame->flags & H2_FLAG_PADDED;
    uint32_t size = frame->size - is_padded - padding;
    struct h2_client_stream *stream = h2_client_find(h2, frame->id);
    h2->is_in_data = true;
    h2->data_id = frame->id;
    h2->data_left = size;
    h2->padding_left = padding;
    h2->data_ends = frame->flags & H2_FLAG_END_STREAM;
    h2->received += frame->size;
    h2->idle_frames = size > 0 ? 0 : h2->idle_frames + 1;
    if (h2->received > H2_CLIENT_ALL_WINDOWS_BYTES)
        h2_client_terminate(h2, H2_FLOW_CONTROL_ERROR);
    if (!stream || stream->has_ended)
        return; /* we reset it a moment ago, or it is over: nobody hears of it */
    stream->received += frame->size;
    bool is_short = stream->body_left != UINT64_MAX && size > stream->body_left;
    if (stream->received > H2_CLIENT_WINDOW_BYTES)
        h2_client_fail(stream, H2_FLOW_CONTROL_ERROR);
    else if (!stream->has_header || is_short)
        h2_client_fail(stream, H2_PROTOCOL_ERROR);
    else if (stream->body_left != UINT64_MAX)
        stream->body_left -= size;
}

static struct h2_client_stream *data_stream(const struct h2_client *h2)
{
    struct h2_client_stream *stream = h2_client_find(h2, h2->data_id);
    return stream && !stream->has_ended ? stream : NULL;
}

static void go_on_with_data(struct h2_client *h2, struct text *input)
{
    size_t part = h2->data_left < input->size ? h2->data_left : input->size;
    struct h2_client_stream *stream = part > 0 ? data_stream(h2) : NULL;
    struct text piece = text_make(input->data, part);
    h2->data_left -= (uint32_t)part;
    *input = text_from(*input, part);
    if (stream)
        h2_client_take_body(stream, piece);
    if (h2->data_left > 0 || h2->is_gone)
        return;
    part = h2->padding_left < input->size ? h2->padding_left : input->size;
    h2->padding_left -= (uint32_t)part;
    *input = text_from(*input, part);
    if (h2->padding_left > 0)
        return;
    h2->is_in_data = false;
    stream = data_stream(h2);
    h2_client_give_window(h2, h2->data_ends ? NULL : stream);
    if (stream && h2->data_ends)
        h2_client_end_answer(stream);
}

static void take_data_head(struct h2_client *h2, const char *start)
{
    const struct h2_frame frame = h2_read_head(start);
    bool is_padded = frame.flags & H2_FLAG_PADDED;
    uint32_t padding = is_padded ? (uint8_t)start[H2_FRAME_HEAD_BYTES] : 0;
    if (frame.id <= 0 || frame.id % 2 == 0 || frame.id >= h2->next_id ||
        (is_padded && padding >= frame.size))
        h2_client_terminate(h2, H2_PROTOCOL_ERROR);
    else
        start_data(h2, &frame, padding);
}

/* --- frames --- */

static void take_frame(struct h2_client *h2, const char *bytes)
{
    struct h2_frame frame = h2_read_head(bytes);
    frame.payload = text_make(bytes + H2_FRAME_HEAD_BYTES, frame.size);
    switch (frame.type) {
    case H2_DATA:
        take_data_head(h2, bytes);
        break;
    case H2_HEADERS:
        h2_client_take_headers(h2, &frame);
        break;
    case H2_CONTINUATION:
        h2_client_take_continuation(h2, &frame);
        break;
    default:
        h2_client_take_control(h2, &frame);
    }
    if (!h2->is_gone && h2->idle_frames > H2_CLIENT_IDLE_FRAMES)
        h2_client_terminate(h2, H2_ENHANCE_YOUR_CALM);
}

/* Up to `size` bytes of a frame that came in parts. */
static bool gather(struct h2_client *h2, size_t size, struct text *input)
{
    size_t lacks = h2->partial.size < size ? size - h2->partial.size : 0;
    size_t part = lacks < input->size ? lacks : input->size;
    buffer_append(&h2->partial, input->data, part);
    *input = text_from(*input, part);
    return h2->partial.size >= size;
}

static void go_on_with_frame(struct h2_client *h2, struct text *input)
{
    struct buffer taken;
    if (!gather(h2, H2_FRAME_HEAD_BYTES, input))
        return;
    const struct h2_frame frame = h2_read_head(h2->partial.data);
    uint32_t error = h2_judge_head(&frame, h2->has_settings, h2->block_id);
    if (error != H2_NO_ERROR) {
        h2_client_terminate(h2, error);
        return;
    }
    if (!gather(h2, h2_frame_needs(&frame), input))
        return;
    taken = h2->partial;
    buffer_init(&h2->partial, H2_FRAME_BYTES);
    take_frame(h2, taken.data);
    buffer_release(&taken);
}

/* One that lies whole in the input is not copied. */
static bool take_whole(struct h2_client *h2, struct text *input)
{
    const char *bytes = input->data;
    if (h2->partial.size > 0 || input->size < H2_FRAME_HEAD_BYTES)
        return false;
    const struct h2_frame frame = h2_read_head(bytes);
    if (input->size < h2_frame_needs(&frame) ||
        h2_judge_head(&frame, h2->has_settings, h2->block_id) != H2_NO_ERROR)
        return false;
    *input = text_from(*input, h2_frame_needs(&frame));
    take_frame(h2, bytes);
    return true;
}

void h2_client_feed(struct h2_client *h2, struct text bytes)
{
    h2_client_enter(h2);
    while (!h2->is_gone && !h2->is_broken &&
           (bytes.size > 0 || (h2->is_in_data && h2->data_left + h2->padding_left == 0))) {
        if (h2->is_in_data)
            go_on_with_data(h2, &bytes);
        else if (!take_whole(h2, &bytes))
            go_on_with_frame(h2, &bytes);
    }
    h2_client_leave(h2);
}

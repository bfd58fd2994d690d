// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/h2_state.h"

#include <string.h>

/*
 * h2_frames: the client's bytes become frames, and each goes to who understands its kind.
 *
 *   bytes ─ preface ─▶ frame, whole ──▶ h2_read.c (HEADERS, CONTINUATION), h2_control.c (others)
 *                  '─▶ DATA, in the parts that arrive ──▶ h2_read.c
 *
 * A frame that lies whole in what was read is not copied; one that came in parts is put together
 * in `partial`, at most 16 KiB.
 */

/* --- DATA --- */

/* Padding and lengths are settled before the first byte of content. */
static void start_data(struct h2_connection *connection, const struct h2_frame *frame,
                       uint32_t padding)
{
    struct h2_frames *frames = &connection->frames;
    bool ends = frame->flags & H2_FLAG_END_STREAM, is_padded = frame->flags & H2_FLAG_PADDED;
    uint32_t size = frame->size - is_padded - padding;
    frames->is_in_data = true;
    frames->data_id = frame->id;
    frames->data_left = size;
    frames->padding_left = padding;
    frames->data_ends = ends;
    if (size == 0 && !ends)
        h2_count_frame(connection, H2_FLOOD_EMPTY_FRAMES);
    connection->received_bytes += frame->size;
    if (connection->received_bytes > H2_WINDOW_BYTES) {
        h2_terminate(connection, H2_FLOW_CONTROL_ERROR);
        return;
    }
    struct h2_stream *stream = h2_stream_find(connection, frame->id);
    if (!stream) {
        uint32_t error = h2_is_excluded(connection, frame->id)
                             ? H2_NO_ERROR
                             : h2_past_judge(&connection->past, frame->id);
        if (error != H2_NO_ERROR)
            h2_terminate(connection, error);
        return;
    }
    stream->received_bytes += frame->size;
    if (stream->has_ended || !stream->has_header)
        h2_reset(stream, H2_STREAM_CLOSED);
    else if (stream->received_bytes > H2_WINDOW_BYTES)
        h2_reset(stream, H2_FLOW_CONTROL_ERROR);
    else if (stream->body_left != UINT64_MAX &&
             (size > stream->body_left || (ends && size < stream->body_left)))
        h2_reset(stream, H2_PROTOCOL_ERROR); /* it does not keep its Content-Length (8.1.1) */
    else if (stream->body_left != UINT64_MAX)
        stream->body_left -= size;
}

static void end_data(struct h2_connection *connection)
{
    struct h2_frames *frames = &connection->frames;
    struct h2_stream *stream = h2_stream_find(connection, frames->data_id);
    frames->is_in_data = false;
    h2_give_window(connection, frames->data_ends ? NULL : stream);
    if (stream && frames->data_ends)
        h2_end_request(stream);
}

static void go_on_with_data(struct h2_connection *connection, struct text *input)
{
    struct h2_frames *frames = &connection->frames;
    size_t part = frames->data_left < input->size ? frames->data_left : input->size;
    struct h2_stream *stream = part > 0 ? h2_stream_find(connection, frames->data_id) : NULL;
    if (stream)
        h2_take_data(stream, text_make(input->data, part));
    frames->data_left -= (uint32_t)part;
    *input = text_from(*input, part);
    if (frames->data_left > 0)
        return;
    part = frames->padding_left < input->size ? frames->padding_left : input->size;
    frames->padding_left -= (uint32_t)part;
    *input = text_from(*input, part);
    if (frames->padding_left == 0)
        end_data(connection);
}

/* `start` is the head, and the length of the padding where there is one. */
static void take_data_head(struct h2_connection *connection, const char *start)
{
    const struct h2_frame frame = h2_read_head(start);
    bool is_padded = frame.flags & H2_FLAG_PADDED;
    uint32_t padding = is_padded ? (uint8_t)start[H2_FRAME_HEAD_BYTES] : 0;
    if (frame.id == 0 || (is_padded && padding >= frame.size))
        h2_terminate(connection, H2_PROTOCOL_ERROR);
    else
        start_data(connection, &frame, padding);
}

/* --- frames --- */

static void take_frame(struct h2_connection *connection, const char *bytes)
{
    struct h2_frame frame = h2_read_head(bytes);
    frame.payload = text_make(bytes + H2_FRAME_HEAD_BYTES, frame.size);
    switch (frame.type) {
    case H2_DATA:
        take_data_head(connection, bytes);
        break;
    case H2_HEADERS:
        h2_take_headers(connection, &frame);
        break;
    case H2_CONTINUATION:
        h2_take_continuation(connection, &frame);
        break;
    default:
        h2_take_control(connection, &frame);
    }
}

/* --- cutting --- */

static void take_preface(struct h2_connection *connection, struct text *input)
{
    struct h2_frames *frames = &connection->frames;
    size_t left = H2_PREFACE_BYTES - frames->preface_bytes;
    size_t part = left < input->size ? left : input->size;
    if (!bytes_same(h2_preface_bytes + frames->preface_bytes, input->data, part)) {
        h2_terminate(connection, H2_PROTOCOL_ERROR);
        return;
    }
    frames->preface_bytes += (uint8_t)part;
    *input = text_from(*input, part);
}

/* A frame that came in parts: takes what it needs. */
static void go_on_with_partial(struct h2_connection *connection, struct text *input)
{
    struct buffer *partial = &connection->frames.partial;
    size_t need = H2_FRAME_HEAD_BYTES;
    if (partial->size >= H2_FRAME_HEAD_BYTES) {
        const struct h2_frame frame = h2_read_head(partial->data);
        need = h2_frame_needs(&frame);
    }
    size_t part = need - partial->size < input->size ? need - partial->size : input->size;
    buffer_append(partial, input->data, part);
    *input = text_from(*input, part);
    if (partial->size < H2_FRAME_HEAD_BYTES)
        return;
    const struct h2_frame frame = h2_read_head(partial->data);
    uint32_t error = h2_judge_head(&frame, connection->has_settings, connection->block.id);
    if (error != H2_NO_ERROR)
        h2_terminate(connection, error);
    else if (partial->size == h2_frame_needs(&frame)) {
        take_frame(connection, partial->data);
        buffer_release(partial);
        buffer_init(partial, H2_FRAME_BYTES);
    }
}

/* One that lies whole in the input. */
static void take_whole(struct h2_connection *connection, struct text *input)
{
    const struct h2_frame frame = h2_read_head(input->data);
    const char *bytes = input->data;
    uint32_t error = h2_judge_head(&frame, connection->has_settings, connection->block.id);
    if (error != H2_NO_ERROR) {
        h2_terminate(connection, error);
        return;
    }
    *input = text_from(*input, h2_frame_needs(&frame));
    take_frame(connection, bytes);
}

static bool is_whole(struct text input)
{
    if (input.size < H2_FRAME_HEAD_BYTES)
        return false;
    const struct h2_frame frame = h2_read_head(input.data);
    return input.size >= h2_frame_needs(&frame) || frame.size > H2_PAYLOAD_BYTES;
}

void h2_feed(struct h2_connection *connection, struct text input)
{
    struct h2_frames *frames = &connection->frames;
    while (
        (input.size > 0 || (frames->is_in_data && frames->data_left + frames->padding_left == 0)) &&
        !connection->is_broken) {
        if (frames->preface_bytes < H2_PREFACE_BYTES)
            take_preface(connection, &input);
        else if (frames->is_in_data)
            go_on_with_data(connection, &input);
        else if (frames->partial.size > 0 || !is_whole(input))
            go_on_with_partial(connection, &input);
        else
            take_whole(connection, &input);
    }
}

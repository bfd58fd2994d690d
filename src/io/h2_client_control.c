// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/h2_client_state.h"

/* h2_client_control: the server's frames that are no part of an answer. */
enum { SETTING_BYTES = 6, PING_BYTES = 8, GOAWAY_BYTES = 8 };

/* --- SETTINGS --- */

/* What was sent under the old window stays sent (RFC 9113 6.9.2). */
static uint32_t take_first_window(struct h2_client *h2, uint32_t size)
{
    int64_t change = (int64_t)size - h2->first_window;
    if (size > H2_WINDOW_MOST)
        return H2_FLOW_CONTROL_ERROR;
    h2->first_window = size;
    for (struct h2_client_stream *stream = h2->streams; stream; stream = stream->next) {
        stream->send_window += change;
        if (stream->send_window > H2_WINDOW_MOST)
            return H2_FLOW_CONTROL_ERROR;
    }
    return H2_NO_ERROR;
}

static uint32_t take_setting(struct h2_client *h2, uint16_t id, uint32_t value)
{
    switch (id) {
    case H2_HEADER_TABLE_SIZE:
        hpack_writer_limit(&h2->writer, value);
        return H2_NO_ERROR;
    case H2_ENABLE_PUSH: /* a server may only say that it does not (6.5.2) */
        return value > 0 ? H2_PROTOCOL_ERROR : H2_NO_ERROR;
    case H2_MAX_CONCURRENT_STREAMS:
        h2->most_streams = value;
        return H2_NO_ERROR;
    case H2_INITIAL_WINDOW_SIZE:
        return take_first_window(h2, value);
    case H2_MAX_FRAME_SIZE:
        return value < H2_PAYLOAD_BYTES || value >= 1 << 24 ? H2_PROTOCOL_ERROR : H2_NO_ERROR;
    default:
        return H2_NO_ERROR;
    }
}

static uint32_t take_settings(struct h2_client *h2, const struct h2_frame *frame)
{
    bool is_ack = frame->flags & H2_FLAG_ACK;
    if (frame->id != 0 || (is_ack && !h2->has_settings))
        return H2_PROTOCOL_ERROR;
    if (frame->size % SETTING_BYTES != 0 || (is_ack && frame->size > 0))
        return H2_FRAME_SIZE_ERROR;
    h2->has_settings = true;
    if (is_ack)
        return H2_NO_ERROR;
    for (size_t i = 0; i < frame->size; i += SETTING_BYTES) {
        const char *at = frame->payload.data + i;
        uint16_t id = (uint16_t)((uint8_t)at[0] << 8 | (uint8_t)at[1]);
        uint32_t error = take_setting(h2, id, h2_read_u32(at + 2));
        if (error != H2_NO_ERROR)
            return error;
    }
    h2_client_say(h2, H2_SETTINGS, H2_FLAG_ACK, 0, NULL, 0);
    return H2_NO_ERROR;
}

/* --- streams --- */

static bool is_idle(const struct h2_client *h2, int32_t id)
{
    return id == 0 || id % 2 == 0 || id >= h2->next_id;
}

static uint32_t take_window(struct h2_client *h2, const struct h2_frame *frame)
{
    if (frame->size != 4)
        return H2_FRAME_SIZE_ERROR;
    uint32_t by = (uint32_t)h2_read_u31(frame->payload.data);
    if (frame->id == 0) {
        h2->send_window += by;
        return by == 0                            ? H2_PROTOCOL_ERROR
               : h2->send_window > H2_WINDOW_MOST ? H2_FLOW_CONTROL_ERROR
                                                  : H2_NO_ERROR;
    }
    if (is_idle(h2, frame->id))
        return H2_PROTOCOL_ERROR;
    struct h2_client_stream *stream = h2_client_find(h2, frame->id);
    if (!stream)
        return H2_NO_ERROR;
    if (by == 0)
        h2_client_fail(stream, H2_PROTOCOL_ERROR);
    else if ((stream->send_window += by) > H2_WINDOW_MOST)
        h2_client_fail(stream, H2_FLOW_CONTROL_ERROR);
    return H2_NO_ERROR;
}

static uint32_t take_reset(struct h2_client *h2, const struct h2_frame *frame)
{
    if (is_idle(h2, frame->id))
        return H2_PROTOCOL_ERROR;
    if (frame->size != 4)
        return H2_FRAME_SIZE_ERROR;
    struct h2_client_stream *stream = h2_client_find(h2, frame->id);
    uint32_t error = h2_read_u32(frame->payload.data);
    if (!stream || stream->has_ended)
        return H2_NO_ERROR; /* the answer was whole: it only wants no more of the request (8.1) */
    bool is_refused = error == H2_REFUSED_STREAM && !stream->has_header;
    if (is_refused && h2->stream_count <= h2->most_streams) /* it takes fewer than it said */
        h2->most_streams = h2->stream_count > 1 ? (uint32_t)h2->stream_count - 1 : 1;
    h2_client_end(stream, is_refused ? H2_CLIENT_REFUSED : H2_CLIENT_RESET);
    return H2_NO_ERROR;
}

/* Streams above the last one were not looked at, and those below go on (6.8). */
static uint32_t take_goaway(struct h2_client *h2, const struct h2_frame *frame)
{
    if (frame->id != 0)
        return H2_PROTOCOL_ERROR;
    if (frame->size < GOAWAY_BYTES)
        return H2_FRAME_SIZE_ERROR;
    int32_t last = h2_read_u31(frame->payload.data);
    h2->is_leaving = true;
    struct h2_client_stream *stream = h2->streams;
    while (stream && !h2->is_gone) {
        if (stream->id > last && !stream->has_header) {
            h2_client_end(stream, H2_CLIENT_REFUSED);
            stream = h2->streams; /* a callback may have dropped any */
        } else {
            stream = stream->next;
        }
    }
    return H2_NO_ERROR;
}

/* --- the rest --- */

static uint32_t take_ping(struct h2_client *h2, const struct h2_frame *frame)
{
    if (frame->id != 0)
        return H2_PROTOCOL_ERROR;
    if (frame->size != PING_BYTES)
        return H2_FRAME_SIZE_ERROR;
    if (!(frame->flags & H2_FLAG_ACK))
        h2_client_say(h2, H2_PING, H2_FLAG_ACK, 0, frame->payload.data, PING_BYTES);
    return H2_NO_ERROR;
}

static uint32_t take(struct h2_client *h2, const struct h2_frame *frame)
{
    switch (frame->type) {
    case H2_RST_STREAM:
        return take_reset(h2, frame);
    case H2_SETTINGS:
        return take_settings(h2, frame);
    case H2_PUSH_PROMISE:
        return H2_PROTOCOL_ERROR; /* we said that there is none */
    case H2_PING:
        return take_ping(h2, frame);
    case H2_GOAWAY:
        return take_goaway(h2, frame);
    case H2_WINDOW_UPDATE:
        return take_window(h2, frame);
    default: /* PRIORITY means nothing any more, and unknown kinds are ignored (5.5) */
        return H2_NO_ERROR;
    }
}

void h2_client_take_control(struct h2_client *h2, const struct h2_frame *frame)
{
    h2->idle_frames++;
    uint32_t error = take(h2, frame);
    if (error != H2_NO_ERROR && !h2->is_gone)
        h2_client_terminate(h2, error);
}

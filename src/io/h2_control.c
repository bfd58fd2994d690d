// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "io/h2_state.h"

#include <errno.h>
#include <string.h>

/*
 * h2_control: the frames that are neither requests nor answers.  What we say is gathered in
 * `control` and leaves before any answer; how much that can be is bounded by the floods, since all
 * of it but windows and resets answers to something.
 */
enum {
    SETTING_BYTES = 6,
    GIVE_BACK_BYTES = H2_WINDOW_BYTES / 2,
    ANY_TABLE_BYTES = 1 << 24, /* of HPACK, where a drill wants no bound */
};

/* --- saying --- */

void h2_say(struct h2_connection *connection, uint8_t type, uint8_t flags, int32_t id,
            const void *payload, size_t size)
{
    char *at = buffer_reserve(&connection->control, H2_FRAME_HEAD_BYTES + size);
    if (!at) { /* more than floods allow: only without their guards */
        connection->is_broken = true;
        return;
    }
    h2_write_head(at, size, type, flags, id);
    bytes_copy(at + H2_FRAME_HEAD_BYTES, payload, size);
    connection->control.size += H2_FRAME_HEAD_BYTES + size;
}

uint32_t h2_table_bytes(const struct server_limits *limits)
{
    return guard_is_on(GUARD_H2_HEADER_TABLE) ? limits->h2_header_table_bytes : ANY_TABLE_BYTES;
}

static char *write_setting(char *at, uint16_t id, uint32_t value)
{
    at[0] = (char)(id >> 8);
    at[1] = (char)id;
    h2_write_u32(at + 2, value);
    return at + SETTING_BYTES;
}

void h2_say_settings(struct h2_connection *connection)
{
    const struct server_limits *limits = &connection->server->config.limits;
    char settings[4 * SETTING_BYTES], *at = settings;
    at = write_setting(at, H2_MAX_CONCURRENT_STREAMS,
                       guard_is_on(GUARD_H2_STREAMS) ? limits->h2_max_streams : INT32_MAX);
    at = write_setting(at, H2_MAX_HEADER_LIST_SIZE, limits->max_header_bytes);
    at = write_setting(at, H2_HEADER_TABLE_SIZE, h2_table_bytes(limits));
    at = write_setting(at, H2_NO_RFC7540_PRIORITIES, 1);
    h2_say(connection, H2_SETTINGS, H2_FLAG_NONE, 0, settings, (size_t)(at - settings));
}

void h2_say_goaway(struct h2_connection *connection, int32_t last_id, uint32_t error)
{
    char payload[8];
    h2_write_u32(payload, (uint32_t)last_id);
    h2_write_u32(payload + 4, error);
    h2_say(connection, H2_GOAWAY, H2_FLAG_NONE, 0, payload, sizeof payload);
}

/* An error of the client's costs as much as its own reset. */
void h2_say_reset(struct h2_connection *connection, int32_t id, uint32_t error)
{
    char payload[4];
    h2_write_u32(payload, error);
    h2_say(connection, H2_RST_STREAM, H2_FLAG_NONE, id, payload, sizeof payload);
    h2_past_reset(&connection->past, id);
    counter_add(COUNTER_H2_STREAMS_REFUSED, error == H2_REFUSED_STREAM);
    if (error != H2_NO_ERROR)
        h2_count_frame(connection, H2_FLOOD_RESETS);
}

void h2_reset(struct h2_stream *stream, uint32_t error)
{
    h2_say_reset(stream->connection, stream->id, error);
    h2_wants_write(stream->connection);
    h2_stream_close(stream, error == H2_NO_ERROR ? 0 : -ECONNRESET);
}

void h2_terminate(struct h2_connection *connection, uint32_t error)
{
    if (connection->is_broken)
        return;
    h2_say_goaway(connection, connection->past.last_id, error);
    connection->is_broken = true;
    h2_wants_write(connection);
}

static void say_window(struct h2_connection *connection, int32_t id, uint32_t *received_bytes)
{
    char payload[4];
    if (*received_bytes < GIVE_BACK_BYTES)
        return;
    h2_write_u32(payload, *received_bytes);
    h2_say(connection, H2_WINDOW_UPDATE, H2_FLAG_NONE, id, payload, sizeof payload);
    *received_bytes = 0;
}

void h2_give_window(struct h2_connection *connection, struct h2_stream *stream)
{
    say_window(connection, 0, &connection->received_bytes);
    if (stream)
        say_window(connection, stream->id, &stream->received_bytes);
}

/* --- SETTINGS --- */

/* What was sent under the old window stays sent: a new one may leave less than nothing (6.9.2). */
static uint32_t take_first_window(struct h2_connection *connection, uint32_t size)
{
    int64_t change = (int64_t)size - connection->first_window;
    if (size > H2_WINDOW_MOST)
        return H2_FLOW_CONTROL_ERROR;
    connection->first_window = size;
    for (struct h2_stream *stream = connection->streams; stream; stream = stream->next) {
        stream->send_window += change;
        if (stream->send_window > H2_WINDOW_MOST)
            return H2_FLOW_CONTROL_ERROR;
        if (stream->send_window <= 0 && stream->is_sending)
            h2_dequeue(stream);
        else
            h2_resume(stream);
    }
    return H2_NO_ERROR;
}

static uint32_t take_setting(struct h2_connection *connection, uint16_t id, uint32_t value)
{
    switch (id) {
    case H2_HEADER_TABLE_SIZE:
        hpack_writer_limit(&connection->writer, value);
        return H2_NO_ERROR;
    case H2_ENABLE_PUSH:
    case H2_NO_RFC7540_PRIORITIES:
        return value > 1 ? H2_PROTOCOL_ERROR : H2_NO_ERROR;
    case H2_INITIAL_WINDOW_SIZE:
        return take_first_window(connection, value);
    case H2_MAX_FRAME_SIZE:
        return value < H2_PAYLOAD_BYTES || value >= 1 << 24 ? H2_PROTOCOL_ERROR : H2_NO_ERROR;
    default:
        return H2_NO_ERROR;
    }
}

static uint32_t take_settings(struct h2_connection *connection, const struct h2_frame *frame)
{
    uint32_t table_bytes = h2_table_bytes(&connection->server->config.limits);
    bool is_ack = frame->flags & H2_FLAG_ACK;
    h2_count_frame(connection, H2_FLOOD_SETTINGS);
    if (frame->id != 0)
        return H2_PROTOCOL_ERROR;
    if (frame->size % SETTING_BYTES != 0 || (is_ack && frame->size > 0))
        return H2_FRAME_SIZE_ERROR;
    if (is_ack && !connection->has_settings)
        return H2_PROTOCOL_ERROR;
    connection->has_settings = true;
    if (is_ack) {
        hpack_reader_limit(&connection->reader, table_bytes);
        return H2_NO_ERROR;
    }
    for (size_t i = 0; i < frame->size; i += SETTING_BYTES) {
        const char *at = frame->payload.data + i;
        uint16_t id = (uint16_t)((uint8_t)at[0] << 8 | (uint8_t)at[1]);
        uint32_t error = take_setting(connection, id, h2_read_u32(at + 2));
        if (error != H2_NO_ERROR)
            return error;
    }
    h2_say(connection, H2_SETTINGS, H2_FLAG_ACK, 0, NULL, 0);
    return H2_NO_ERROR;
}

/* --- windows --- */

static void widen(struct h2_stream *stream, uint32_t by)
{
    if (stream->send_window + by > H2_WINDOW_MOST) {
        h2_reset(stream, H2_FLOW_CONTROL_ERROR);
        return;
    }
    stream->send_window += by;
    h2_resume(stream);
}

static bool is_idle(const struct h2_connection *connection, int32_t id)
{
    return id == 0 || id % 2 == 0 ||
           (id > connection->past.last_id && !h2_is_excluded(connection, id));
}

static uint32_t take_window(struct h2_connection *connection, const struct h2_frame *frame)
{
    h2_count_frame(connection, H2_FLOOD_WINDOW_UPDATES);
    if (frame->size != 4)
        return H2_FRAME_SIZE_ERROR;
    uint32_t by = (uint32_t)h2_read_u31(frame->payload.data);
    if (frame->id == 0) {
        connection->send_window += by;
        return by == 0                                    ? H2_PROTOCOL_ERROR
               : connection->send_window > H2_WINDOW_MOST ? H2_FLOW_CONTROL_ERROR
                                                          : H2_NO_ERROR;
    }
    if (is_idle(connection, frame->id))
        return H2_PROTOCOL_ERROR;
    struct h2_stream *stream = h2_stream_find(connection, frame->id);
    if (stream && by == 0)
        h2_reset(stream, H2_PROTOCOL_ERROR);
    else if (stream)
        widen(stream, by);
    return H2_NO_ERROR;
}

/* --- resets and priorities --- */

/* Of a stream that is over it costs nothing, and some clients send one for each DATA on its way. */
static uint32_t take_reset(struct h2_connection *connection, const struct h2_frame *frame)
{
    struct h2_stream *stream = h2_stream_find(connection, frame->id);
    h2_count_frame(connection, stream ? H2_FLOOD_RESETS : H2_FLOOD_WINDOW_UPDATES);
    if (is_idle(connection, frame->id))
        return H2_PROTOCOL_ERROR;
    if (frame->size != 4)
        return H2_FRAME_SIZE_ERROR;
    if (stream)
        h2_stream_close(stream, -ECONNRESET);
    return H2_NO_ERROR;
}

/* Means nothing any more (RFC 9113 5.3.2), but is not free of rules (6.3; RFC 7540 5.3.1). */
static uint32_t take_priority(struct h2_connection *connection, const struct h2_frame *frame)
{
    h2_count_frame(connection, H2_FLOOD_PRIORITIES);
    if (frame->id == 0)
        return H2_PROTOCOL_ERROR;
    if (frame->size != 5) {
        struct h2_stream *stream = h2_stream_find(connection, frame->id);
        if (stream)
            h2_reset(stream, H2_FRAME_SIZE_ERROR);
        return stream ? H2_NO_ERROR : H2_FRAME_SIZE_ERROR;
    }
    return h2_read_u31(frame->payload.data) == frame->id ? H2_PROTOCOL_ERROR : H2_NO_ERROR;
}

/* RFC 9218 7.1.  What the client says of a stream that it has not opened yet is remembered. */
static uint32_t take_priority_update(struct h2_connection *connection, const struct h2_frame *frame)
{
    struct h2_early_priority *early = connection->early_priorities;
    struct http_priority priority;
    h2_count_frame(connection, H2_FLOOD_PRIORITIES);
    if (frame->id != 0)
        return H2_PROTOCOL_ERROR;
    if (frame->size < 4)
        return H2_FRAME_SIZE_ERROR;
    int32_t id = h2_read_u31(frame->payload.data);
    if (id == 0 || id % 2 == 0)
        return H2_PROTOCOL_ERROR;
    (void)http_priority_parse(text_from(frame->payload, 4), &priority);
    priority.has_urgency = true; /* also by leaving it out */
    struct h2_stream *stream = h2_stream_find(connection, id);
    if (stream) {
        h2_prioritise(stream, priority);
    } else if (id > connection->past.last_id) {
        memmove(early + 1, early, (H2_EARLY_PRIORITIES - 1) * sizeof early[0]);
        early[0] = (struct h2_early_priority){id, priority};
    }
    return H2_NO_ERROR;
}

/* --- the rest --- */

static uint32_t take_ping(struct h2_connection *connection, const struct h2_frame *frame)
{
    h2_count_frame(connection, H2_FLOOD_PINGS);
    if (frame->id != 0)
        return H2_PROTOCOL_ERROR;
    if (frame->size != 8)
        return H2_FRAME_SIZE_ERROR;
    if (frame->flags & H2_FLAG_ACK)
        h2_say_last(connection);
    else
        h2_say(connection, H2_PING, H2_FLAG_ACK, 0, frame->payload.data, 8);
    return H2_NO_ERROR;
}

static uint32_t take_goaway(struct h2_connection *connection, const struct h2_frame *frame)
{
    h2_count_frame(connection, H2_FLOOD_PINGS);
    if (frame->id != 0)
        return H2_PROTOCOL_ERROR;
    return frame->size < 8 ? H2_FRAME_SIZE_ERROR : H2_NO_ERROR;
}

static uint32_t take(struct h2_connection *connection, const struct h2_frame *frame)
{
    switch (frame->type) {
    case H2_PRIORITY:
        return take_priority(connection, frame);
    case H2_RST_STREAM:
        return take_reset(connection, frame);
    case H2_SETTINGS:
        return take_settings(connection, frame);
    case H2_PUSH_PROMISE:
        return H2_PROTOCOL_ERROR; /* clients do not push (8.4) */
    case H2_PING:
        return take_ping(connection, frame);
    case H2_GOAWAY:
        return take_goaway(connection, frame);
    case H2_WINDOW_UPDATE:
        return take_window(connection, frame);
    case H2_PRIORITY_UPDATE:
        return take_priority_update(connection, frame);
    default: /* unknown kinds are ignored (5.5) */
        h2_count_frame(connection, H2_FLOOD_EMPTY_FRAMES);
        return H2_NO_ERROR;
    }
}

void h2_take_control(struct h2_connection *connection, const struct h2_frame *frame)
{
    uint32_t error = take(connection, frame);
    if (error != H2_NO_ERROR)
        h2_terminate(connection, error);
}

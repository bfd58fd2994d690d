// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "io/h2_state.h"

#include <stdlib.h>
#include <string.h>

/*
 * h2_frames: what a client sends goes to nghttp2 frame by frame, and each frame's head is judged
 * before: how many of its kind came (floods), and whether its stream may still get it.  nghttp2
 * alone would tell of neither: it drops DATA of closed streams, PRIORITY and unknown types unseen.
 */
enum { PRIORITY_HEAD_BYTES = H2_FRAME_HEAD_BYTES + 4 }; /* with the stream that it depends on */

struct frame_head {
    uint32_t size; /* of the payload */
    uint8_t type, flags;
    int32_t id;
};

static uint32_t read_u31(const uint8_t *at)
{
    return (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static struct frame_head read_head(const uint8_t *at)
{
    return (struct frame_head){
        .size = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2],
        .type = at[3],
        .flags = at[4],
        .id = (int32_t)read_u31(at + 5),
    };
}

/* --- judging --- */

static void end_with(struct h2_connection *connection, uint32_t error)
{
    if (error != NGHTTP2_NO_ERROR)
        nghttp2_session_terminate_session(connection->session, error);
}

static void judge_place(struct h2_connection *connection, const struct frame_head *head)
{
    if (head->type == NGHTTP2_HEADERS && head->id > connection->past.last_id && head->id % 2 == 1)
        h2_past_open(&connection->past, head->id);
    else if (nghttp2_session_get_stream_remote_close(connection->session, head->id) < 0)
        end_with(connection, h2_past_judge(&connection->past, head->id));
}

/* Means nothing any more (RFC 9113 5.3.2), but is not free of rules (6.3; RFC 7540 5.3.1). */
static void judge_priority(struct h2_connection *connection, const struct frame_head *head,
                           const uint8_t *payload)
{
    if (head->id == 0 || (head->size >= 4 && (int32_t)read_u31(payload) == head->id))
        end_with(connection, NGHTTP2_PROTOCOL_ERROR);
}

/* Of a stream that is over it costs nothing, and some clients send one for each DATA on its way. */
static void judge_reset(struct h2_connection *connection, const struct frame_head *head)
{
    bool is_over = nghttp2_session_get_stream_remote_close(connection->session, head->id) < 0;
    h2_count_frame(connection, is_over ? H2_FLOOD_WINDOW_UPDATES : H2_FLOOD_RESETS);
}

static void judge(struct h2_connection *connection, const uint8_t *bytes)
{
    const struct frame_head head = read_head(bytes);
    switch (head.type) {
    case NGHTTP2_DATA:
    case NGHTTP2_HEADERS:
        if (head.size == 0 && !(head.flags & NGHTTP2_FLAG_END_STREAM))
            h2_count_frame(connection, H2_FLOOD_EMPTY_FRAMES);
        judge_place(connection, &head);
        break;
    case NGHTTP2_CONTINUATION:
        if (head.size == 0)
            h2_count_frame(connection, H2_FLOOD_EMPTY_FRAMES);
        break;
    case NGHTTP2_PRIORITY:
        judge_priority(connection, &head, bytes + H2_FRAME_HEAD_BYTES);
        h2_count_frame(connection, H2_FLOOD_PRIORITIES);
        break;
    case NGHTTP2_PRIORITY_UPDATE:
        h2_count_frame(connection, H2_FLOOD_PRIORITIES);
        break;
    case NGHTTP2_RST_STREAM:
        judge_reset(connection, &head);
        break;
    case NGHTTP2_SETTINGS:
        h2_count_frame(connection, H2_FLOOD_SETTINGS);
        break;
    case NGHTTP2_PING:
    case NGHTTP2_GOAWAY:
        h2_count_frame(connection, H2_FLOOD_PINGS);
        break;
    case NGHTTP2_WINDOW_UPDATE:
        h2_count_frame(connection, H2_FLOOD_WINDOW_UPDATES);
        break;
    default:
        h2_count_frame(connection, H2_FLOOD_EMPTY_FRAMES);
    }
}

/* --- cutting --- */

/* How much of a head must be there before it can be judged. */
static size_t head_bytes(const uint8_t *bytes, size_t size)
{
    bool is_priority =
        size >= H2_FRAME_HEAD_BYTES && bytes[3] == NGHTTP2_PRIORITY && read_head(bytes).size >= 4;
    return is_priority ? PRIORITY_HEAD_BYTES : H2_FRAME_HEAD_BYTES;
}

static void give(struct h2_connection *connection, const uint8_t *bytes, size_t size)
{
    ssize_t took = nghttp2_session_mem_recv(connection->session, bytes, size);
    if (took == NGHTTP2_ERR_NOMEM)
        abort();
    if (took >= 0)
        return;
    if (took == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS)
        counter_add(COUNTER_H2_CONTINUATIONS, 1);
    connection->is_broken = true; /* not even an HTTP/2 client, or past a limit of nghttp2's own */
    h2_calm(connection);
}

/* A head that came in parts is put together first. */
static void gather_head(struct h2_connection *connection, struct text *input)
{
    struct h2_frames *frames = &connection->frames;
    size_t need = head_bytes(frames->head, frames->head_size);
    size_t part = need - frames->head_size < input->size ? need - frames->head_size : input->size;
    memcpy(frames->head + frames->head_size, input->data, part);
    frames->head_size += (uint8_t)part;
    *input = text_from(*input, part);
    if (frames->head_size < head_bytes(frames->head, frames->head_size))
        return;
    judge(connection, frames->head);
    frames->left = read_head(frames->head).size + H2_FRAME_HEAD_BYTES - frames->head_size;
    give(connection, frames->head, frames->head_size);
    frames->head_size = 0;
}

void h2_feed(struct h2_connection *connection, struct text input)
{
    struct h2_frames *frames = &connection->frames;
    while (input.size > 0 && !connection->is_broken) {
        const uint8_t *bytes = (const uint8_t *)input.data;
        if (frames->left == 0) {
            if (frames->head_size > 0 || input.size < head_bytes(bytes, input.size)) {
                gather_head(connection, &input);
                continue;
            }
            judge(connection, bytes);
            frames->left = H2_FRAME_HEAD_BYTES + read_head(bytes).size;
        }
        size_t part = frames->left < input.size ? frames->left : input.size;
        give(connection, bytes, part);
        frames->left -= (uint32_t)part;
        input = text_from(input, part);
    }
}

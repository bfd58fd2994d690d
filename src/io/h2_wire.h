// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * h2_wire: frames of HTTP/2 as they stand on the wire (RFC 9113 4.1, 6, 7).  Internal to io/.
 *
 *   length(24) type(8) flags(8) R(1) stream(31) payload
 */
enum {
    H2_FRAME_HEAD_BYTES = 9,
    H2_PAYLOAD_BYTES = 16 << 10, /* largest that we send and take: SETTINGS_MAX_FRAME_SIZE */
    H2_FRAME_BYTES = H2_FRAME_HEAD_BYTES + H2_PAYLOAD_BYTES,
    H2_WINDOW_BYTES = 65535, /* at first, and of ours always */
};
#define H2_WINDOW_MOST INT64_C(0x7fffffff)

enum h2_type {
    H2_DATA,
    H2_HEADERS,
    H2_PRIORITY,
    H2_RST_STREAM,
    H2_SETTINGS,
    H2_PUSH_PROMISE,
    H2_PING,
    H2_GOAWAY,
    H2_WINDOW_UPDATE,
    H2_CONTINUATION,
    H2_PRIORITY_UPDATE = 16, /* RFC 9218 7.1 */
};

enum h2_flag {
    H2_FLAG_NONE = 0,
    H2_FLAG_ACK = 1,
    H2_FLAG_END_STREAM = 1,
    H2_FLAG_END_HEADERS = 4,
    H2_FLAG_PADDED = 8,
    H2_FLAG_PRIORITY = 32,
};

enum h2_error {
    H2_NO_ERROR,
    H2_PROTOCOL_ERROR,
    H2_INTERNAL_ERROR,
    H2_FLOW_CONTROL_ERROR,
    H2_SETTINGS_TIMEOUT,
    H2_STREAM_CLOSED,
    H2_FRAME_SIZE_ERROR,
    H2_REFUSED_STREAM,
    H2_CANCEL,
    H2_COMPRESSION_ERROR,
    H2_CONNECT_ERROR,
    H2_ENHANCE_YOUR_CALM,
};

enum h2_setting {
    H2_HEADER_TABLE_SIZE = 1,
    H2_ENABLE_PUSH,
    H2_MAX_CONCURRENT_STREAMS,
    H2_INITIAL_WINDOW_SIZE,
    H2_MAX_FRAME_SIZE,
    H2_MAX_HEADER_LIST_SIZE,
    H2_NO_RFC7540_PRIORITIES = 9, /* RFC 9218 2.1 */
};

struct h2_frame {
    uint32_t size; /* of the payload */
    uint8_t type, flags;
    int32_t id;
    struct text payload; /* whole, but for DATA */
};

static inline uint32_t h2_read_u32(const char *at)
{
    const uint8_t *bytes = (const uint8_t *)at;
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline int32_t h2_read_u31(const char *at)
{
    return (int32_t)(h2_read_u32(at) & 0x7fffffff);
}

static inline void h2_write_u32(char *at, uint32_t value)
{
    at[0] = (char)(value >> 24);
    at[1] = (char)(value >> 16);
    at[2] = (char)(value >> 8);
    at[3] = (char)value;
}

static inline struct h2_frame h2_read_head(const char *at)
{
    return (struct h2_frame){.size = h2_read_u32(at) >> 8,
                             .type = (uint8_t)at[3],
                             .flags = (uint8_t)at[4],
                             .id = h2_read_u31(at + 5)};
}

static inline void h2_write_head(char *at, size_t size, uint8_t type, uint8_t flags, int32_t id)
{
    h2_write_u32(at, (uint32_t)size << 8 | type);
    at[4] = (char)flags;
    h2_write_u32(at + 5, (uint32_t)id);
}

/* What is wrong with a frame's head whatever the payload; H2_NO_ERROR when nothing is.  `block_id`:
 * the stream whose block of fields is not at its end, or 0. */
uint32_t h2_judge_head(const struct h2_frame *frame, bool has_settings, int32_t block_id);
/* Bytes of `frame` that must be there before it is looked at. */
size_t h2_frame_needs(const struct h2_frame *frame);
/* Of HEADERS: takes padding and the old priority off, whose parent *ret_parent is (0: none).
 * False: they do not fit. */
bool h2_strip(const struct h2_frame *frame, struct text *ret_block, int32_t *ret_parent) MUST_USE;

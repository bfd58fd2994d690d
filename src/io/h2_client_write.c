// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/fields.h"
#include "io/h2_client_state.h"

#include <string.h>

/* h2_client_write: requests as frames, and whatever else we say. */
enum {
    SETTING_BYTES = 6,
    BATCH_BYTES = 64 << 10, /* no more DATA is added behind so much */
};

static const struct text preface = TEXT_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/* --- saying --- */

static void say_head(struct h2_client *h2, size_t size, uint8_t type, uint8_t flags, int32_t id)
{
    char head[H2_FRAME_HEAD_BYTES];
    h2_write_head(head, size, type, flags, id);
    buffer_append(&h2->out, head, sizeof head);
}

/* More than its ceiling: the server takes none of it and still makes us speak. */
static void check_out(struct h2_client *h2)
{
    if (h2->out.overflowed)
        h2->is_broken = h2->is_leaving = true;
}

void h2_client_say(struct h2_client *h2, uint8_t type, uint8_t flags, int32_t id,
                   const void *payload, size_t size)
{
    say_head(h2, size, type, flags, id);
    buffer_append(&h2->out, payload, size);
    check_out(h2);
}

void h2_client_say_u32(struct h2_client *h2, uint8_t type, int32_t id, uint32_t value)
{
    char payload[4];
    h2_write_u32(payload, value);
    h2_client_say(h2, type, H2_FLAG_NONE, id, payload, sizeof payload);
}

static char *write_setting(char *at, uint16_t id, uint32_t value)
{
    at[0] = (char)(id >> 8);
    at[1] = (char)id;
    h2_write_u32(at + 2, value);
    return at + SETTING_BYTES;
}

void h2_client_say_first(struct h2_client *h2)
{
    char settings[3 * SETTING_BYTES], *at = settings;
    at = write_setting(at, H2_ENABLE_PUSH, 0);
    at = write_setting(at, H2_INITIAL_WINDOW_SIZE, H2_CLIENT_WINDOW_BYTES);
    at = write_setting(at, H2_MAX_HEADER_LIST_SIZE, h2->config.max_header_bytes);
    buffer_text(&h2->out, preface);
    h2_client_say(h2, H2_SETTINGS, H2_FLAG_NONE, 0, settings, (size_t)(at - settings));
    h2_client_say_u32(h2, H2_WINDOW_UPDATE, 0, H2_CLIENT_ALL_WINDOWS_BYTES - H2_WINDOW_BYTES);
}

/* --- windows --- */

static void give(struct h2_client *h2, int32_t id, uint32_t *received, uint32_t window)
{
    if (*received < window / 2)
        return;
    h2_client_say_u32(h2, H2_WINDOW_UPDATE, id, *received);
    *received = 0;
}

void h2_client_give_window(struct h2_client *h2, struct h2_client_stream *stream)
{
    give(h2, 0, &h2->received, H2_CLIENT_ALL_WINDOWS_BYTES);
    if (stream && stream->held.size == 0)
        give(h2, stream->id, &stream->received, H2_CLIENT_WINDOW_BYTES);
}

/* --- requests --- */

static bool is_one_of(struct text name, const struct text *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal_nocase(name, names[i]))
            return true;
    return false;
}

/* RFC 9113 8.2.2; the authority stands in for Host. */
static bool is_left_out(struct text name)
{
    static const struct text names[] = {
        TEXT_INIT("Connection"), TEXT_INIT("Keep-Alive"),        TEXT_INIT("Proxy-Connection"),
        TEXT_INIT("Upgrade"),    TEXT_INIT("Transfer-Encoding"), TEXT_INIT("TE"),
        TEXT_INIT("Host"),
    };
    return is_one_of(name, names, ARRAY_SIZE(names));
}

/* Whose values come again: worth a place in the server's table. */
static bool comes_again(struct text name)
{
    static const struct text names[] = {
        TEXT_INIT(":method"),
        TEXT_INIT(":scheme"),
        TEXT_INIT(":authority"),
        TEXT_INIT("Via"),
        TEXT_INIT("Accept"),
        TEXT_INIT("Accept-Encoding"),
        TEXT_INIT("X-Forwarded-Proto"),
    };
    return is_one_of(name, names, ARRAY_SIZE(names));
}

/* Never kept, also not by who passes it on (RFC 7541 7.1.3). */
static bool is_secret(struct text name)
{
    static const struct text names[] = {TEXT_INIT("Authorization"), TEXT_INIT("Cookie"),
                                        TEXT_INIT("Sostenuto-Grant"), TEXT_INIT(":path")};
    return is_one_of(name, names, ARRAY_SIZE(names));
}

static void put_field(struct h2_client *h2, struct buffer *block, struct text name,
                      struct text value)
{
    char *at = buffer_reserve(block, name.size + value.size + HPACK_FIELD_MOST);
    if (!at)
        return;
    char *end = comes_again(name) ? hpack_write(&h2->writer, at, name, value)
                                  : hpack_write_literal(at, name, value, is_secret(name));
    block->size += (size_t)(end - at);
}

static void put_request(struct h2_client *h2, struct buffer *block,
                        const struct h2_client_request *request)
{
    char *at = buffer_reserve(block, HPACK_START_MOST);
    if (at)
        block->size += (size_t)(hpack_write_start(&h2->writer, at) - at);
    put_field(h2, block, TEXT(":method"), request->method_name);
    put_field(h2, block, TEXT(":scheme"), request->scheme);
    put_field(h2, block, TEXT(":authority"), request->authority);
    put_field(h2, block, TEXT(":path"), request->target);
    for (size_t i = 0; i < request->field_count; i++)
        if (!is_left_out(request->fields[i].name))
            put_field(h2, block, request->fields[i].name, text_trim(request->fields[i].value));
}

void h2_client_say_header(struct h2_client_stream *stream, const struct h2_client_request *request)
{
    struct h2_client *h2 = stream->h2;
    struct buffer block;
    uint8_t type = H2_HEADERS, flags = stream->is_sent ? H2_FLAG_END_STREAM : H2_FLAG_NONE;
    buffer_init(&block, H2_CLIENT_OUT_BYTES);
    put_request(h2, &block, request);
    struct text rest = buffer_view(&block);
    do {
        size_t part = rest.size < H2_PAYLOAD_BYTES ? rest.size : H2_PAYLOAD_BYTES;
        uint8_t ends = part == rest.size ? H2_FLAG_END_HEADERS : H2_FLAG_NONE;
        h2_client_say(h2, type, flags | ends, stream->id, rest.data, part);
        rest = text_from(rest, part);
        type = H2_CONTINUATION;
        flags = H2_FLAG_NONE;
    } while (rest.size > 0);
    if (block.overflowed)
        h2->is_broken = h2->is_leaving = true;
    buffer_release(&block);
}

/* --- bodies --- */

/* One frame of it, as large as windows allow.  False: none. */
static bool say_data(struct h2_client_stream *stream)
{
    struct h2_client *h2 = stream->h2;
    size_t left = stream->body.size - stream->body_sent;
    int64_t window = stream->send_window < h2->send_window ? stream->send_window : h2->send_window;
    if (stream->is_sent || window <= 0)
        return false;
    size_t part = left < H2_PAYLOAD_BYTES ? left : H2_PAYLOAD_BYTES;
    part = (int64_t)part < window ? part : (size_t)window;
    stream->is_sent = part == left;
    h2_client_say(h2, H2_DATA, stream->is_sent ? H2_FLAG_END_STREAM : H2_FLAG_NONE, stream->id,
                  stream->body.data + stream->body_sent, part);
    stream->body_sent += part;
    stream->send_window -= (int64_t)part;
    h2->send_window -= (int64_t)part;
    h2->idle_frames = 0;
    return true;
}

void h2_client_fill(struct h2_client *h2)
{
    bool has_said = true;
    while (has_said && !h2->is_broken) { /* a frame of each in turn */
        has_said = false;
        for (struct h2_client_stream *stream = h2->streams;
             stream && h2->out.size - h2->out_sent < BATCH_BYTES; stream = stream->next)
            has_said |= say_data(stream);
    }
}

struct text h2_client_output(struct h2_client *h2)
{
    h2_client_fill(h2);
    return text_from(buffer_view(&h2->out), h2->out_sent);
}

void h2_client_sent(struct h2_client *h2, size_t size)
{
    h2->out_sent += size;
    if (h2->out_sent == h2->out.size) {
        buffer_reset(&h2->out);
        h2->out_sent = 0;
    } else if (h2->out_sent >= BATCH_BYTES) {
        buffer_consume(&h2->out, h2->out_sent);
        h2->out_sent = 0;
    }
}

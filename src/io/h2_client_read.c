// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "http/header_list.h"
#include "http/response_list.h"
#include "io/h2_client_state.h"

/*
 * h2_client_read: header blocks become answers, interim answers and trailers.
 *
 * Every block is decoded, also of a stream that nobody wants any more: HPACK's table is the
 * connection's.
 */

static struct http_limits limits_of(const struct h2_client *h2)
{
    return (struct http_limits){.max_header_bytes = h2->config.max_header_bytes,
                                .max_fields = h2->config.max_fields};
}

/* --- what a block means --- */

static void take_answer(struct h2_client_stream *stream, struct http_response_list *list,
                        bool ends_here)
{
    struct h2_client *h2 = stream->h2;
    struct http_response response;
    const char *why;
    if (!http_response_list_finish(list, (enum http_method)stream->method, ends_here, &response,
                                   &why)) {
        h2_client_fail(stream, H2_PROTOCOL_ERROR);
        return;
    }
    if (response.status < 200) {
        h2->idle_frames++;
        h2->config.events->on_interim(stream, &response, stream->owner);
        return;
    }
    h2->idle_frames = 0;
    stream->has_header = true;
    if (response.framing == HTTP_BODY_NONE)
        stream->body_left = 0;
    else
        stream->body_left = response.content_length;
    h2->config.events->on_header(stream, &response, stream->owner);
    if (ends_here && !stream->is_dropped)
        h2_client_end_answer(stream);
}

/* As lines, which HTTP/1's trailers are read from too. */
static void keep_trailer(struct h2_client_stream *stream, const struct hpack_field *field)
{
    buffer_text(&stream->trailers, field->name);
    buffer_text(&stream->trailers, TEXT(": "));
    buffer_text(&stream->trailers, field->value);
    buffer_text(&stream->trailers, TEXT("\r\n"));
}

static void end_trailers(struct h2_client_stream *stream, bool are_fine, bool ends_here)
{
    if (!are_fine || !ends_here || stream->trailers.overflowed)
        h2_client_fail(stream, H2_PROTOCOL_ERROR);
    else
        h2_client_end_answer(stream);
}

/* --- decoding --- */

static char *scratch_of(struct h2_client *h2)
{
    if (!h2->scratch)
        h2->scratch = mem_alloc(hpack_scratch_bytes(h2->config.max_header_bytes + H2_PAYLOAD_BYTES,
                                                    HPACK_TABLE_DEFAULT_BYTES));
    return h2->scratch;
}

static void decode(struct h2_client *h2, int32_t id, bool ends_here, struct text block)
{
    const struct http_limits limits = limits_of(h2);
    struct h2_client_stream *stream = h2_client_find(h2, id);
    struct http_response_list list;
    struct hpack_field field;
    bool are_fine = true;
    int more;
    if (stream && stream->has_ended)
        stream = NULL;
    bool is_trailer = stream && stream->has_header;
    arena_reset(h2->config.arena);
    http_response_list_init(&list, h2->config.arena);
    hpack_reader_start(&h2->reader);
    while ((more = hpack_next(&h2->reader, &block, scratch_of(h2), &field)) > 0) {
        if (!is_trailer)
            http_response_list_add(&list, field.name, field.value, &limits);
        else if ((are_fine &= http_header_field_is_fine(field.name, field.value)))
            keep_trailer(stream, &field);
    }
    if (more < 0)
        h2_client_terminate(h2, H2_COMPRESSION_ERROR);
    else if (is_trailer)
        end_trailers(stream, are_fine, ends_here);
    else if (stream)
        take_answer(stream, &list, ends_here);
}

/* --- blocks --- */

void h2_client_take_headers(struct h2_client *h2, const struct h2_frame *frame)
{
    bool ends_here = frame->flags & H2_FLAG_END_STREAM;
    struct text block;
    int32_t parent;
    if (frame->id % 2 == 0 || frame->id >= h2->next_id || !h2_strip(frame, &block, &parent)) {
        h2_client_terminate(h2, H2_PROTOCOL_ERROR);
        return;
    }
    if (frame->flags & H2_FLAG_END_HEADERS) {
        decode(h2, frame->id, ends_here, block);
        return;
    }
    h2->block_id = frame->id;
    h2->block_ends = ends_here;
    buffer_text(&h2->block, block);
}

void h2_client_take_continuation(struct h2_client *h2, const struct h2_frame *frame)
{
    h2->idle_frames++;
    buffer_text(&h2->block, frame->payload);
    if (h2->block.overflowed) {
        h2_client_terminate(h2, H2_ENHANCE_YOUR_CALM);
        return;
    }
    if (!(frame->flags & H2_FLAG_END_HEADERS))
        return;
    struct buffer whole = h2->block;
    buffer_init(&h2->block, h2->config.max_header_bytes);
    h2->block_id = 0;
    decode(h2, frame->id, h2->block_ends, buffer_view(&whole));
    buffer_release(&whole);
}

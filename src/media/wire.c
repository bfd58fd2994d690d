// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/wire.h"

#include "base/reader.h"

void wire_encode_request(const struct wire_request *request, struct buffer *out)
{
    buffer_byte(out, WIRE_VERSION);
    buffer_byte(out, (uint8_t)request->job);
    buffer_u64(out, request->id);
    buffer_byte(out, (uint8_t)request->source);
    buffer_u32(out, request->size_px);
    buffer_byte(out, (uint8_t)request->image_format);
    buffer_byte(out, (uint8_t)request->transcode.format);
    buffer_u32(out, request->transcode.bitrate_kbps);
    buffer_u32(out, request->transcode.offset_ms);
    buffer_u32(out, request->transcode.channels);
    buffer_u32(out, request->transcode.sample_rate);
    buffer_byte(out, (uint8_t)request->rendition);
    buffer_byte(out, request->wants_loudness);
}

bool wire_decode_request(struct text message, struct wire_request *ret_request)
{
    struct reader reader = reader_of(message);
    uint8_t version = reader_u8(&reader);
    struct wire_request request = {.job = (enum wire_job)reader_u8(&reader)};
    request.id = reader_u64(&reader);
    request.source = (enum media_source)reader_u8(&reader);
    request.size_px = reader_u32(&reader);
    request.image_format = (enum media_image_format)reader_u8(&reader);
    request.transcode.format = (enum media_format)reader_u8(&reader);
    request.transcode.bitrate_kbps = reader_u32(&reader);
    request.transcode.offset_ms = reader_u32(&reader);
    request.transcode.channels = reader_u32(&reader);
    request.transcode.sample_rate = reader_u32(&reader);
    request.rendition = (enum rendition)reader_u8(&reader);
    request.wants_loudness = reader_u8(&reader) != 0;
    if (reader.failed || reader.left || version != WIRE_VERSION ||
        request.image_format > MEDIA_JPEG)
        return false;
    *ret_request = request;
    return true;
}

void wire_encode_reply(const struct wire_reply *reply, struct buffer *out)
{
    buffer_byte(out, WIRE_VERSION);
    buffer_u64(out, reply->id);
    buffer_byte(out, (uint8_t)reply->outcome);
    buffer_u64(out, reply->written);
    buffer_u32(out, (uint32_t)reply->payload.size);
    buffer_text(out, reply->payload);
}

bool wire_decode_reply(struct text message, struct wire_reply *ret_reply)
{
    struct reader reader = reader_of(message);
    uint8_t version = reader_u8(&reader);
    struct wire_reply reply = {.id = reader_u64(&reader)};
    reply.outcome = (enum media_outcome)reader_u8(&reader);
    reply.written = reader_u64(&reader);
    reply.payload = reader_bytes(&reader, reader_u32(&reader));
    if (reader.failed || reader.left || version != WIRE_VERSION ||
        !media_outcome_word(reply.outcome))
        return false;
    *ret_reply = reply;
    return true;
}

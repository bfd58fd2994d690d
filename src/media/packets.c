// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/packets.h"

#include "base/reader.h"

static void begin(struct buffer *out, enum packets_kind kind, size_t size)
{
    buffer_byte(out, (uint8_t)kind);
    buffer_u32(out, (uint32_t)size);
}

void packets_write_head(const struct packets_head *head, struct buffer *out)
{
    const struct cmaf_track *track = &head->track;
    begin(out, PACKETS_HEAD, 1 + 4 + 1 + 1 + 4 + 4 + 4 + 1 + 1 + track->config.size);
    buffer_byte(out, (uint8_t)track->codec);
    buffer_u32(out, track->rate);
    buffer_byte(out, (uint8_t)track->channels);
    buffer_byte(out, (uint8_t)track->depth);
    buffer_u32(out, track->packet);
    buffer_u32(out, track->priming);
    buffer_u32(out, head->source_rate);
    buffer_byte(out, (uint8_t)head->source_channels);
    buffer_byte(out, (uint8_t)head->source_depth);
    buffer_text(out, track->config);
}

void packets_write_packet(uint32_t samples, struct text data, struct buffer *out)
{
    begin(out, PACKETS_PACKET, 4 + data.size);
    buffer_u32(out, samples);
    buffer_text(out, data);
}

void packets_write_end(const struct packets_end *end, struct buffer *out)
{
    begin(out, PACKETS_END, 8 + 8 + 4 + 4 + end->blocks.size);
    buffer_u64(out, end->source_samples);
    buffer_u64(out, end->samples);
    buffer_u32(out, (uint32_t)end->loudness_mlufs);
    buffer_u32(out, end->peak_ppm);
    buffer_text(out, end->blocks);
}

static bool read_head(struct reader *reader, struct packets_head *ret)
{
    struct cmaf_track *track = &ret->track;
    track->codec = (enum cmaf_codec)reader_u8(reader);
    track->rate = reader_u32(reader);
    track->channels = reader_u8(reader);
    track->depth = reader_u8(reader);
    track->packet = reader_u32(reader);
    track->priming = reader_u32(reader);
    ret->source_rate = reader_u32(reader);
    ret->source_channels = reader_u8(reader);
    ret->source_depth = reader_u8(reader);
    track->config = reader_bytes(reader, reader->left);
    if (reader->failed || track->codec > CMAF_FLAC || track->config.size > CMAF_MAX_CONFIG)
        return false;
    struct rendition_cut cut = rendition_cut(track->codec, track->rate);
    return track->rate >= 1000 && track->rate <= 768000 && track->channels >= 1 &&
           track->channels <= 8 && track->packet == cut.packet && track->priming <= 65535 &&
           ret->source_rate >= 1000 && ret->source_rate <= 768000 && ret->source_channels >= 1;
}

static bool read_packet(struct reader *reader, struct packets_record *ret)
{
    ret->samples = reader_u32(reader);
    ret->data = reader_bytes(reader, reader->left);
    return !reader->failed && ret->samples > 0 && ret->samples <= 65535 && ret->data.size > 0;
}

static bool read_end(struct reader *reader, struct packets_end *ret)
{
    struct gating blocks = {0};
    ret->source_samples = reader_u64(reader);
    ret->samples = reader_u64(reader);
    ret->loudness_mlufs = (int32_t)reader_u32(reader);
    ret->peak_ppm = reader_u32(reader);
    ret->blocks = reader_bytes(reader, reader->left);
    return !reader->failed && ret->blocks.size <= GATING_MAX_BYTES &&
           gating_add(&blocks, ret->blocks) && ret->source_samples < UINT64_C(1) << 48 &&
           ret->samples < UINT64_C(1) << 48;
}

int packets_read(struct text *bytes, struct packets_record *ret)
{
    struct reader header = reader_of(*bytes);
    struct packets_record record = {.kind = (enum packets_kind)reader_u8(&header)};
    uint32_t size = reader_u32(&header);
    if (header.failed)
        return 0;
    if (size > PACKETS_MAX_RECORD)
        return -1;
    struct reader body = reader_of(reader_bytes(&header, size));
    if (header.failed)
        return 0;
    bool is_good = false;
    switch (record.kind) {
    case PACKETS_HEAD:
        is_good = read_head(&body, &record.head);
        break;
    case PACKETS_PACKET:
        is_good = read_packet(&body, &record);
        break;
    case PACKETS_END:
        is_good = read_end(&body, &record.end);
        break;
    }
    if (!is_good)
        return -1;
    *bytes = text_make((const char *)header.at, header.left);
    *ret = record;
    return 1;
}

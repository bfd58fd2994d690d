// SPDX-License-Identifier: GPL-3.0-or-later
/* MPEG audio (ISO 11172-3, 13818-3): bare frames between tags. */
#include "media/worker/bytes.h"
#include "media/worker/container.h"

enum { SEARCH_BYTES = 64 * 1024, AGREEING_FRAMES = 3 };

struct frame {
    uint32_t size;    /* with its header */
    uint32_t fixed;   /* version, layer, sample rate: the same in all frames of a stream */
    unsigned version; /* 1, 2; 25 is 2.5 */
    bool is_mono;
};

static const uint16_t bitrates[5][16] = {
    {0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 0}, /* 1, layer I */
    {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0},    /* 1, II */
    {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0},     /* 1, III */
    {0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 0},    /* 2, I */
    {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0},         /* 2, II and III */
};
static const uint32_t rates[3] = {44100, 48000, 32000};

static bool frame_parse(const uint8_t *head, struct frame *ret)
{
    unsigned version_bits = head[1] >> 3 & 3, layer_bits = head[1] >> 1 & 3;
    unsigned bitrate_index = head[2] >> 4, rate_index = head[2] >> 2 & 3,
             padding = head[2] >> 1 & 1;
    if (head[0] != 0xff || head[1] < 0xe0 || version_bits == 1 || !layer_bits || rate_index == 3)
        return false;
    unsigned layer = 4 - layer_bits;
    bool is_v1 = version_bits == 3;
    unsigned row = is_v1 ? layer - 1 : layer == 1 ? 3 : 4;
    uint32_t rate = rates[rate_index] >> (is_v1 ? 0 : version_bits == 2 ? 1 : 2);
    uint32_t bits = bitrates[row][bitrate_index] * 1000U;
    if (!bits)
        return false;
    *ret = (struct frame){.fixed = be32(head) & 0xfffe0c00U,
                          .version = is_v1               ? 1
                                     : version_bits == 2 ? 2
                                                         : 25,
                          .is_mono = head[3] >> 6 == 3};
    if (layer == 1)
        ret->size = (12 * bits / rate + padding) * 4;
    else
        ret->size = (layer == 3 && !is_v1 ? 72 : 144) * bits / rate + padding;
    return ret->size >= 24;
}

/* A frame begins at `at` and others of its stream follow (or the file ends there). */
static bool is_stream(struct source *source, uint64_t at, uint64_t end, struct frame *ret_first)
{
    uint32_t fixed = 0;
    for (unsigned i = 0; i < AGREEING_FRAMES; i++) {
        uint8_t head[4];
        struct frame frame;
        if (i && at >= end)
            return true;
        if (!source_read(source, at, head, sizeof head) || !frame_parse(head, &frame) ||
            (i && frame.fixed != fixed))
            return false;
        fixed = frame.fixed;
        if (!i)
            *ret_first = frame;
        at += frame.size;
        if (!i && at > end)
            return false; /* not even one whole frame */
    }
    return true;
}

/* Where the first frame stands, or `end`. */
static uint64_t find_stream(struct source *source, uint64_t begin, uint64_t end,
                            struct frame *ret_first)
{
    uint8_t bytes[4096];
    uint64_t limit = end - begin > SEARCH_BYTES ? begin + SEARCH_BYTES : end;
    for (uint64_t at = begin; at < limit; at += sizeof bytes) {
        size_t seen = source_read_some(
            source, at, bytes, limit - at < sizeof bytes ? (size_t)(limit - at) : sizeof bytes);
        const uint8_t *sync = bytes;
        while ((sync = memchr(sync, 0xff, seen - (size_t)(sync - bytes)))) {
            uint64_t candidate = at + (uint64_t)(sync - bytes);
            if (is_stream(source, candidate, end, ret_first))
                return candidate;
            if (++sync == bytes + seen)
                break;
        }
        if (seen < sizeof bytes)
            break;
    }
    return end;
}

/* Xing, Info (with LAME's gains) and VBRI: a silent frame with a table in it, rewritten by taggers;
 * not audio. */
static bool is_info_frame(struct source *source, uint64_t at, const struct frame *frame)
{
    char magic[4];
    unsigned side = frame->version == 1 ? (frame->is_mono ? 17 : 32) : (frame->is_mono ? 9 : 17);
    if (source_read(source, at + 4 + side, magic, 4) &&
        (!memcmp(magic, "Xing", 4) || !memcmp(magic, "Info", 4)))
        return true;
    return source_read(source, at + 36, magic, 4) && !memcmp(magic, "VBRI", 4);
}

bool mpeg_read(struct container_reading *reading, uint64_t begin)
{
    struct container *into = reading->into;
    struct frame first = {0};
    if (begin >= reading->source->size)
        return false;
    uint64_t end = tail_tags_begin(reading, begin);
    uint64_t at = find_stream(reading->source, begin, end, &first);
    if (at == end)
        return false;
    into->codec = MEDIA_CODEC_MP3;
    if (is_info_frame(reading->source, at, &first))
        at += first.size;
    into->audio_begin = at;
    into->audio_end = end;
    if (at >= end)
        return true;
    fingerprint_begin(reading->fingerprint, TEXT("mpeg frames"));
    fingerprint_region(reading->fingerprint, reading->source, at, end);
    into->has_id = fingerprint_end(reading->fingerprint, into->audio_id);
    return true;
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* Native FLAC (RFC 9639 8): metadata blocks, then frames. */
#include "media/worker/bytes.h"
#include "media/worker/flac.h"

enum { MAX_BLOCKS = 1000, BLOCK_STREAMINFO = 0, BLOCK_PICTURE = 6, STREAMINFO_BYTES = 34 };

bool flac_fingerprint(struct fingerprint *fingerprint, const uint8_t *streaminfo)
{
    static const uint8_t none[16];
    if (!memcmp(streaminfo + 18, none, sizeof none))
        return false;
    fingerprint_begin(fingerprint, TEXT("flac md5"));
    fingerprint_bytes(fingerprint, streaminfo + 10,
                      8); /* sample rate, channels, bits, number of samples */
    fingerprint_bytes(fingerprint, streaminfo + 18, 16);
    return true;
}

static void offer_picture(struct container_reading *reading, uint64_t body, uint64_t size)
{
    struct cover *offered = &reading->into->offered;
    offered->coding = COVER_RAW;
    offered->stretch_count = 1;
    offered->stretches[0] = (struct cover_stretch){body, size};
    if (cover_parse_flac(offered, reading->source, 0, size)) {
        offered->stretches[0] = (struct cover_stretch){body + offered->skip, offered->size};
        offered->skip = 0;
        cover_offer(&reading->into->cover, reading->source, offered);
    }
}

/* Walks the blocks; where the frames begin, or 0 when the last block is missing. */
static uint64_t read_blocks(struct container_reading *reading, uint64_t at, uint8_t *streaminfo)
{
    for (unsigned i = 0; i < MAX_BLOCKS; i++) {
        uint8_t head[4];
        if (!source_read(reading->source, at, head, sizeof head))
            return 0;
        uint64_t body = at + 4, size = be24(head + 1);
        if ((head[0] & 0x7f) == BLOCK_STREAMINFO && size >= STREAMINFO_BYTES &&
            !source_read(reading->source, body, streaminfo, STREAMINFO_BYTES))
            return 0;
        if ((head[0] & 0x7f) == BLOCK_PICTURE && size <= reading->source->size)
            offer_picture(reading, body, size);
        at = body + size;
        if (head[0] & 0x80)
            return at;
    }
    return 0;
}

bool flac_read(struct container_reading *reading, uint64_t begin)
{
    char magic[4];
    uint8_t streaminfo[STREAMINFO_BYTES] = {0};
    struct container *into = reading->into;
    if (!source_read(reading->source, begin, magic, 4) || memcmp(magic, "fLaC", 4) != 0)
        return false;
    into->codec = MEDIA_CODEC_FLAC;
    into->audio_begin = read_blocks(reading, begin + 4, streaminfo);
    if (!into->audio_begin || into->audio_begin >= reading->source->size)
        return true;
    into->audio_end = tail_tags_begin(reading, into->audio_begin);
    if (!flac_fingerprint(reading->fingerprint, streaminfo)) {
        fingerprint_begin(reading->fingerprint, TEXT("flac frames"));
        fingerprint_bytes(reading->fingerprint, streaminfo + 10,
                          3); /* rate and channels; the rest may be unknown */
        fingerprint_region(reading->fingerprint, reading->source, into->audio_begin,
                           into->audio_end);
    }
    into->has_id = fingerprint_end(reading->fingerprint, into->audio_id);
    return true;
}

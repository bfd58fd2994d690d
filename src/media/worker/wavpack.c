// SPDX-License-Identifier: GPL-3.0-or-later
/* WavPack 4 and 5: blocks of 32 bytes header and payload, tags (APEv2, ID3v1) behind them. */
#include "media/worker/bytes.h"
#include "media/worker/container.h"

enum { HEAD_BYTES = 32 };

bool wavpack_read(struct container_reading *reading)
{
    uint8_t head[HEAD_BYTES];
    struct container *into = reading->into;
    if (!source_read(reading->source, 0, head, sizeof head) || le16(head + 8) < 0x402 ||
        le16(head + 8) > 0x410)
        return false;
    into->codec = MEDIA_CODEC_WAVPACK;
    into->audio_end = tail_tags_begin(reading, HEAD_BYTES);
    fingerprint_begin(reading->fingerprint, TEXT("wavpack blocks"));
    fingerprint_region(reading->fingerprint, reading->source, 0, into->audio_end);
    into->has_id = fingerprint_end(reading->fingerprint, into->audio_id);
    return true;
}

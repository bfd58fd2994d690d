// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "media/rendition.h"

/*
 * cmaf: writes the boxes of one audio track in fragments (ISO/IEC 14496-12, CMAF 23000-19; drawn in
 * docs/formats/manifest.md, "The boxes").
 *
 * Codec entries: AAC as mp4a with esds (14496-1, 14496-14), Opus as Opus with dOps ("Encapsulation
 * of Opus in ISOBMFF" 0.8.1), FLAC as fLaC with dfLa ("Encapsulation of FLAC in ISOBMFF" 0.0.4).
 * Everything is appended to `out`; its ceiling is the caller's to choose and to check.
 */
enum {
    CMAF_MAX_CONFIG = 64,
    CMAF_MAX_PACKET_BYTES = 256 * 1024,
    CMAF_MAX_PACKETS = 1024, /* of a segment */
    CMAF_SEGMENT_CEILING = 48 << 20,
    CMAF_INIT_CEILING = 4096,
};

struct cmaf_track {
    enum cmaf_codec codec;
    uint32_t rate; /* timescale */
    uint32_t channels, depth /* FLAC's */, kbps;
    uint32_t packet, priming; /* samples */
    /* AAC: AudioSpecificConfig; Opus: OpusHead of RFC 7845; FLAC: the 34 bytes of STREAMINFO */
    struct text config;
};

/* False, having added nothing of use, when `config` is not what the codec says. */
bool cmaf_write_init(const struct cmaf_track *track, struct buffer *out) MUST_USE;

struct cmaf_packet {
    uint32_t bytes, samples;
};
struct cmaf_segment {
    uint32_t sequence; /* of mfhd */
    uint64_t at;       /* decode time of its first sample */
    const struct cmaf_packet *packets;
    size_t count;            /* 1 to CMAF_MAX_PACKETS */
    uint32_t packet_samples; /* of all packets that do not differ */
};
/* styp, moof and the header of mdat: the packets' bytes follow, in order. */
void cmaf_write_segment_head(const struct cmaf_segment *segment, struct buffer *out);

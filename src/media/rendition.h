// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * rendition: a form in which a track may be had, and how it is cut into segments
 * (docs/formats/manifest.md, "Renditions").
 *
 * Pure arithmetic on samples.  Times of a rendition are counted in samples at its own rate.
 */
enum cmaf_codec { CMAF_AAC, CMAF_OPUS, CMAF_FLAC };

enum rendition {
#define RENDITION(id, word, codec, kbps, cost) RENDITION_##id,
#include "media/renditions.def"
#undef RENDITION
    RENDITION_COUNT
};

const char *rendition_word(enum rendition rendition); /* "aac-128" */
bool rendition_from(struct text word, enum rendition *ret) MUST_USE;
enum cmaf_codec rendition_codec(enum rendition rendition);
uint32_t rendition_kbps(enum rendition rendition);
uint32_t rendition_cost_per_byte(enum rendition rendition);
const char *rendition_codec_string(enum rendition rendition); /* RFC 6381: "mp4a.40.2" */

/* What is known of a source: 0 when unknown. */
struct rendition_source {
    uint32_t rate, channels;
    uint32_t depth;       /* bits; 0: lossy */
    uint64_t duration_ms; /* as its tags say */
};

/* Whether it is offered: FLAC of lossless sources only, of at most 24 bits and 8 channels. */
bool rendition_is_offered(enum rendition rendition, const struct rendition_source *source);
/* Of what the encoder makes from such a source. */
uint32_t rendition_rate(enum rendition rendition, uint32_t source_rate);
uint32_t rendition_channels(enum rendition rendition, uint32_t source_channels);

/* How a codec's stream is cut, at a rate. */
struct rendition_cut {
    uint32_t packet, priming, preroll; /* samples */
    uint32_t extension; /* of the priming: the sound mirrored in time before its beginning, so that
                           the encoder does not meet an edge where a song is cut */
    uint32_t first_packets, packets; /* of segment 0, and of those behind it */
};
struct rendition_cut rendition_cut(enum cmaf_codec codec, uint32_t rate);
/* How many segments `samples` (after the trims) and the priming need; 0 for none. */
uint64_t rendition_segments(const struct rendition_cut *cut, uint64_t samples);

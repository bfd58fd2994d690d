// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/abilities.h"
#include "base/buffer.h"
#include "media/rendition.h"
#include "media/transcode.h"

/*
 * decision: whether a client can play a song as it is, and else as what it would be sent
 * (OpenSubsonic's extension "transcoding").
 *
 * Pure: abilities and facts in, a decision out.  Of the client's targets the first that this server
 * makes, and that meets every required limit, is taken: over "http" a transcode as it is encoded,
 * over "hls" one of our renditions.  A limit that is not required is wished, not asked.
 */
struct decision_stream {
    struct text protocol, container, codec, profile; /* profile: empty when there is none to tell */
    uint32_t channels, bitrate, rate, depth; /* bitrate: bits per second; 0: unknown or none */
};

/* How a stream is to be made; its words are "http.mp3.192.2.44100" or "hls.aac-128". */
struct decision_recipe {
    bool is_hls;
    enum rendition rendition;               /* hls */
    struct media_transcode_request request; /* http; without its offset */
};

enum decision_reason {
#define REASON(id, word) DECISION_##id,
#include "api/decision.def"
#undef REASON
    DECISION_REASONS
};
const char *decision_reason_word(enum decision_reason reason);

struct decision {
    bool can_direct_play, can_transcode;
    bool reasons[DECISION_REASONS]; /* why it cannot be played as it is */
    struct decision_stream transcode;
    struct decision_recipe recipe;
};

/* What a file of this suffix is (catalog/rows.h, track_row.suffix); the other members stay. */
void decision_describe(struct text suffix, struct decision_stream *stream);
void decision_make(const struct abilities *abilities, const struct decision_stream *source,
                   struct decision *ret);

void decision_recipe_write(const struct decision_recipe *recipe, struct buffer *out);
bool decision_recipe_read(struct text words, struct decision_recipe *ret) MUST_USE;

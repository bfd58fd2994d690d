// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "base/text.h"

#include <jansson.h>

/*
 * abilities: what a client says it can play: the ClientInfo of OpenSubsonic's extension
 * "transcoding", version 1, read with limits.
 *
 * Texts borrow from the JSON, lists live in the arena.  An empty list of names means "any"; so does
 * "*" in it.  Bit rates are bits per second; 0 is "no limit said".
 */
enum { ABILITIES_MAX_BYTES = 64 * 1024, ABILITIES_MAX_ITEMS = 64, ABILITIES_MAX_NAME = 64 };

struct ability_names {
    size_t count;
    const struct text *items;
};
/* What can be played as it is. */
struct ability_direct {
    struct ability_names containers, codecs, protocols;
    uint32_t max_channels; /* 0: any */
};
/* What may be made for the client; the first that can be is. */
struct ability_target {
    struct text container, codec, protocol;
    uint32_t max_channels; /* 0: any */
};

enum ability_subject {
    ABILITY_CHANNELS,
    ABILITY_BITRATE,
    ABILITY_PROFILE,
    ABILITY_RATE,
    ABILITY_DEPTH,
    ABILITY_SUBJECTS
};
enum ability_comparison { ABILITY_EQUALS, ABILITY_NOT_EQUALS, ABILITY_AT_MOST, ABILITY_AT_LEAST };
struct ability_limit {
    enum ability_subject subject;
    enum ability_comparison comparison;
    struct ability_names values; /* AT_MOST, AT_LEAST: the first one, a number */
    bool is_required;
};
struct ability_codec {
    struct text codec;
    size_t limit_count;
    const struct ability_limit *limits;
};

struct abilities {
    uint64_t max_bitrate, max_transcoding_bitrate;
    size_t direct_count, target_count, codec_count;
    const struct ability_direct *direct;
    const struct ability_target *targets;
    const struct ability_codec *codecs;
};

/* False, with a sentence for people, for what is not a ClientInfo or breaks a limit.  A limitation
 * whose name or comparison we do not know is a newer client's, and left out: it speaks of something
 * that neither our sources nor what we make are described by. */
bool abilities_read(const json_t *object, struct arena *arena, struct abilities *ret,
                    char ret_why[160]) MUST_USE;

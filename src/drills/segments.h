// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * segments: what a track is cut into, as its manifest lists it (docs/formats/manifest.md): the
 * rendition that a drill's players hear, from its init.mp4 on, with sizes and digests.  Pure.
 *
 * The manifest's own signature is not looked at: it is read from the origin before anything breaks.
 */
enum { SEGMENTS_MAX = 4096, SEGMENT_SHA256_TEXT = 43, SEGMENT_NAME_BYTES = 64 };

struct segment {
    uint32_t bytes;
    char sha256[SEGMENT_SHA256_TEXT + 1]; /* base64url */
};
struct segments {
    char generation[17];
    uint32_t count; /* with init.mp4, the first; 0: none are known */
    uint64_t bytes; /* of all */
    struct segment *each;
};
enum segments_state {
    SEGMENTS_UNREADABLE, /* *ret is untouched */
    SEGMENTS_PLANNED,    /* the generation alone: whoever asks for one of them begins it */
    SEGMENTS_ENCODING,   /* as yet */
    SEGMENTS_COMPLETE,   /* all of them are in *ret */
};

/* `manifest`: the signed object, whole.  Replaces what is in *ret. */
enum segments_state segments_read(struct text manifest, struct segments *ret) MUST_USE;
void segments_release(struct segments *segments); /* accepts a zeroed one; leaves it so */
/* "/aac-128.9f2c11d07ae35b60/init.mp4": what follows the track in the name of one. */
void segments_name(const struct segments *segments, uint32_t at, char ret[SEGMENT_NAME_BYTES]);
/* Whether bytes of that digest are what the manifest means. */
bool segments_is(const struct segments *segments, uint32_t at, const uint8_t sha256[32]) MUST_USE;

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/package.h"

/*
 * manifest_read: a manifest that another node gave (docs/formats/manifest.md, version 1), to verify
 * segments by.
 *
 * The body of a signed object: who signed it was proven before (trust/signed.h).  Even so nothing
 * in it is believed that does not fit together: segments follow each other without a gap, lengths
 * and trims add up.  Members and renditions that we do not know are passed over.
 */
enum { MANIFEST_MAX_BYTES = 16 << 20, MANIFEST_TRACK_BYTES = 32, MANIFEST_WHY_BYTES = 160 };

enum manifest_state { MANIFEST_PLANNED, MANIFEST_ENCODING, MANIFEST_COMPLETE };

/* Counted in samples at `rate`. */
struct manifest_rendition {
    bool is_there;
    enum manifest_state state;
    uint64_t generation;
    uint32_t rate, channels;
    uint64_t bandwidth, average_bandwidth;
    uint64_t length, trim_end; /* 0 until the last segment is listed */
    uint32_t trim_start, preroll, first_duration, segment_duration;
    struct package_object init; /* bytes 0: not begun.  No object here has an offset. */
    uint32_t count;
    struct package_segment *segments;
};
struct manifest_body {
    char track[MANIFEST_TRACK_BYTES];
    bool is_provisional, is_exact;
    uint32_t source_rate, source_channels, source_depth;
    uint64_t source_length;
    struct manifest_rendition renditions[RENDITION_COUNT];
};

/* False, with words of why, and *ret untouched.  Release what was read. */
bool manifest_read(struct text body, struct manifest_body *ret,
                   char ret_why[MANIFEST_WHY_BYTES]) MUST_USE;
void manifest_body_release(struct manifest_body *body); /* accepts a zeroed one; leaves it so */

/* What is listed; NULL when it is not (yet). */
const struct package_object *manifest_find(const struct manifest_body *body,
                                           enum rendition rendition, enum segmenter_kind kind,
                                           uint32_t number);
/* Whether these are the bytes that the manifest means. */
bool package_object_is(const struct package_object *object, struct text bytes) MUST_USE;

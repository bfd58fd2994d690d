// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/packets.h"

#include <libavutil/frame.h>

/*
 * loudness: integrated loudness (ITU-R BS.1770, EBU R 128; libebur128) and sample peak of what is
 * decoded, while it passes by.
 */
struct loudness;

/* NULL when it cannot be measured (more channels or another rate than the library takes). */
struct loudness *loudness_new(int rate, int channels) MUST_USE;
void loudness_free(struct loudness **loudness); /* accepts NULL inside */
/* Frames of another rate or channel count are left out. */
void loudness_put(struct loudness *loudness, const AVFrame *frame);
/* False when there was nothing to measure: shorter than 400 ms, or silence. */
bool loudness_take(const struct loudness *loudness, int32_t *ret_mlufs,
                   uint32_t *ret_peak_ppm) MUST_USE;
/* How loud its blocks are, for the album's sake. */
const struct gating *loudness_blocks(const struct loudness *loudness);

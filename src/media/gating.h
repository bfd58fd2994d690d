// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * gating: the loudness of any number of tracks taken as one (ITU-R BS.1770-4, EBU R 128), from how
 * many of their blocks are how loud.
 *
 * A block is 400 ms, one begins every 100 ms.  Those at or under -70 LUFS do not count, nor do
 * those more than 10 LU under the mean of the rest: the gate.  An album's gate follows from all of
 * its blocks, so its tracks' own loudness is not enough to know; their histograms are.
 *
 * A bin is 0.2 LU wide and stands for its middle: so is the result, 0.1 LU off at worst.
 *
 *     encoded   u16 first bin  u16 number of bins  then a count for each, 7 bits a byte, the low
 *               ones first, the high bit: more follows.  First and last count are not 0.  Nothing
 * at all: no blocks.  Integers are little-endian.  Some 150 bytes for a song.
 */
enum {
    GATING_BINS = 400,
    GATING_MAX_COUNT = (1 << 28) - 1,
    GATING_MAX_BYTES = 4 + GATING_BINS * 4
};

struct gating {
    uint64_t counts[GATING_BINS]; /* zeroed: no blocks */
};

/* `count` blocks of this loudness.  Not a number is silence. */
void gating_put(struct gating *gating, double lufs, uint64_t count);
/* Puts what is encoded to what is there.  False, and nothing put, when it is not well formed. */
bool gating_add(struct gating *gating, struct text encoded) MUST_USE;
/* Integrated loudness in thousandths of LUFS.  False when nothing passes the gate. */
bool gating_loudness(const struct gating *gating, int32_t *ret_mlufs) MUST_USE;
void gating_encode(const struct gating *gating, struct buffer *out);

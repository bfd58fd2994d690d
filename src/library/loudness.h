// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/gating.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * loudness: how loud tracks are, as measured while they were encoded (ITU-R BS.1770), for songs
 * whose tags do not say.
 *
 * Kept by track id, which follows from the audio alone (docs/formats/assigned-ids.md): a retag or a
 * move keeps what was measured, and so does a rendition's eviction.  In memory and in library.db; a
 * database that is busy or full is tried again with the next measurement and at the end.  How loud
 * a track's blocks are is kept for its album's sake, for as many tracks as fit into
 * LOUDNESS_MAX_BLOCK_BYTES of memory (some 400,000); the database has all.
 *
 * From any thread; what waits for a disk says so.
 */
struct loudness_book;

enum {
    LOUDNESS_MAX_TRACKS = 1000000,
    LOUDNESS_MAX_BLOCK_BYTES = 64 << 20,
    LOUDNESS_WHY_BYTES = 256
};

/* `path` of library.db, whose schema is there.  BLOCKS.  0 or -errno, with a line for people. */
int loudness_open(const char *path, struct loudness_book **ret,
                  char ret_why[LOUDNESS_WHY_BYTES]) MUST_USE;
void loudness_close(struct loudness_book **book); /* BLOCKS; accepts NULL inside */

struct loudness {
    int32_t mlufs;     /* integrated, in thousandths of LUFS */
    uint32_t peak_ppm; /* of samples, in millionths of full scale */
};
/* BLOCKS.  A later measurement replaces an earlier one; in a full book new tracks are left out.
 * `blocks`: as gating_encode() made them; copied, may be empty. */
void loudness_note(struct loudness_book *book, const uint8_t track[16],
                   const struct loudness *loudness, struct text blocks);
/* False when it was never measured. */
bool loudness_find(struct loudness_book *book, const uint8_t track[16],
                   struct loudness *ret) MUST_USE;
/* Puts the track's blocks to those of others.  False when they are not known. */
bool loudness_add_blocks(struct loudness_book *book, const uint8_t track[16],
                         struct gating *sum) MUST_USE;

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/ear/tape.h"

/*
 * sound: bytes of a song to its samples, by libav: the ear's own decoder, not ours, so that what we
 * cut and box is judged by somebody else.  Stereo or mono, 16 bits.
 */

/* The whole of a file.  False when it is no such song, or longer than ten minutes. */
bool sound_of_file(const char *path, struct tape_source *ret) MUST_USE;
/* Of one media segment behind its initialisation segment (docs/formats/manifest.md), onto `out`. */
bool sound_of_segment(struct text init, struct text segment, struct buffer *out) MUST_USE;

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <stddef.h>

/*
 * extension: how a sound might go on behind its edge, so that an encoder does not meet a sudden
 * beginning or end where a song is cut (gapless albums): there it would spend its bits on the edge.
 *
 * Linear prediction of what is near (Burg's method, order 32: no kink at the edge), faded into the
 * sound mirrored in time (which keeps the encoder's rate control where the music is).
 */
enum { EXTENSION_ORDER = 32, EXTENSION_HISTORY = 1024, EXTENSION_FADE = 1024 };

/* One channel.  near[0] is the sample at the edge, near[near_step] the next one inwards, `count` of
 * them; out[0] lies just outside, out[out_step] further out, `wanted` of them. */
void extension_make(const float *near, ptrdiff_t near_step, size_t count, float *out,
                    ptrdiff_t out_step, size_t wanted);

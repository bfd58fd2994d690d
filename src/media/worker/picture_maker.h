// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/pool.h"

/*
 * picture_maker: an image of any size and origin made into a small one.
 *
 * JPEG, PNG, WebP, GIF and BMP and no others; at most MAKER_MAX_PIXELS, asked before anything is
 * decoded; turned upright, in sRGB, on white where it was transparent, never enlarged, without
 * metadata.  Runs in the worker alone; start once per process, before the sandbox closes.
 */
enum { MAKER_MAX_PIXELS = 64 * 1000 * 1000, MAKER_MAX_SIDE = 4096 };

void picture_maker_start(void);
/* On MEDIA_OK `out` has been appended to, up to its ceiling. */
enum media_outcome picture_make(struct text image, unsigned size_px, enum media_image_format format,
                                struct buffer *out) MUST_USE;

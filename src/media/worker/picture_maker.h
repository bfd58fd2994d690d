// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/pool.h"

/*
 * picture_maker: an image of any size and origin made into a small one (libvips).
 *
 * Loaders are JPEG, PNG, WebP and GIF and no others; at most MAKER_MAX_PIXELS; turned upright, in
 * sRGB, never enlarged, without metadata.  Runs in the worker alone; start once per process, before
 * the sandbox closes.
 */
enum { MAKER_MAX_PIXELS = 64 * 1000 * 1000, MAKER_MAX_SIDE = 4096 };

void picture_maker_start(void);
/* On MEDIA_OK *ret_bytes is to be freed with picture_maker_free(). */
enum media_outcome picture_make(struct text image, unsigned size_px, enum media_image_format format,
                                void **ret_bytes, size_t *ret_size) MUST_USE;
void picture_maker_free(void *bytes);

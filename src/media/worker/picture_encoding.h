// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/pool.h"

#include <libavutil/frame.h>

/*
 * picture_encoding: a picture (picture_pixels.h) to a WebP or JPEG file in memory (libavcodec).
 *
 * Appends to `out` up to its ceiling (MEDIA_TOO_LARGE).  Nothing but the pixels is in the file.
 */
enum media_outcome picture_encode(const AVFrame *picture, enum media_image_format format,
                                  struct buffer *out) MUST_USE;

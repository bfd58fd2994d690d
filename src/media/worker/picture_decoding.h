// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/pool.h"
#include "media/worker/picture_size.h"

#include <libavutil/frame.h>

/*
 * picture_decoding: an image file to pixels (libavcodec), with as few of them as will do.
 *
 * The decoder is chosen by what we saw (picture_size.h), never guessed.  A JPEG is decoded at 1/2,
 * 1/4 or 1/8 of its size where that still leaves twice what is wanted.  A cut file gives what there
 * is of it, the rest in grey.
 */

/*
 * On MEDIA_OK the caller owns *ret_frame (av_frame_free): pixels in any of libav's formats, with
 * their colour profile and orientation as side data and metadata.  `size.width` and `height` are
 * not 0.
 */
enum media_outcome picture_decode(struct text image, struct picture_size size, unsigned wanted_px,
                                  AVFrame **ret_frame) MUST_USE;

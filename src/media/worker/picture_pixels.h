// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>

#include <libavutil/frame.h>

/*
 * picture_pixels: what is done to pixels between decoding and encoding (libswscale, lcms).
 *
 * `frame` is what a decoder gave, in any of libav's formats; `picture` is in AV_PIX_FMT_RGB32,
 * whole words of 0xAARRGGBB, and opaque.  What makes a new one gives it to the caller
 * (av_frame_free), or NULL when there is no memory for it.
 */

/* Once per process, before the sandbox closes: what lcms opens late (the time zone) it opens now.
 */
void pixels_start(void);

/* The same in another size and format. */
AVFrame *pixels_scale(const AVFrame *frame, int width, int height,
                      enum AVPixelFormat format) MUST_USE;

/* A picture of that size: on white where the frame is transparent. */
AVFrame *pixels_shrink(const AVFrame *frame, int width, int height) MUST_USE;

/*
 * From the colour profile of the frame that it was made of to sRGB.  Without a profile, or with one
 * that makes no sense for RGB (of CMYK, damaged), it is sRGB already.
 */
void pixels_convert_colours(AVFrame *picture, const AVFrame *frame);

/* EXIF 2.32 4.6.4 A, 1 to 8: 1 is upright, 5 to 8 lie on their side. */
int pixels_orientation(const AVFrame *frame);
/* Upright from that orientation. */
AVFrame *pixels_turn(const AVFrame *picture, int orientation) MUST_USE;

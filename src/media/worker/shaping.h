// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"

#include <libavcodec/avcodec.h>
#include <stdbool.h>

/*
 * shaping: frames of any format, rate and layout to frames as an encoder wants them: its format,
 * rate, layout and size (libswresample).  What has the encoder's rate, layout and number format
 * passes bit for bit.
 */
struct shaping;
/* Takes one frame of the encoder's shape, with pts in samples from 0; false ends everything. */
typedef bool shaping_on_frame(void *context, AVFrame *frame);

/* `codec` is borrowed and open.  NULL when it cannot be. */
struct shaping *shaping_new(AVCodecContext *codec, shaping_on_frame *on_frame,
                            void *context) MUST_USE;
void shaping_free(struct shaping **shaping); /* accepts NULL inside */
bool shaping_put(struct shaping *shaping, const AVFrame *frame) MUST_USE;
bool shaping_finish(struct shaping *shaping) MUST_USE;  /* the rest, in a shorter last frame */
int64_t shaping_samples(const struct shaping *shaping); /* of the source, at the encoder's rate */
/* Lets the sound go on (extension.h) for so many samples before its beginning and behind its end.
 * For encoders that take floats; before the first frame. */
void shaping_extend(struct shaping *shaping, int samples);

/* What the encoder takes. */
int shaping_choose_rate(const AVCodec *codec, int wanted); /* nearest, rather above */
enum AVSampleFormat shaping_choose_format(const AVCodec *codec, int depth /* 0: lossy */);

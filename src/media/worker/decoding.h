// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/info.h"

#include <libavutil/frame.h>

/*
 * decoding: a sound file to frames of samples, from a given moment on (libav).
 *
 * The demuxer is chosen by what we saw in the file (container.h), never guessed by libav; there are
 * no protocols, and formats and codecs are white lists: a playlist or a reference to another file
 * is damage, not a request. Padding that encoders add is cut off as the file says (LAME, Opus
 * pre-skip, edit lists).
 */
struct decoding;

/* NULL when the file cannot be decoded.  `read` is exact below `size`. */
struct decoding *decoding_open(media_read *read, void *context, uint64_t size,
                               enum media_codec codec) MUST_USE;
void decoding_close(struct decoding **decoding);

int decoding_rate(const struct decoding *decoding);
int decoding_channels(const struct decoding *decoding);
int decoding_depth(const struct decoding *decoding); /* bits of a lossless source; 0 when lossy */

/* Goes to the sample at `offset_ms`: the next frame begins with it.  Before the first
 * decoding_next(). */
void decoding_seek(struct decoding *decoding, uint32_t offset_ms);
/* 1 and a frame (the decoder's until the next call), 0 at the end, -1 when nothing more can be
 * decoded. */
int decoding_next(struct decoding *decoding, const AVFrame **ret_frame) MUST_USE;

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/transcode.h"

#include <libavutil/frame.h>

/*
 * encoding: frames of samples to a stream that plays as it arrives (libav, libswresample).
 *
 * Containers are those that need no seeking back: bare MP3 frames, Ogg with short pages, ADTS,
 * FLAC, MP4 in fragments. What is written goes to `write` at once; when that fails all further
 * calls fail.
 */
struct encoding;
typedef bool encoding_write(void *context, const void *bytes, size_t size);

struct encoding_source {
    int rate, channels, depth; /* of the samples to come; depth 0 when they were lossy */
};

/* NULL when the encoder does not take it. */
struct encoding *encoding_open(const struct media_transcode_request *request,
                               const struct encoding_source *source, encoding_write *write,
                               void *context) MUST_USE;
void encoding_close(struct encoding **encoding);
bool encoding_put(struct encoding *encoding, const AVFrame *frame) MUST_USE;
bool encoding_finish(struct encoding *encoding) MUST_USE;

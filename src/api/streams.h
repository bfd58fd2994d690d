// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/call.h"
#include "media/rendition.h"
#include "media/transcode.h"

/*
 * streams: what a song can be sent as besides itself, for the endpoints of /rest that send it.
 */

/* As it is encoded, once its first bytes are there (stream.c). */
enum call_end stream_transcode(struct call *call, const struct track_row *row,
                               const struct media_transcode_request *request) MUST_USE;
/* A playlist of that one rendition, to be played from `offset_ms` on (hls.c). */
enum call_end stream_hls(struct call *call, const struct track_row *row, enum rendition rendition,
                         uint32_t offset_ms) MUST_USE;

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/pool.h"

/*
 * transcode: a sound file decoded and encoded anew into a pipe, as it is read: its own sandboxed
 * process, at most `max_transcodes` at once.
 *
 * The reader sets the pace: a full pipe makes the process wait; a closed one makes it leave.  Never
 * waits itself, so it may be called on a loop: give `ret_pipe` to exchange_send_pipe() and end the
 * transcode in its on_end.
 */
#define MEDIA_FORMATS(X)                         \
    X(MP3, "mp3", "audio/mpeg", 192)             \
    X(OPUS, "opus", "audio/ogg", 128)            \
    X(AAC, "aac", "audio/aac", 160) /* ADTS */   \
    X(FLAC, "flac", "audio/flac", 0)             \
    X(OGG, "ogg", "audio/ogg", 160) /* Vorbis */ \
    X(M4A, "m4a", "audio/mp4", 160) /* AAC in fragments */
enum media_format {
#define X(id, word, type, kbps) MEDIA_FORMAT_##id,
    MEDIA_FORMATS(X)
#undef X
};
bool media_format_from(struct text word, enum media_format *ret_format)
    MUST_USE; /* "mp3", any case; "oga" is OGG, "mp4" M4A */
const char *media_format_word(enum media_format format); /* also its suffix */
const char *media_format_content_type(enum media_format format);
uint32_t media_format_kbps(enum media_format format); /* unless another is asked for; 0: lossless */
/* What its encoder makes of a wish: the next rate that it has, and a bit rate that it can keep. */
uint32_t media_format_rate(enum media_format format, uint32_t wanted);
uint32_t media_format_fit_kbps(enum media_format format, uint32_t kbps, uint32_t channels,
                               uint32_t rate);

struct media_transcode_request {
    enum media_format format;
    uint32_t
        bitrate_kbps;   /* 0: the format's default; clamped to what the encoder takes (8 to 510) */
    uint32_t offset_ms; /* begins there, to the sample; past the end gives an empty stream */
    uint32_t channels;  /* 0: as the source, at most 2; else 1 or 2 */
    uint32_t sample_rate; /* 0: as the source, or the nearest that the format has */
};

struct media_transcode;
/*
 * Starts one.  `fd` stays the caller's.  On MEDIA_OK the caller owns *ret_pipe (read end,
 * non-blocking, CLOEXEC) and *ret_transcode.  MEDIA_BUSY: too many already.
 */
enum media_outcome media_transcode_start(struct media_pool *pool, int fd,
                                         const struct media_transcode_request *request,
                                         int *ret_pipe,
                                         struct media_transcode **ret_transcode) MUST_USE;
/* When the pipe has ended: whether the process had written all.  From any thread, but not while
 * another ends it. */
enum media_outcome media_transcode_outcome(struct media_transcode *transcode);
/* Ends it if it still runs, frees the handle, leaves NULL; accepts NULL inside.  MEDIA_OK when it
 * had written all. */
enum media_outcome media_transcode_end(struct media_transcode **transcode);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/info.h"

/*
 * lrc: lyrics with times, as in .lrc files, sidecar or embedded.  Pure.
 *
 *   [ar:Artist] [offset:+250]            tags; the offset in ms makes lines come sooner when
 * positive [00:12.34][01:15.00]A line           one text at several times; mm:ss, mm:ss.x, .xx,
 * .xxx, also mm:ss:xx, hh:mm:ss.xx [00:12.34]<00:12.34>A <00:12.80>line enhanced LRC: word times
 * are dropped
 *
 * Bad lines are skipped; a source with no timed line gives is_synced false and its lines as they
 * are. Accepts a byte order mark (UTF-8, UTF-16), CRLF, LF, CR; other bytes that are not UTF-8 are
 * read as Windows-1252.
 */
enum { LRC_MAX_BYTES = 256 * 1024, LRC_MAX_LINES = 4000 };

/*
 * Texts and lines live in `arena`.  False when it holds no words at all, is over a limit, or the
 * arena is full; then *ret_lyrics is untouched.
 */
bool lrc_parse(struct text source, struct arena *arena, struct media_lyrics *ret_lyrics) MUST_USE;

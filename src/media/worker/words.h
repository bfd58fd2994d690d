// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * words: people's text as it stands in old files, made into clean UTF-8.  Pure.
 */

/*
 * Bytes that claim to be Latin-1 (ID3v1, ID3v2 encoding 0, RIFF INFO) but come from any system of
 * the 1990s.  Valid UTF-8 with something beyond ASCII in it is taken as that; Cyrillic in
 * Windows-1251 when most letters are above 0xBF and three stand in a row (no Western language
 * writes that); else Windows-1252, which holds Latin-1.
 */
void words_from_bytes(struct text bytes, struct buffer *out);

/*
 * Appends `t` with invalid UTF-8 as U+FFFD, CR LF and CR as LF, other control characters dropped,
 * white space at both ends trimmed, cut before `limit` bytes at a character's edge.  `keep_lines`:
 * LF and TAB stay, else they become spaces.  True when something was cut.
 */
bool words_clean(struct text t, bool keep_lines, size_t limit, struct buffer *out);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "base/buffer.h"
#include "library/library.h"

/*
 * lyrics_object: a track's lyrics as an object for other nodes, /m/{track}/lyrics, signed
 * (docs/formats/lyrics.md).
 */
struct api;
struct exchange;

enum { LYRICS_MAX_BYTES = 4 << 20, LYRICS_TEXTS_MAX = 64, LYRICS_LINES_MAX = 100000 };

/* Takes requests for it, on the connection's loop; false: it is another name.  FINISHES. */
bool lyrics_object_handle(struct api *api, struct exchange *exchange);

/* The body, pure. */
void lyrics_object_write(struct text track, const struct library_lyrics *lyrics, size_t count,
                         struct buffer *out);
/* Into the arena, whose texts borrow from `body`.  False: not such a body, or past a bound. */
bool lyrics_object_read(struct text body, struct arena *arena,
                        const struct library_lyrics **ret_lyrics, size_t *ret_count) MUST_USE;

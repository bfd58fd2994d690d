// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * pieces: the digests of an original or a picture, piece by piece, as the body of a signed object
 * named NAME/pieces (docs/formats/pieces.md).
 *
 * By it bytes that anybody gave can be told, a piece after the other, before they are passed on:
 * who reads a large file needs no room for more than a piece.  Pure.
 */
enum {
    PIECES_BYTES = 256 << 10, /* of each piece as we write them; the last may be shorter */
    PIECES_LEAST_BYTES = 4 << 10,
    PIECES_MOST_BYTES = 1 << 20, /* of one, read */
    PIECES_MAX_COUNT = 1 << 16,
    PIECES_SHA256_BYTES = 32,
};
#define PIECES_SUFFIX "/pieces"

struct pieces {
    uint64_t bytes; /* of all; not 0 */
    uint32_t piece_bytes;
    size_t count;
    uint8_t (*sha256)[PIECES_SHA256_BYTES];
};

/* Of `bytes` bytes, digests zero; false: too many pieces, or none. */
bool pieces_init(struct pieces *pieces, uint64_t bytes) MUST_USE;
void pieces_release(struct pieces *pieces); /* a zeroed one too; leaves it so */
size_t pieces_size(const struct pieces *pieces, size_t i);

void pieces_write(const struct pieces *pieces, struct text name, struct buffer *out);
/* False: not such a body, of something else than `name`, or past a bound; *ret untouched. */
bool pieces_read(struct text body, struct text name, struct pieces *ret) MUST_USE;

/* Whether these are piece `i`'s bytes, all of them. */
bool pieces_are(const struct pieces *pieces, size_t i, struct text bytes) MUST_USE;
void pieces_digest(struct text bytes, uint8_t ret_sha256[PIECES_SHA256_BYTES]);

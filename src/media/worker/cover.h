// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/worker/source.h"

/*
 * cover: where the best picture of a file lies, and its bytes.
 *
 * A container's reader offers every picture that it passes (cover_offer); the front cover (type 3)
 * wins, else the first.  Ogg scatters a picture over pages, in base64; ID3 may have stuffed zeros
 * into it: reading undoes both.
 */
enum { COVER_MAX_STRETCHES = 800, COVER_MAX_BYTES = 48 * 1024 * 1024, COVER_FRONT = 3 };

struct cover_stretch {
    uint64_t offset, size; /* in the file */
};

enum cover_coding { COVER_RAW, COVER_BASE64, COVER_UNSYNCHRONISED };

struct cover {
    uint64_t size; /* of the picture itself; 0: none.  Of a stuffed one at most this */
    uint64_t skip; /* bytes before it once decoded (FLAC picture header inside base64) */
    uint8_t type;  /* ID3v2 4.14 */
    enum cover_coding coding;
    size_t stretch_count;
    struct cover_stretch stretches[COVER_MAX_STRETCHES];
};

/* Takes the offered one when it is better than what *best holds, and makes its inside a hole. */
void cover_offer(struct cover *best, struct source *source, const struct cover *offered);

/* Bytes of the picture, as a media_read: context is a struct cover_reading. */
struct cover_reading {
    const struct cover *cover;
    struct source *source;
};
bool cover_read(void *reading, uint64_t offset, void *into, size_t size);
/* Bytes as they lie in the file, coding not undone. */
bool cover_read_stored(const struct cover *cover, struct source *source, uint64_t offset,
                       void *into, size_t size) MUST_USE;
/* Makes *ret the stretches of `size` stored bytes from `offset` of `whole`. */
void cover_slice(const struct cover *whole, uint64_t offset, uint64_t size, struct cover *ret);
/* Digest, size and MIME type (by its first bytes). */
void cover_describe(const struct cover *cover, struct source *source,
                    struct media_picture *ret_picture);
/* The whole picture as it was before it was embedded, at most `out`'s ceiling. */
bool cover_extract(const struct cover *cover, struct source *source, struct buffer *out) MUST_USE;
/* Static; empty when the bytes begin like no image. */
struct text cover_mime(struct text head);

/*
 * The header of a FLAC picture block (RFC 9639 8.8) at `logical` of what `offered`'s stretches and
 * coding give: fills type, skip and size.  False when it makes no sense within `limit` bytes.
 */
bool cover_parse_flac(struct cover *offered, struct source *source, uint64_t logical,
                      uint64_t limit) MUST_USE;

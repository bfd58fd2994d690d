// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "base/text.h"

/*
 * catalog/id: what people, apps and nodes call a track, an album, an artist, a folder and a
 * picture.
 *
 * An id is 16 bytes, compared by byte (docs/formats/ids.md says where they come from).  Its text is
 * a prefix for its kind and 22 digits of base64url without padding (RFC 4648 5):
 * "tr-AAAAAAAAAAAAAAAAAAAAAA".  A picture's id is the first 16 bytes of the SHA-256 of its bytes
 * ("art-…").  Sixteen zero bytes mean "none". Freestanding.
 */
enum catalog_kind {
    CATALOG_TRACK,   /* "tr-" */
    CATALOG_ALBUM,   /* "al-" */
    CATALOG_ARTIST,  /* "ar-" */
    CATALOG_FOLDER,  /* "fo-" */
    CATALOG_ARTWORK, /* "art-" */
    CATALOG_KINDS,
};

struct catalog_id {
    uint8_t bytes[16];
};

struct catalog_id_text {
    char digits[28]; /* prefix, 22 digits, NUL */
};

/* Into the caller's storage; NUL-terminated there too. */
struct text catalog_id_print(struct catalog_id_text *storage, enum catalog_kind kind,
                             const struct catalog_id *id);

/* Strict: known prefix, exactly 22 digits, spare bits zero.  False leaves both results untouched.
 */
bool catalog_id_parse(struct text t, enum catalog_kind *ret_kind,
                      struct catalog_id *ret_id) MUST_USE;

bool catalog_id_equal(const struct catalog_id *a, const struct catalog_id *b);
int catalog_id_compare(const struct catalog_id *a,
                       const struct catalog_id *b); /* <0, 0, >0 by byte */
bool catalog_id_is_none(const struct catalog_id *id);

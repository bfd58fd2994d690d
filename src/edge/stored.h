// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/caching.h"

/*
 * stored: a response's header as the store keeps it beside the body (struct cache_meta), and the
 * keys under which it lies.
 *
 *     offset  bytes
 *     0       1      version, 1
 *     1       1      kind: enum stored_kind
 *     2       2      status
 *     4       4      flags of the freshness
 *     8       5 × 8  the freshness' times, ms
 *     48      8      of a sliced one: bytes of the whole
 *     56      2      number of fields
 *     58      …      each: u16 size and bytes of the name, u16 size and bytes of the value
 *
 * An interim answer (1xx) has this form on its way between loops only.  Little-endian.  Fields
 * stand as they are sent again; what depends on when they came is in the freshness, so that a hit
 * reads no field of them.   A *list* (kind) is what lies under a URL whose responses vary: its
 * fields are the sets of names that Vary held, newest first, as values of "vary"; then, as values
 * of "language", languages of what varies by that alone: a tag, and what follows the URL in its
 * key.  A *sliced* response lies there without its body, which lies in slices under keys of their
 * own (edge/slice.h).
 */
enum stored_kind { STORED_RESPONSE, STORED_LIST, STORED_INTERIM, STORED_SLICED };
enum { STORED_FIELDS_MAX = 96, STORED_SETS_MAX = 4, STORED_LANGUAGES_MAX = 4 };

struct stored {
    enum stored_kind kind;
    unsigned status;
    struct caching_freshness freshness;
    uint64_t sliced_bytes;        /* of STORED_SLICED: the whole; else 0 */
    struct caching_fields fields; /* borrowed from the bytes; the array from the arena */
};

/* False past the buffer's ceiling, or with too many fields. */
bool stored_write(const struct stored *stored, struct buffer *out) MUST_USE;
/* False for bytes that stored_write() did not make. */
bool stored_read(struct text bytes, struct arena *arena, struct stored *ret) MUST_USE;

/* --- keys: of a URL, and of the response among its variants --- */
void stored_key(struct text host, struct text target, struct buffer *out);
/* Appends to a URL's key; `names` as caching_vary_names() writes them. */
void stored_variant(struct text names, struct caching_fields request, struct buffer *out);

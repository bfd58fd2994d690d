// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/bytes.h"
#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * text: a borrowed run of bytes, usually UTF-8, passed by value.
 *
 * Never owns; not NUL-terminated.  The empty text may have NULL data.  Comparison is by byte; the
 * `nocase` forms fold ASCII only (protocol words); people's words are folded by catalog/fold.
 */
struct text {
    const char *data;
    size_t size;
};

#define TEXT(literal) ((struct text){"" literal "", sizeof(literal) - 1})
/* The same inside the initialiser of a static table. */
#define TEXT_INIT(literal)                 \
    {                                      \
        "" literal "", sizeof(literal) - 1 \
    }
#define TEXT_NONE ((struct text){NULL, 0})
/* printf("%.*s", TEXT_ARGS(t)) */
#define TEXT_ARGS(t) (int)((t).size), ((t).data ? (t).data : "")

static inline struct text text_of(const char *string); /* NULL gives the empty text */
static inline struct text text_make(const char *data, size_t size)
{
    return (struct text){data, size};
}

static inline bool text_equal(struct text a, struct text b);
static inline bool text_equal_nocase(struct text a, struct text b);
int text_compare(struct text a, struct text b); /* by byte, shorter first: <0, 0, >0 */
static inline bool text_starts(struct text whole, struct text prefix);
bool text_starts_nocase(struct text whole, struct text prefix);
bool text_ends(struct text whole, struct text suffix);
bool text_ends_nocase(struct text whole, struct text suffix);
bool text_contains(struct text whole, struct text part);
/* Offset of the first `byte` or `part`, or SIZE_MAX; an empty part is found at 0. */
size_t text_find_byte(struct text whole, char byte);
size_t text_find(struct text whole, struct text part);
/* An offset beyond the end gives the empty text. */
static inline struct text text_from(struct text whole, size_t offset);
struct text text_trim(struct text whole); /* SP, HTAB, CR, LF at both ends */

/*
 * Takes the part before the next `separator` off the front of *rest.  Returns false when *rest has
 * data NULL (nothing left); an empty last part is returned as a part.
 */
bool text_split(struct text *rest, char separator, struct text *ret_part);

/* Whole text must be decimal digits (with one '-' for i64), no sign, no space; else false. */
bool text_to_u64(struct text digits, uint64_t *ret) MUST_USE;
bool text_to_i64(struct text digits, int64_t *ret) MUST_USE;
bool text_to_double(struct text digits, double *ret) MUST_USE; /* no locale, at most 63 bytes */

/* True when every byte sequence is shortest-form UTF-8 without surrogates (RFC 3629). */
bool text_is_utf8(struct text t);

char *text_dup(struct text t) MUST_USE; /* NUL-terminated copy on the heap */

/* --- what is inlined: comparing names is most of reading a header.  Built-ins, since the player's
 * WebAssembly has no string.h. --- */

static inline struct text text_of(const char *string)
{
    return (struct text){string, string ? __builtin_strlen(string) : 0};
}

static inline bool text_starts(struct text whole, struct text prefix)
{
    return whole.size >= prefix.size && bytes_same(whole.data, prefix.data, prefix.size);
}

static inline bool text_equal(struct text a, struct text b)
{
    return a.size == b.size && text_starts(a, b);
}

static inline bool text_equal_nocase(struct text a, struct text b)
{
    return a.size == b.size && text_starts_nocase(a, b);
}

static inline struct text text_from(struct text whole, size_t offset)
{
    if (offset >= whole.size)
        return (struct text){whole.data ? whole.data + whole.size : NULL, 0};
    return (struct text){whole.data + offset, whole.size - offset};
}

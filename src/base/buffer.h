// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "base/text.h"
#include <string.h>

/*
 * buffer: a growing run of bytes with a ceiling given at birth.
 *
 * An append past the ceiling adds nothing and sets `overflowed`, which stays until buffer_reset():
 * write a whole answer, then check once.  `data` is NULL until the first append; never
 * NUL-terminated. Integers are little-endian, as in all our formats.
 */
struct buffer {
    char *data;
    size_t size, capacity, ceiling;
    bool overflowed;
};

void buffer_init(struct buffer *buffer, size_t ceiling_bytes);
void buffer_release(struct buffer *buffer);
void buffer_reset(struct buffer *buffer); /* empties, keeps the memory */

/* Room for `size` more bytes at the end, not yet counted in `size`; NULL past the ceiling. */
static inline char *buffer_reserve(struct buffer *buffer, size_t size) MUST_USE;
static inline void buffer_append(struct buffer *buffer, const void *data, size_t size);
static inline void buffer_text(struct buffer *buffer, struct text t);
void buffer_printf(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
void buffer_decimal(struct buffer *buffer, uint64_t value); /* its digits */
void buffer_byte(struct buffer *buffer, uint8_t value);
void buffer_u16(struct buffer *buffer, uint16_t value);
void buffer_u32(struct buffer *buffer, uint32_t value);
void buffer_u64(struct buffer *buffer, uint64_t value);
/* Removes `size` bytes from the front. */
void buffer_consume(struct buffer *buffer, size_t size);

/* --- what is inlined: answers are made of many small appends --- */

char *buffer_grow(struct buffer *buffer, size_t size) MUST_USE; /* buffer_reserve() without room */

static inline char *buffer_reserve(struct buffer *buffer, size_t size)
{
    if (LIKELY(!buffer->overflowed && size <= buffer->capacity - buffer->size && buffer->data))
        return buffer->data + buffer->size;
    return buffer_grow(buffer, size);
}

static inline void buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    char *at = size ? buffer_reserve(buffer, size) : NULL;
    if (!at)
        return;
    bytes_copy(at, data, size);
    buffer->size += size;
}

static inline void buffer_text(struct buffer *buffer, struct text t)
{
    buffer_append(buffer, t.data, t.size);
}

static inline struct text buffer_view(const struct buffer *buffer)
{
    return (struct text){buffer->data, buffer->size};
}

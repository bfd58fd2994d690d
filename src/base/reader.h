// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * reader: takes little-endian integers and runs of bytes off a borrowed buffer, never past its end.
 *
 * The first read past the end sets `failed`, after which every read gives zero or the empty text:
 * decode a whole record, then check once.
 */
struct reader {
    const uint8_t *at;
    size_t left;
    bool failed;
};

static inline struct reader reader_of(struct text bytes)
{
    return (struct reader){(const uint8_t *)bytes.data, bytes.size, false};
}

static inline struct text reader_bytes(struct reader *reader, size_t size)
{
    if (reader->failed || size > reader->left) {
        reader->failed = true;
        return TEXT_NONE;
    }
    struct text taken = {(const char *)reader->at, size};
    if (size > 0) { /* nothing may lie at NULL */
        PROMISED(reader->at);
        reader->at += size;
    }
    reader->left -= size;
    return taken;
}

/* The next `size` bytes, or as many zeros when they are not there. */
static inline void reader_copy(struct reader *reader, void *to, size_t size)
{
    struct text taken = reader_bytes(reader, size);
    if (taken.size == size)
        bytes_copy(to, taken.data, size);
    else
        __builtin_memset(to, 0, size);
}

static inline uint64_t reader_le(struct reader *reader, size_t size)
{
    struct text bytes = reader_bytes(reader, size);
    uint64_t value = 0;
    for (size_t i = bytes.size; i-- > 0;)
        value = value << 8 | (uint8_t)bytes.data[i];
    return value;
}

static inline uint8_t reader_u8(struct reader *reader) { return (uint8_t)reader_le(reader, 1); }
static inline uint16_t reader_u16(struct reader *reader) { return (uint16_t)reader_le(reader, 2); }
static inline uint32_t reader_u32(struct reader *reader) { return (uint32_t)reader_le(reader, 4); }
static inline uint64_t reader_u64(struct reader *reader) { return reader_le(reader, 8); }

// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/buffer.h"

#include "base/digits.h"
#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>

void buffer_init(struct buffer *buffer, size_t ceiling_bytes)
{
    *buffer = (struct buffer){.ceiling = ceiling_bytes};
}

void buffer_release(struct buffer *buffer)
{
    mem_free(buffer->data);
    *buffer = (struct buffer){.ceiling = buffer->ceiling};
}

void buffer_reset(struct buffer *buffer)
{
    buffer->size = 0;
    buffer->overflowed = false;
}

char *buffer_grow(struct buffer *buffer, size_t size)
{
    if (buffer->overflowed || size > buffer->ceiling || buffer->size > buffer->ceiling - size) {
        buffer->overflowed = true;
        return NULL;
    }
    size_t needed = buffer->size + size;
    if (needed > buffer->capacity) {
        size_t grown = buffer->capacity + buffer->capacity / 2 + 256;
        grown = grown < needed ? needed : grown;
        grown = grown > buffer->ceiling ? buffer->ceiling : grown;
        buffer->data = mem_realloc(buffer->data, grown);
        buffer->capacity = grown;
    }
    return buffer->data + buffer->size;
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    size_t room = buffer->overflowed ? 0 : buffer->capacity - buffer->size;
    int size = vsnprintf(room ? buffer->data + buffer->size : NULL, room, format, args);
    va_end(args);
    if (size >= 0 && (size_t)size < room) { /* the usual case: it fitted at once */
        buffer->size += (size_t)size;
    } else {
        char *at = size < 0 ? NULL : buffer_reserve(buffer, (size_t)size + 1);
        if (at) {
            vsnprintf(at, (size_t)size + 1, format, again);
            buffer->size += (size_t)size;
        }
    }
    va_end(again);
}

void buffer_decimal(struct buffer *buffer, uint64_t value)
{
    char digits[DIGITS_DECIMAL_MAX];
    size_t size = (size_t)(digits_decimal(digits, value) - digits);
    buffer_append(buffer, digits, size);
}

void buffer_byte(struct buffer *buffer, uint8_t value) { buffer_append(buffer, &value, 1); }

static void append_le(struct buffer *buffer, uint64_t value, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    buffer_append(buffer, bytes, size);
}

void buffer_u16(struct buffer *buffer, uint16_t value) { append_le(buffer, value, 2); }
void buffer_u32(struct buffer *buffer, uint32_t value) { append_le(buffer, value, 4); }
void buffer_u64(struct buffer *buffer, uint64_t value) { append_le(buffer, value, 8); }

void buffer_consume(struct buffer *buffer, size_t size)
{
    assert(size <= buffer->size);
    buffer->size -= size;
    if (buffer->size)
        memmove(buffer->data, buffer->data + size, buffer->size);
}

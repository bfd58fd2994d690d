// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * catalog/utf8: one code point at a time (RFC 3629), for any bytes: a byte that begins no shortest
 * form is UTF8_BAD.
 */
enum { UTF8_BAD = 0xfffd };

/* Decodes at *at, which must be below t.size, and moves *at behind it. */
static inline uint32_t utf8_next(struct text t, size_t *at)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)t.data + *at;
    size_t left = t.size - *at;
    unsigned lead = bytes[0], size = lead < 0x80   ? 1
                                     : lead < 0xc2 ? 0
                                     : lead < 0xe0 ? 2
                                     : lead < 0xf0 ? 3
                                     : lead < 0xf5 ? 4
                                                   : 0;
    *at += 1;
    if (size == 1)
        return lead;
    if (size == 0 || size > left)
        return UTF8_BAD;
    uint32_t point = lead & (0x7fU >> size);
    for (unsigned i = 1; i < size; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return UTF8_BAD;
        point = point << 6 | (bytes[i] & 0x3fU);
    }
    if (point < least[size] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return UTF8_BAD;
    *at += size - 1;
    return point;
}

/* Writes 1 to 4 bytes; returns how many. */
static inline unsigned utf8_put(uint32_t point, char out[4])
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    unsigned size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (unsigned i = size - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)((0xf00U >> size & 0xf0) | point);
    return size;
}

static inline size_t utf8_count(struct text t)
{
    size_t count = 0;
    for (size_t at = 0; at < t.size; count++)
        utf8_next(t, &at);
    return count;
}

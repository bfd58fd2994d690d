// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include <string.h>

/*
 * octets: is any byte of a text one of those?  Asked of sixteen at a time.
 *
 * For protocol text that is checked in whole before it is believed: targets, field values, escapes.
 * A test is a function of sixteen bytes that gives 0xff for each that is meant and 0 for the
 * others; a comparison of vectors is just that.  What is shorter fills a vector several times over.
 *
 *     static octets is_control(octets bytes) { return (octets)(bytes < 0x20); }
 *     if (octets_any(value, is_control)) ...
 */
typedef uint8_t octets __attribute__((vector_size(16)));
typedef octets octets_test(octets bytes);

enum { OCTETS_BYTES = sizeof(octets) };

static inline ALWAYS_INLINE octets octets_at(const char *at)
{
    octets bytes;
    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

/* One to fifteen bytes, some of them several times. */
static inline ALWAYS_INLINE octets octets_few(struct text t)
{
    uint64_t halves[2];
    uint32_t low, high;
    octets bytes;
    if (t.size >= sizeof halves[0]) {
        memcpy(&halves[0], t.data, sizeof halves[0]);
        memcpy(&halves[1], t.data + t.size - sizeof halves[1], sizeof halves[1]);
    } else if (t.size >= sizeof low) {
        memcpy(&low, t.data, sizeof low);
        memcpy(&high, t.data + t.size - sizeof high, sizeof high);
        halves[0] = halves[1] = (uint64_t)high << 32 | low;
    } else {
        const uint8_t *at = (const uint8_t *)t.data;
        low = at[0] | (uint32_t)at[t.size / 2] << 8 | (uint32_t)at[t.size - 1] << 16 |
              (uint32_t)at[0] << 24;
        halves[0] = halves[1] = (uint64_t)low << 32 | low;
    }
    memcpy(&bytes, halves, sizeof bytes);
    return bytes;
}

/* Vectors take no part in !, && and ||: use ~, & and |. */
static inline ALWAYS_INLINE bool octets_any(struct text t, octets_test *test)
{
    octets found = {0};
    size_t whole = t.size - t.size % OCTETS_BYTES;
    for (size_t i = 0; i < whole; i += OCTETS_BYTES)
        found |= test(octets_at(t.data + i));
    if (whole == 0 && t.size > 0)
        found |= test(octets_few(t));
    else if (whole < t.size)
        found |= test(octets_at(t.data + t.size - OCTETS_BYTES)); /* some a second time */
    uint64_t halves[2];
    memcpy(halves, &found, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include <string.h>

/*
 * octets: is any byte of a text one of those?  Asked of sixteen at a time.
 *
 * For protocol text that is checked in whole before it is believed: targets, field values, escapes.
 * A test is a function of sixteen bytes that gives 0xff for each that is meant and 0 for the
 * others; a comparison of vectors is just that.  `filler`, which is not meant, fills what is
 * shorter.
 *
 *     static octets is_control(octets bytes) { return (octets)(bytes < 0x20); }
 *     if (octets_any(value, is_control, ' ')) ...
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

/* Vectors take no part in !, && and ||: use ~, & and |. */
static inline ALWAYS_INLINE bool octets_any(struct text t, octets_test *test, char filler)
{
    octets found = {0};
    size_t whole = t.size - t.size % OCTETS_BYTES;
    for (size_t i = 0; i < whole; i += OCTETS_BYTES)
        found |= test(octets_at(t.data + i));
    if (whole < t.size && whole > 0) {
        found |= test(octets_at(t.data + t.size - OCTETS_BYTES)); /* some a second time */
    } else if (t.size > 0 && whole == 0) {
        char rest[OCTETS_BYTES];
        memset(rest, filler, sizeof rest);
        for (size_t i = 0; i < t.size; i++)
            rest[i] = t.data[i];
        found |= test(octets_at(rest));
    }
    uint64_t halves[2];
    memcpy(halves, &found, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

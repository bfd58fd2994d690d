// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/bytes.h"
#include "base/text.h"

/*
 * catalog/bytes: the few memory operations of the freestanding code beyond base/bytes.h.  The
 * compiler may turn them into calls of memcpy, memset, memmove and memcmp, which every C
 * environment provides (catalog/wasm.c does in the browser).
 */
static inline void bytes_fill(void *at, uint8_t value, size_t size)
{
    if (size)
        __builtin_memset(at, value, size);
}

/* By byte, shorter first: <0, 0, >0. */
static inline int bytes_compare(struct text a, struct text b)
{
    size_t shared = a.size < b.size ? a.size : b.size;
    int order = shared ? __builtin_memcmp(a.data, b.data, shared) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static inline bool bytes_equal(struct text a, struct text b)
{
    return a.size == b.size && bytes_same(a.data, b.data, a.size);
}

static inline bool bytes_start(struct text whole, struct text prefix)
{
    return whole.size >= prefix.size && bytes_same(whole.data, prefix.data, prefix.size);
}

static inline uint64_t bytes_le(const uint8_t *at, unsigned size)
{
    uint64_t value = 0;
    while (size-- > 0)
        value = value << 8 | at[size];
    return value;
}

/* Our bug: stop here.  As assert, for code without a C library. */
#define CATALOG_ASSERT(claim) ((claim) ? (void)0 : __builtin_trap())

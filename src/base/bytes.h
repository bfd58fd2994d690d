// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if __STDC_HOSTED__
#include <string.h>
#endif

/*
 * bytes: copying and comparing what may be nothing, at NULL.
 *
 * memcpy and memcmp with NULL are undefined even for 0 bytes (C17 7.24.1): a compiler may take what
 * they were given for a pointer to something, and leave out a check that comes later.  Here 0 bytes
 * are copied from anywhere, and equal each other.  For texts and buffers that may be empty; memcpy
 * stays for what has a size of its own, as arrays have.  The look at the size costs nothing where
 * it is a constant or was looked at already.  Freestanding: the player's WebAssembly has no
 * string.h.
 */
static inline void bytes_copy(void *to, const void *from, size_t size)
{
    if (size == 0)
        return;
    PROMISED(to && from);
#if __STDC_HOSTED__
    memcpy(to, from,
           size); /* the function: -D_FORTIFY_SOURCE looks at the room where it is known */
#else
    __builtin_memcpy(to, from, size);
#endif
}

static inline bool bytes_same(const void *a, const void *b, size_t size)
{
    if (size == 0)
        return true;
    PROMISED(a && b);
    return __builtin_memcmp(a, b, size) == 0;
}

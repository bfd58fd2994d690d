// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/bytes.h"

/*
 * catalog/simd: sixteen bytes at once, through the compilers' vector extension: SSE2, NEON,
 * WebAssembly SIMD128.
 */
typedef uint8_t simd16 __attribute__((vector_size(16)));
enum { SIMD_BYTES = 16 };

static inline simd16 simd_load(const void *at)
{
    simd16 value;
    __builtin_memcpy(&value, at, sizeof value);
    return value;
}

static inline void simd_store(void *at, simd16 value)
{
    __builtin_memcpy(at, &value, sizeof value);
}

static inline simd16 simd_fill(uint8_t byte)
{
    return (simd16){byte, byte, byte, byte, byte, byte, byte, byte,
                    byte, byte, byte, byte, byte, byte, byte, byte};
}

static inline simd16 simd_equal(simd16 a, simd16 b) { return (simd16)(a == b); }

static inline simd16 simd_least(simd16 a, simd16 b)
{
    simd16 is_less = (simd16)(a < b);
    return (a & is_less) | (b & ~is_less);
}

static inline simd16 simd_most(simd16 a, simd16 b)
{
    simd16 is_more = (simd16)(a > b);
    return (a & is_more) | (b & ~is_more);
}

/* Bit i: byte i has its highest bit set. */
static inline uint32_t simd_mask(simd16 value)
{
#if defined(__SSE2__)
    typedef char chars16 __attribute__((vector_size(16)));
    return (uint32_t)__builtin_ia32_pmovmskb128((chars16)value);
#elif defined(__wasm_simd128__)
    typedef signed char signed16 __attribute__((vector_size(16)));
    return (uint32_t)__builtin_wasm_bitmask_i8x16((signed16)value);
#else
    uint32_t mask = 0;
    for (unsigned i = 0; i < SIMD_BYTES; i++)
        mask |= (uint32_t)(value[i] >> 7) << i;
    return mask;
#endif
}

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
/*
 * compiler: attributes under one name each.  The only header that spells them out.
 * Freestanding: also included by code that is built to WebAssembly.
 */
#define MUST_USE __attribute__((warn_unused_result))
#define ALWAYS_INLINE __attribute__((always_inline))
#define UNUSED __attribute__((unused))
#define NORETURN __attribute__((noreturn))
#ifdef __has_attribute
#if __has_attribute(nonstring) /* gcc's alone until clang 21 */
#define NONSTRING __attribute__((nonstring))
#endif
#endif
#ifndef NONSTRING
#define NONSTRING
#endif
#define PRINTF_LIKE(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#define LIKELY(claim) __builtin_expect(!!(claim), 1)
#define UNLIKELY(claim) __builtin_expect(!!(claim), 0)
/* Straight-line cold code only: the destroyer runs when the variable leaves its scope. */
#define CLEANUP(destroyer) __attribute__((cleanup(destroyer)))
/* What callers promise, said to clang's analyzer, which does not see them.  Nothing in a program:
 * who breaks it is found by the sanitizers, as everywhere. */
#ifdef __clang_analyzer__
#define PROMISED(claim) ((claim) ? (void)0 : __builtin_unreachable())
#else
#define PROMISED(claim) ((void)0)
#endif
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(member_ptr, type, member) \
    ((type *)(void *)((char *)(member_ptr) - __builtin_offsetof(type, member)))

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stddef.h>

/*
 * mem: the heap, where running out is our bug.
 *
 * No function here returns NULL: a process that cannot get memory aborts and is restarted by its
 * supervisor.  What callers handle are limits (arena, buffer), never allocation failure.
 */
void *mem_alloc(size_t size_bytes) __attribute__((malloc, returns_nonnull)) MUST_USE;
void *mem_zalloc(size_t size_bytes) __attribute__((malloc, returns_nonnull)) MUST_USE;
/* The same at an address of that alignment, a power of two: of what lies on cache lines of its own.
 */
void *mem_zalloc_aligned(size_t size_bytes, size_t alignment)
    __attribute__((malloc, returns_nonnull)) MUST_USE;
void *mem_realloc(void *block, size_t size_bytes) __attribute__((returns_nonnull)) MUST_USE;
/* `count` * `size_bytes`, aborting on overflow. */
void *mem_realloc_array(void *block, size_t count, size_t size_bytes)
    __attribute__((returns_nonnull)) MUST_USE;
void *mem_dup(const void *data, size_t size_bytes)
    __attribute__((malloc, returns_nonnull)) MUST_USE;
char *mem_strdup(const char *string) __attribute__((malloc, returns_nonnull)) MUST_USE;

/* Frees *block and leaves NULL behind; so it also serves CLEANUP(mem_free_p) on any pointer. */
void mem_free_p(void *block_p);
void mem_free(void *block);

#define MEM_NEW(type)                                                \
    ((type *)(_Alignof(type) > _Alignof(max_align_t)                 \
                  ? mem_zalloc_aligned(sizeof(type), _Alignof(type)) \
                  : mem_zalloc(sizeof(type))))

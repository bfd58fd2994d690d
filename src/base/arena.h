// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "base/text.h"

/*
 * arena: memory of one request (or one scan of one file), freed all at once, with a ceiling.
 *
 * Past the ceiling every allocation returns NULL and arena_overflowed() stays true until reset, so
 * a caller may check once at the end and answer 431 or 503.  Nothing in an arena is freed singly.
 * Not for use by two threads at once.
 */
struct arena {
    char *_free;  /* what the next allocation gets: in the first block */
    size_t _room; /* behind it, a multiple of ARENA_ALIGN, not past the ceiling */
    struct {
        struct arena_block *first;   /* the last one in the list is kept by reset */
        size_t ceiling, used_before; /* the first block */
        bool has_overflowed;
    } _blocks;
};

enum { ARENA_ALIGN = 16 };

struct arena *arena_new(size_t ceiling_bytes) MUST_USE;
void arena_free(struct arena **arena); /* accepts NULL inside */
void arena_reset(struct arena *arena); /* forgets all, keeps one block */

/* Aligned to ARENA_ALIGN; NULL past the ceiling. */
static inline void *arena_alloc(struct arena *arena, size_t size_bytes) MUST_USE;
void *arena_zalloc(struct arena *arena, size_t size_bytes) MUST_USE;
/* NUL-terminated copy; data NULL past the ceiling. */
struct text arena_text(struct arena *arena, struct text t) MUST_USE;
struct text arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3) MUST_USE;
bool arena_overflowed(const struct arena *arena);
size_t arena_used(const struct arena *arena);

/* --- what is inlined: a request takes twenty pieces --- */

void *arena_grow(struct arena *arena, size_t size_bytes) MUST_USE; /* arena_alloc() without room */

static inline void *arena_alloc(struct arena *arena, size_t size_bytes)
{
    if (UNLIKELY(size_bytes > arena->_room || arena->_room == 0))
        return arena_grow(arena, size_bytes);
    size_t size = (size_bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    void *at = arena->_free;
    arena->_free += size;
    arena->_room -= size;
    return at;
}

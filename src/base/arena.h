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
struct arena;

struct arena *arena_new(size_t ceiling_bytes) MUST_USE;
void arena_free(struct arena **arena); /* accepts NULL inside */
void arena_reset(struct arena *arena); /* forgets all, keeps one block */

void *arena_alloc(struct arena *arena,
                  size_t size_bytes) MUST_USE; /* 16-byte aligned; NULL past ceiling */
void *arena_zalloc(struct arena *arena, size_t size_bytes) MUST_USE;
/* NUL-terminated copy; data NULL past the ceiling. */
struct text arena_text(struct arena *arena, struct text t) MUST_USE;
struct text arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3) MUST_USE;
bool arena_overflowed(const struct arena *arena);
size_t arena_used(const struct arena *arena);

// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/arena.h"

#include "base/mem.h"

#include <stdarg.h>

enum { BLOCK_BYTES = 4096 - 64 };

struct arena_block {
    struct arena_block *next;
    size_t size;
    _Alignas(ARENA_ALIGN) char data[];
};

/* What the first block still has, in whole steps, and not past the ceiling. */
static void measure(struct arena *arena)
{
    const struct arena_block *first = arena->_blocks.first;
    size_t used = arena_used(arena), ceiling = arena->_blocks.ceiling;
    size_t allowed = used < ceiling ? ceiling - used : 0;
    size_t rest = first ? (size_t)(first->data + first->size - arena->_free) : 0;
    arena->_room = (rest < allowed ? rest : allowed) & ~(size_t)(ARENA_ALIGN - 1);
}

static void add_block(struct arena *arena, size_t size)
{
    struct arena_block *block = mem_alloc(sizeof *block + size);
    arena->_blocks.used_before = arena_used(arena);
    block->next = arena->_blocks.first;
    block->size = size;
    arena->_blocks.first = block;
    arena->_free = block->data;
}

struct arena *arena_new(size_t ceiling_bytes)
{
    struct arena *arena = MEM_NEW(struct arena);
    arena->_blocks.ceiling = ceiling_bytes;
    return arena;
}

/* All but the last of them, which was the first. */
static void free_blocks(struct arena *arena)
{
    struct arena_block *first = arena->_blocks.first;
    while (first && first->next) {
        struct arena_block *next = first->next;
        mem_free(first);
        first = next;
    }
    arena->_blocks.first = first;
}

void arena_free(struct arena **arena)
{
    if (!*arena)
        return;
    free_blocks(*arena);
    mem_free((*arena)->_blocks.first);
    mem_free_p(arena);
}

void arena_reset(struct arena *arena)
{
    free_blocks(arena);
    arena->_free = arena->_blocks.first ? arena->_blocks.first->data : NULL;
    arena->_blocks.used_before = 0;
    arena->_blocks.has_overflowed = false;
    measure(arena);
}

void *arena_grow(struct arena *arena, size_t size_bytes)
{
    size_t used = arena_used(arena), ceiling = arena->_blocks.ceiling;
    if (size_bytes > ceiling || used > ceiling - size_bytes) {
        arena->_blocks.has_overflowed = true;
        return NULL;
    }
    const struct arena_block *first = arena->_blocks.first;
    size_t size = (size_bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (!first || (size_t)(first->data + first->size - arena->_free) < size)
        add_block(arena, size > BLOCK_BYTES ? size : BLOCK_BYTES);
    void *at = arena->_free;
    arena->_free += size;
    measure(arena);
    return at;
}

void *arena_zalloc(struct arena *arena, size_t size_bytes)
{
    void *at = arena_alloc(arena, size_bytes);
    if (at)
        memset(at, 0, size_bytes);
    return at;
}

struct text arena_text(struct arena *arena, struct text t)
{
    char *copy = arena_alloc(arena, t.size + 1);
    if (!copy)
        return TEXT_NONE;
    bytes_copy(copy, t.data, t.size);
    copy[t.size] = '\0';
    return (struct text){copy, t.size};
}

struct text arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *at = size < 0 ? NULL : arena_alloc(arena, (size_t)size + 1);
    if (at)
        vsnprintf(at, (size_t)size + 1, format, again);
    va_end(again);
    return at ? (struct text){at, (size_t)size} : TEXT_NONE;
}

bool arena_overflowed(const struct arena *arena) { return arena->_blocks.has_overflowed; }

size_t arena_used(const struct arena *arena)
{
    const struct arena_block *first = arena->_blocks.first;
    return arena->_blocks.used_before + (first ? (size_t)(arena->_free - first->data) : 0);
}

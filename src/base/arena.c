// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/arena.h"

#include "base/mem.h"

#include <stdarg.h>

enum { BLOCK_BYTES = 4096 - 64, ALIGN = 16 };

struct block {
    struct block *next;
    size_t size;
    _Alignas(ALIGN) char data[];
};

/* `free` and `room` are of the block that is allocated from: the first.  The last is kept by reset.
 */
struct arena {
    struct block *head;
    char *free;
    size_t room;
    size_t ceiling, used;
    bool has_overflowed;
};

static void take_block(struct arena *arena, struct block *block)
{
    arena->free = block->data;
    arena->room = block->size;
}

static void add_block(struct arena *arena, size_t size)
{
    struct block *block = mem_alloc(sizeof *block + size);
    block->next = arena->head;
    block->size = size;
    arena->head = block;
    take_block(arena, block);
}

struct arena *arena_new(size_t ceiling_bytes)
{
    struct arena *arena = MEM_NEW(struct arena);
    arena->ceiling = ceiling_bytes;
    return arena;
}

void arena_free(struct arena **arena)
{
    if (!*arena)
        return;
    for (struct block *block = (*arena)->head, *next; block; block = next) {
        next = block->next;
        mem_free(block);
    }
    mem_free_p(arena);
}

void arena_reset(struct arena *arena)
{
    while (arena->head && arena->head->next) {
        struct block *next = arena->head->next;
        mem_free(arena->head);
        arena->head = next;
    }
    if (arena->head)
        take_block(arena, arena->head);
    arena->used = 0;
    arena->has_overflowed = false;
}

void *arena_alloc(struct arena *arena, size_t size_bytes)
{
    if (size_bytes > arena->ceiling || arena->used > arena->ceiling - size_bytes) {
        arena->has_overflowed = true;
        return NULL;
    }
    size_t size = (size_bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    arena->used += size;
    if (!arena->head || arena->room < size)
        add_block(arena, size > BLOCK_BYTES ? size : BLOCK_BYTES);
    void *at = arena->free;
    arena->free += size;
    arena->room -= size;
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
    if (t.size)
        memcpy(copy, t.data, t.size);
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

bool arena_overflowed(const struct arena *arena) { return arena->has_overflowed; }

size_t arena_used(const struct arena *arena) { return arena->used; }

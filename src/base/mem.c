// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"

#include "base/bytes.h"

#include <stdint.h>

static NORETURN void out_of_memory(void)
{
    fputs("out of memory\n", stderr);
    abort();
}

void *mem_alloc(size_t size_bytes)
{
    void *block = malloc(size_bytes ? size_bytes : 1);
    if (!block)
        out_of_memory();
    return block;
}

void *mem_zalloc(size_t size_bytes)
{
    void *block = calloc(1, size_bytes ? size_bytes : 1);
    if (!block)
        out_of_memory();
    return block;
}

void *mem_zalloc_aligned(size_t size_bytes, size_t alignment)
{
    size_t whole = (size_bytes + alignment - 1) & ~(alignment - 1);
    void *block = aligned_alloc(alignment, whole ? whole : alignment);
    if (!block)
        out_of_memory();
    memset(block, 0, whole);
    return block;
}

void *mem_realloc(void *block, size_t size_bytes)
{
    block = realloc(block, size_bytes ? size_bytes : 1);
    if (!block)
        out_of_memory();
    return block;
}

void *mem_realloc_array(void *block, size_t count, size_t size_bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, size_bytes, &total))
        out_of_memory();
    return mem_realloc(block, total);
}

void *mem_dup(const void *data, size_t size_bytes)
{
    void *copy = mem_alloc(size_bytes);
    bytes_copy(copy, data, size_bytes);
    return copy;
}

char *mem_strdup(const char *string) { return mem_dup(string, strlen(string) + 1); }

void mem_free(void *block) { free(block); }

void mem_free_p(void *block_p)
{
    void **slot = block_p;
    free(*slot);
    *slot = NULL;
}

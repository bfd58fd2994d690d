// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/answer.h"
#include "catalog/snapshot.h"

/*
 * The catalogue in a browser: the only file that is built for WebAssembly alone.  No imports; the
 * host copies segments in, asks by catalog/answer.h, and copies answers out.
 *
 *   catalog_room(size)                    -> address of `size` fresh bytes, aligned to 64
 *   catalog_add(core, size, detail, size) -> 0 or enum segment_fault; the host has checked the
 * digests (SHA-256) catalog_start()                       opens all segments added, oldest first,
 * as one catalogue catalog_ask(question, size)           -> size of the answer, which lies at
 * catalog_answer_at() catalog_forget()                      drops everything, for a newer version
 */
#define EXPORT(name) __attribute__((export_name(#name), used)) name

extern uint8_t __heap_base; /* the linker's: where free memory begins */

enum { PAGE_BYTES = 65536, BLOCK_ALIGN = 64 };

static struct {
    uintptr_t top,
        last; /* of the heap; the block that was given last, so that it can be taken back */
    uintptr_t answer;
    struct segment segments[CATALOG_MAX_PARTS];
    const struct segment *list[CATALOG_MAX_PARTS];
    uint32_t count;
    struct catalog *catalog;
} host; /* a module instance is one catalogue: this is its state */

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *at, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    __builtin_memcpy(to, from, size); /* memory.copy, by -mbulk-memory */
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    __builtin_memmove(to, from, size);
    return to;
}

void *memset(void *at, int value, size_t size)
{
    __builtin_memset(at, value, size);
    return at;
}

int memcmp(const void *a_p, const void *b_p, size_t size)
{
    const uint8_t *a = a_p, *b = b_p;
    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i])
            return a[i] - b[i];
    return 0;
}

/* A bump allocator that takes back the newest blocks in reverse order: how search and opening use
 * it. */
static void *heap_alloc(void *context, size_t size)
{
    (void)context;
    uintptr_t block = (host.top + sizeof(uintptr_t) + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN;
    uintptr_t end = block + size, have = __builtin_wasm_memory_size(0) * (uintptr_t)PAGE_BYTES;
    if (end > have &&
        __builtin_wasm_memory_grow(0, (end - have + PAGE_BYTES - 1) / PAGE_BYTES) == (size_t)-1)
        __builtin_trap();
    ((uintptr_t *)block)[-1] = host.last;
    host.last = block;
    host.top = end;
    return (void *)block;
}

static void heap_free(void *context, void *block)
{
    (void)context;
    if ((uintptr_t)block == host.last) {
        host.last = ((uintptr_t *)block)[-1];
        host.top = (uintptr_t)block - sizeof(uintptr_t);
    }
}

static void heap_start(void)
{
    if (host.top == 0)
        host.top = (uintptr_t)&__heap_base;
}

void *EXPORT(catalog_room)(size_t size);
int EXPORT(catalog_add)(const char *core, size_t core_size, const char *detail, size_t detail_size);
void EXPORT(catalog_start)(void);
size_t EXPORT(catalog_ask)(const char *question, size_t size);
const void *EXPORT(catalog_answer_at)(void);
void EXPORT(catalog_forget)(void);

void *catalog_room(size_t size)
{
    heap_start();
    return heap_alloc(NULL, size);
}

int catalog_add(const char *core, size_t core_size, const char *detail, size_t detail_size)
{
    struct segment *segment = &host.segments[host.count];
    if (host.count == CATALOG_MAX_PARTS)
        return SEGMENT_ALIEN;
    *segment = (struct segment){.number = 0};
    enum segment_fault fault = segment_add(segment, SEGMENT_CORE, text_make(core, core_size));
    if (fault == SEGMENT_GOOD && detail_size)
        fault = segment_add(segment, SEGMENT_DETAIL, text_make(detail, detail_size));
    if (fault == SEGMENT_GOOD) {
        host.list[host.count] = segment;
        host.count++;
    }
    return (int)fault;
}

void catalog_start(void)
{
    heap_start();
    host.answer = (uintptr_t)heap_alloc(NULL, ANSWER_MAX_BYTES);
    struct catalog_memory memory = {heap_alloc, heap_free, NULL};
    host.catalog = catalog_open(host.list, host.count, CATALOG_LIVING, memory, NULL, NULL);
}

size_t catalog_ask(const char *question, size_t size)
{
    return host.catalog
               ? catalog_answer(host.catalog, text_make(question, size), (uint8_t *)host.answer)
               : 0;
}

const void *catalog_answer_at(void) { return (const void *)host.answer; }

void catalog_forget(void)
{
    host.catalog = NULL;
    host.count = 0;
    host.top = host.last = 0;
}

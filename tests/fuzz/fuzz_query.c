// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/buffer.h"
#include "edge/prefetch.h"
#include "edge/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A target that a client wrote: normalised twice it is as it was after once. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const drop[] = {"utm_*", "a"};
    const struct query_rules rules = {drop, 2, size % 2};
    struct arena *arena = arena_new(1 << 20);
    struct buffer next;
    buffer_init(&next, size + 2);
    struct text target = text_make((const char *)data, size);
    struct text once = query_normalise(&rules, target, arena);
    if (!text_equal(query_normalise(&rules, once, arena), once))
        __builtin_trap();
    (void)!prefetch_next(TEXT("/{n}.m4s"), target, &next);
    buffer_release(&next);
    arena_free(&arena);
    return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/revocations.h"

#include "base/mem.h"

void revocations_release(struct revocations *revocations)
{
    mem_free(revocations->items);
    *revocations = (struct revocations){0};
}

static void sink(struct revocations *revocations, const struct revocation *revocation)
{
    struct revocation *items = revocations->items;
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < revocations->count; at = child) {
        if (child + 1 < revocations->count && items[child + 1].until_ms < items[child].until_ms)
            child++;
        if (revocation->until_ms <= items[child].until_ms)
            break;
        items[at] = items[child];
    }
    items[at] = *revocation;
}

static void rise(struct revocations *revocations, const struct revocation *revocation)
{
    struct revocation *items = revocations->items;
    size_t at = revocations->count++;
    for (size_t parent; at > 0 && revocation->until_ms < items[parent = (at - 1) / 2].until_ms;
         at = parent)
        items[at] = items[parent];
    items[at] = *revocation;
}

void revocations_add(struct revocations *revocations, const struct revocation *revocation)
{
    if (revocations->count == REVOCATIONS_MAX) {
        if (revocation->until_ms > revocations->items[0].until_ms)
            sink(revocations, revocation);
        return;
    }
    if (revocations->count == revocations->capacity) {
        revocations->capacity = revocations->capacity ? revocations->capacity * 2 : 64;
        revocations->items = mem_realloc_array(revocations->items, revocations->capacity,
                                               sizeof *revocations->items);
    }
    rise(revocations, revocation);
}

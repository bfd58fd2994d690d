// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/roll.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A heap with the greatest on top: what is offered and is less takes its place. */

static int compare(const void *a, const void *b) { return memcmp(a, b, sizeof(struct uid)); }

void roll_init(struct roll *roll, struct uid after, size_t most)
{
    *roll = (struct roll){.after = after, .most = most, .ids = mem_alloc(most * sizeof *roll->ids)};
}

void roll_release(struct roll *roll)
{
    mem_free(roll->ids);
    *roll = (struct roll){.count = 0};
}

static void swap(struct uid *a, struct uid *b)
{
    struct uid kept = *a;
    *a = *b;
    *b = kept;
}

static void rise(struct roll *roll, size_t at)
{
    for (; at > 0 && compare(&roll->ids[at], &roll->ids[(at - 1) / 2]) > 0; at = (at - 1) / 2)
        swap(&roll->ids[at], &roll->ids[(at - 1) / 2]);
}

static void sink(struct roll *roll)
{
    for (size_t at = 0, child; (child = 2 * at + 1) < roll->count; at = child) {
        if (child + 1 < roll->count && compare(&roll->ids[child + 1], &roll->ids[child]) > 0)
            child++;
        if (compare(&roll->ids[at], &roll->ids[child]) >= 0)
            return;
        swap(&roll->ids[at], &roll->ids[child]);
    }
}

void roll_offer(struct roll *roll, struct uid account)
{
    if (compare(&account, &roll->after) <= 0)
        return;
    if (roll->count < roll->most) {
        roll->ids[roll->count++] = account;
        rise(roll, roll->count - 1);
        return;
    }
    roll->has_more = true;
    if (compare(&account, &roll->ids[0]) >= 0)
        return;
    roll->ids[0] = account;
    sink(roll);
}

void roll_sort(struct roll *roll) { qsort(roll->ids, roll->count, sizeof *roll->ids, compare); }

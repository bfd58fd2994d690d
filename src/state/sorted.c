// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/sorted.h"

#include "base/mem.h"

#include <assert.h>

void sorted_init(struct sorted *sorted, sorted_compare *compare)
{
    *sorted = (struct sorted){.compare = compare};
}
void sorted_release(struct sorted *sorted) { mem_free_p(&sorted->items); }

/* The first place whose item does not come before `item`. */
static size_t find(const struct sorted *sorted, const void *item)
{
    size_t low = 0, high = sorted->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted->compare(sorted->items[middle], item) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void make_room(struct sorted *sorted)
{
    if (sorted->count < sorted->capacity)
        return;
    sorted->capacity = sorted->capacity ? sorted->capacity * 2 : 8;
    sorted->items = mem_realloc_array(sorted->items, sorted->capacity, sizeof *sorted->items);
}

void sorted_insert(struct sorted *sorted, void *item)
{
    sorted_settle(sorted);
    make_room(sorted);
    size_t at = find(sorted, item);
    memmove(sorted->items + at + 1, sorted->items + at,
            (sorted->count - at) * sizeof *sorted->items);
    sorted->items[at] = item;
    sorted->count++;
}

void sorted_remove(struct sorted *sorted, const void *item)
{
    sorted_settle(sorted);
    size_t at = find(sorted, item);
    assert(at < sorted->count && sorted->items[at] == item);
    sorted->count--;
    memmove(sorted->items + at, sorted->items + at + 1,
            (sorted->count - at) * sizeof *sorted->items);
}

void sorted_append(struct sorted *sorted, void *item)
{
    make_room(sorted);
    sorted->items[sorted->count++] = item;
    sorted->is_unsettled = true;
}

static int compare_places(const void *a, const void *b, void *compare)
{
    sorted_compare **function = compare;
    return (*function)(*(void *const *)a, *(void *const *)b);
}

void sorted_settle(struct sorted *sorted)
{
    if (sorted->is_unsettled)
        qsort_r(sorted->items, sorted->count, sizeof *sorted->items, compare_places,
                &sorted->compare);
    sorted->is_unsettled = false;
}

void sorted_merge(struct sorted *sorted, struct sorted *others)
{
    sorted_settle(sorted);
    sorted_settle(others);
    size_t ours = sorted->count, theirs = others->count, at = ours + theirs;
    if (at > sorted->capacity) {
        sorted->capacity = at + at / 4;
        sorted->items = mem_realloc_array(sorted->items, sorted->capacity, sizeof *sorted->items);
    }
    sorted->count = at;
    while (theirs > 0) { /* from the end, so that nothing is in the way */
        bool is_ours =
            ours > 0 && sorted->compare(sorted->items[ours - 1], others->items[theirs - 1]) > 0;
        sorted->items[--at] = is_ours ? sorted->items[--ours] : others->items[--theirs];
    }
}

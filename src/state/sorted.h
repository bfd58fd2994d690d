// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>

/*
 * sorted: an array of borrowed pointers kept in order, for lists that are read by offset far more
 * often than changed.
 *
 * A change costs a binary search and a memmove (30 us at 100,000 items).  For loading there is
 * sorted_append(), which defers order until sorted_settle().  The order must be total: no two
 * items compare equal.
 */
typedef int sorted_compare(const void *a, const void *b);

struct sorted {
    void **items;
    size_t count, capacity;
    sorted_compare *compare;
    bool is_unsettled;
};

void sorted_init(struct sorted *sorted, sorted_compare *compare);
void sorted_release(struct sorted *sorted);
void sorted_insert(struct sorted *sorted, void *item);
/* The item must be there and unchanged since it was inserted. */
void sorted_remove(struct sorted *sorted, const void *item);
void sorted_append(struct sorted *sorted, void *item);
void sorted_settle(struct sorted *sorted);
/* All of `others`, settled or not, into their places; it is left as it was but settled. */
void sorted_merge(struct sorted *sorted, struct sorted *others);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * numbers: a growing list, a growing set and growing sums of 64-bit numbers (row numbers, folders
 * seen).
 * Their limit is that of what is counted: the files and folders of a library.  Zero-initialised is
 * empty.
 */
struct number_list {
    int64_t *items;
    size_t count, capacity;
};
void number_list_add(struct number_list *list, int64_t number);
void number_list_release(struct number_list *list);

struct number_set {
    uint64_t *slots; /* open addressing; 0 is free, so 0 itself is kept as `has_zero` */
    size_t capacity, count;
    bool has_zero;
};
bool number_set_add(struct number_set *set, uint64_t number); /* false when it was there already */
bool number_set_has(const struct number_set *set, uint64_t number);
void number_set_release(struct number_set *set);

/* A sum for each number but 0. */
struct number_sums {
    struct number_sum {
        int64_t number, sum;
    } * slots; /* open addressing, in no order: both 0 is free */
    size_t capacity, count;
};
void number_sums_add(struct number_sums *sums, int64_t number, int64_t delta); /* 0: nothing */
void number_sums_release(struct number_sums *sums);

// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/numbers.h"
#include "base/hash.h"
#include "base/mem.h"

void number_list_add(struct number_list *list, int64_t number)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 64;
        list->items = mem_realloc_array(list->items, list->capacity, sizeof *list->items);
    }
    list->items[list->count++] = number;
}

void number_list_release(struct number_list *list)
{
    mem_free(list->items);
    *list = (struct number_list){0};
}

/* The slot that holds `number`, or the free one where it belongs. */
static uint64_t *slot_of(uint64_t *slots, size_t capacity, uint64_t number)
{
    size_t at = (size_t)hash_mix(number) & (capacity - 1);
    while (slots[at] && slots[at] != number)
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static void widen(struct number_set *set)
{
    size_t capacity = set->capacity ? set->capacity * 2 : 256;
    uint64_t *slots = mem_zalloc(capacity * sizeof *slots);
    for (size_t i = 0; i < set->capacity; i++)
        if (set->slots[i])
            *slot_of(slots, capacity, set->slots[i]) = set->slots[i];
    mem_free(set->slots);
    set->slots = slots;
    set->capacity = capacity;
}

bool number_set_add(struct number_set *set, uint64_t number)
{
    if (number == 0) {
        bool is_new = !set->has_zero;
        set->has_zero = true;
        return is_new;
    }
    if ((set->count + 1) * 4 > set->capacity * 3)
        widen(set);
    uint64_t *slot = slot_of(set->slots, set->capacity, number);
    if (*slot)
        return false;
    *slot = number;
    set->count++;
    return true;
}

bool number_set_has(const struct number_set *set, uint64_t number)
{
    if (number == 0)
        return set->has_zero;
    return set->capacity && *slot_of(set->slots, set->capacity, number);
}

void number_set_release(struct number_set *set)
{
    mem_free(set->slots);
    *set = (struct number_set){0};
}

static struct number_sum *sum_of(struct number_sum *slots, size_t capacity, int64_t number)
{
    size_t at = (size_t)hash_mix((uint64_t)number) & (capacity - 1);
    while (slots[at].number && slots[at].number != number)
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static void widen_sums(struct number_sums *sums)
{
    size_t capacity = sums->capacity ? sums->capacity * 2 : 256;
    struct number_sum *slots = mem_zalloc(capacity * sizeof *slots);
    for (size_t i = 0; i < sums->capacity; i++)
        if (sums->slots[i].number)
            *sum_of(slots, capacity, sums->slots[i].number) = sums->slots[i];
    mem_free(sums->slots);
    sums->slots = slots;
    sums->capacity = capacity;
}

void number_sums_add(struct number_sums *sums, int64_t number, int64_t delta)
{
    if (number == 0)
        return;
    if ((sums->count + 1) * 4 > sums->capacity * 3)
        widen_sums(sums);
    struct number_sum *slot = sum_of(sums->slots, sums->capacity, number);
    sums->count += slot->number == 0;
    slot->number = number;
    slot->sum += delta;
}

void number_sums_release(struct number_sums *sums)
{
    mem_free(sums->slots);
    *sums = (struct number_sums){0};
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/numbers.h"
#include "tap.h"

enum { MANY = 10000 };

static void test_sets(void)
{
    struct number_set set = {0};
    OK(!number_set_has(&set, 0) && !number_set_has(&set, 1), "an empty set has nothing, nor 0");
    OK(number_set_add(&set, 0) && !number_set_add(&set, 0) && number_set_has(&set, 0),
       "0 is a number as any");
    size_t fresh = 0, there = 0;
    for (uint64_t i = 1; i <= MANY; i++)
        fresh += number_set_add(&set, i << 20);
    for (uint64_t i = 1; i <= MANY; i++)
        there += number_set_has(&set, i << 20) && !number_set_has(&set, (i << 20) + 1);
    OK(fresh == MANY && there == MANY, "ten thousand are there, and none besides");
    number_set_release(&set);
}

static void test_sums(void)
{
    struct number_sums sums = {0};
    number_sums_add(&sums, 0, 5);
    OK(sums.count == 0, "0 has no sum");
    for (int64_t round = 1; round <= 3; round++)
        for (int64_t i = 1; i <= MANY; i++)
            number_sums_add(&sums, i << 20, round == 3 ? -2 : round * i);
    size_t right = 0;
    for (size_t i = 0; i < sums.capacity; i++)
        right += sums.slots[i].number && sums.slots[i].sum == 3 * (sums.slots[i].number >> 20) - 2;
    OK(sums.count == MANY && right == MANY, "each number has the sum of what was added to it");
    number_sums_release(&sums);
    OK(sums.capacity == 0, "and nothing is left of it");
}

int main(void)
{
    test_sets();
    test_sums();
    return tap_done();
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/hash.h"
#include "io/timers.h"
#include "tap.h"

enum { COUNT = 2000 };

static bool is_heap(const struct timers *timers)
{
    for (size_t i = 1; i <= timers->count; i++) {
        if (timers->heap[i]->_position != i)
            return false;
        if (i > 1 && timers->heap[i / 2]->_at_us > timers->heap[i]->_at_us)
            return false;
    }
    return true;
}

static void test_order(void)
{
    struct timers timers = {0};
    struct loop_timer a = {0}, b = {0}, c = {0};
    OK(timers_next_us(&timers) == UINT64_MAX, "an empty heap has no next time");
    timers_put(&timers, &a, 30);
    timers_put(&timers, &b, 10);
    timers_put(&timers, &c, 20);
    OK(timers_next_us(&timers) == 10, "the earliest is next");
    OK(!timers_take_due(&timers, 9), "nothing is due before its time");
    timers_put(&timers, &b, 40);
    OK(timers_take_due(&timers, 40) == &c, "a timer put again has moved");
    timers_remove(&timers, &a);
    timers_remove(&timers, &a);
    OK(timers_take_due(&timers, 40) == &b && timers.count == 0,
       "a removed timer is gone, also when removed twice");
    timers_release(&timers);
}

static void test_random_moves(void)
{
    static struct loop_timer many[COUNT];
    struct timers timers = {0};
    bool stays_heap = true;
    for (uint64_t i = 0; i < 5 * COUNT; i++) {
        struct loop_timer *timer = &many[hash_mix(i) % COUNT];
        if (hash_mix(i + 99) % 4 == 0)
            timers_remove(&timers, timer);
        else
            timers_put(&timers, timer, hash_mix(i * 3) % 1000);
        if (i % 97 == 0)
            stays_heap &= is_heap(&timers);
    }
    OK(stays_heap, "random puts, moves and removals keep the heap in order");
    uint64_t last = 0;
    size_t taken = 0, count = timers.count;
    bool in_order = true;
    for (struct loop_timer *timer; (timer = timers_take_due(&timers, UINT64_MAX - 1)); taken++) {
        in_order &= timer->_at_us >= last && !timer->_position;
        last = timer->_at_us;
    }
    OK(in_order && taken == count, "and they come out in order of time");
    timers_release(&timers);
}

int main(void)
{
    test_order();
    test_random_moves();
    return tap_done();
}

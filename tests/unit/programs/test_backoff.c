// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/backoff.h"

#include "tap.h"

static const uint64_t second_us = 1000 * 1000;

static void test_growth(void)
{
    struct backoff backoff = {.total = 0};
    uint64_t now_us = 1000 * second_us;
    for (int i = 0; i < BACKOFF_AT_ONCE; i++)
        OK(backoff_crash(&backoff, now_us++, 0) == 0,
           "each of the first crashes is answered at once");
    OK(backoff_crash(&backoff, now_us++, 0) == 100 * 1000, "the fourth waits 100 ms");
    OK(backoff_crash(&backoff, now_us++, 0) == 200 * 1000, "the fifth twice as long");
    uint64_t wait_us = 0;
    for (int i = 0; i < 1000; i++)
        wait_us = backoff_crash(&backoff, now_us++, 0);
    OK(wait_us == backoff_most_us, "a thousand crashes later it still comes back within 10 s");
    wait_us = backoff_crash(&backoff, now_us, UINT32_MAX);
    OK(wait_us > backoff_most_us && wait_us <= backoff_most_us / 2 * 3,
       "jitter adds at most a half");
}

static void test_forgetting(void)
{
    struct backoff backoff = {.total = 0};
    uint64_t waited_us = 0;
    for (uint64_t i = 0; i < 100; i++)
        waited_us += backoff_crash(&backoff, i * 21 * second_us, 0);
    OK(waited_us == 0, "a crash each 21 s is answered at once for ever");
    OK(backoff_recent(&backoff, 98 * 21 * second_us) == 2, "recent crashes are counted");
}

int main(void)
{
    test_growth();
    test_forgetting();
    return tap_done();
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/clock.h"

#include "io/fault_point.h"

#include <assert.h>
#include <time.h>

static struct timespec read_clock(clockid_t which)
{
    struct timespec now;
    int failed = clock_gettime(which, &now);
    assert(!failed);
    return now;
}

uint64_t clock_monotonic_us(void)
{
    struct timespec now = read_clock(CLOCK_MONOTONIC);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_thread_us(void)
{
    struct timespec now = read_clock(CLOCK_THREAD_CPUTIME_ID);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int64_t clock_unix_ms(void)
{
    struct timespec now = read_clock(CLOCK_REALTIME);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + fault_point_clock_shift_ms();
}

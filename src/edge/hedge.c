// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/hedge.h"

#include <string.h>

enum { FADE_AT = 4096, LOOK_EACH = 32, FIRST_BITS = 6 };

void hedge_times_init(struct hedge_times *times, uint32_t percent)
{
    memset(times, 0, sizeof *times);
    times->percent = percent;
    times->until_look = HEDGE_MIN_TIMES;
}

static uint32_t bucket_of(uint64_t us)
{
    if (us < HEDGE_STEPS)
        return 0;
    uint32_t bits = 63 - (uint32_t)__builtin_clzll(us), doubling = bits - FIRST_BITS;
    if (doubling >= HEDGE_DOUBLINGS)
        return HEDGE_BUCKETS - 1;
    return doubling * HEDGE_STEPS + (uint32_t)(us >> doubling) - HEDGE_STEPS;
}

/* The first time that no longer falls into that bucket. */
static uint64_t end_of(uint32_t bucket)
{
    uint32_t doubling = bucket / HEDGE_STEPS;
    return (uint64_t)(bucket % HEDGE_STEPS + HEDGE_STEPS + 1) << doubling;
}

static void fade(struct hedge_times *times)
{
    times->total = 0;
    for (uint32_t i = 0; i < HEDGE_BUCKETS; i++) {
        times->counts[i] /= 2;
        times->total += times->counts[i];
    }
}

/* The end of the bucket behind which at most `percent` of all times lie. */
static uint64_t look_up(const struct hedge_times *times, uint32_t percent)
{
    uint64_t behind = 0, may_be = (uint64_t)times->total * percent / 100;
    for (uint32_t i = HEDGE_BUCKETS; i-- > 0;) {
        behind += times->counts[i];
        if (behind > may_be)
            return end_of(i);
    }
    return 0;
}

void hedge_times_add(struct hedge_times *times, uint64_t us)
{
    times->counts[bucket_of(us)]++;
    if (++times->total >= FADE_AT)
        fade(times);
    if (--times->until_look > 0)
        return;
    times->until_look = LOOK_EACH;
    times->delay_us = times->percent ? look_up(times, times->percent) : 0;
    times->usual_us = look_up(times, HEDGE_UNUSUAL_PERCENT);
}

uint64_t hedge_delay_us(const struct hedge_times *times) { return times->delay_us; }

uint64_t hedge_usual_us(const struct hedge_times *times) { return times->usual_us; }

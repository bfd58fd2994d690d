// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <stdint.h>

/*
 * hedge: when a second request is worth while: once the first one is slower than nearly all of
 * late.
 *
 * A histogram of first-byte times, 64 steps to each doubling (1.6 %), from 64 µs to 67 s; old times
 * fade by halves.  Pure.  The delay is the quantile that leaves as many requests behind it as may
 * be hedged: an earlier one would spend the budget on those that are about to answer anyway, and
 * have none left for those that are not.
 */
enum { HEDGE_STEPS = 64, HEDGE_DOUBLINGS = 20, HEDGE_BUCKETS = HEDGE_STEPS * HEDGE_DOUBLINGS };
enum { HEDGE_MIN_TIMES = 50 }; /* fewer say nothing about the slowest */
enum { HEDGE_UNUSUAL_PERCENT = 5 };

struct hedge_times {
    uint32_t counts[HEDGE_BUCKETS];
    uint32_t total;
    uint32_t until_look; /* additions until the delay is looked up anew */
    uint32_t percent;    /* of requests that may be hedged */
    uint64_t delay_us, usual_us;
};

void hedge_times_init(struct hedge_times *times, uint32_t percent);
/* How long one request waited for its answer's header; of one that lost to its hedge, how long it
 * had waited by then, which is enough to say that it was slow. */
void hedge_times_add(struct hedge_times *times, uint64_t us);
/* 0: do not hedge. */
uint64_t hedge_delay_us(const struct hedge_times *times);
/* What all but HEDGE_UNUSUAL_PERCENT of them took at most; 0: not known. */
uint64_t hedge_usual_us(const struct hedge_times *times);

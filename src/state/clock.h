// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <stdint.h>

/*
 * clock: a hybrid logical clock (Kulkarni et al. 2014): Unix ms << 16 | counter.
 *
 * Stamps of one node only grow, and are greater than every stamp it has seen, so that a change
 * made after reading another wins over it whatever the wall clocks say.  A stamp more than
 * OPERATION_FUTURE_MS ahead moves nothing. Time enters as a parameter.
 */
struct clock {
    uint64_t last;
};

uint64_t clock_next(struct clock *clock,
                    int64_t now_ms); /* a stamp for something that happens now */
void clock_observe(struct clock *clock, uint64_t stamp, int64_t now_ms);

static inline uint64_t clock_stamp(int64_t unix_ms) { return (uint64_t)unix_ms << 16; }
static inline int64_t clock_ms(uint64_t stamp) { return (int64_t)(stamp >> 16); }

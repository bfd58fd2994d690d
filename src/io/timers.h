// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/loop.h"

/*
 * timers: the binary heap behind a loop's timers, ordered by due time.  Own file so that it can be
 * tested in virtual time.  Positions are 1-based; a timer knows its own, so stopping is O(log n)
 * too.
 */
struct timers {
    struct loop_timer **heap; /* heap[0] is unused */
    size_t count, capacity;
};

void timers_release(struct timers *timers);
void timers_put(struct timers *timers, struct loop_timer *timer,
                uint64_t at_us);                                     /* adds or moves */
void timers_remove(struct timers *timers, struct loop_timer *timer); /* idle ones too */
/* Takes out the earliest timer that is due at `now_us`; NULL when none is. */
struct loop_timer *timers_take_due(struct timers *timers, uint64_t now_us);
uint64_t timers_next_us(const struct timers *timers); /* UINT64_MAX when empty */

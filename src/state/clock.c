// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/clock.h"

#include "state/operation.h"

uint64_t clock_next(struct clock *clock, int64_t now_ms)
{
    uint64_t now = clock_stamp(now_ms < 0 ? 0 : now_ms);
    clock->last =
        now > clock->last ? now : clock->last + 1; /* a full counter flows over into the next ms */
    return clock->last;
}

void clock_observe(struct clock *clock, uint64_t stamp, int64_t now_ms)
{
    if (stamp > clock->last && clock_ms(stamp) <= now_ms + OPERATION_FUTURE_MS)
        clock->last = stamp;
}

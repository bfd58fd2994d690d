// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/backoff.h"

size_t backoff_recent(const struct backoff *backoff, uint64_t since_us)
{
    size_t held = backoff->total < BACKOFF_REMEMBERED ? (size_t)backoff->total : BACKOFF_REMEMBERED;
    size_t recent = 0;
    for (size_t i = 0; i < held; i++)
        recent += backoff->crashed_at_us[i] >= since_us;
    return recent;
}

uint64_t backoff_crash(struct backoff *backoff, uint64_t now_us, uint32_t chance)
{
    backoff->crashed_at_us[backoff->total++ % BACKOFF_REMEMBERED] = now_us;
    size_t crashes =
        backoff_recent(backoff, now_us > backoff_window_us ? now_us - backoff_window_us : 0);
    if (crashes <= BACKOFF_AT_ONCE)
        return 0;
    uint64_t wait_us = backoff_first_us << (crashes - BACKOFF_AT_ONCE - 1);
    if (wait_us > backoff_most_us)
        wait_us = backoff_most_us;
    return wait_us + (wait_us / 2 * chance >> 32);
}

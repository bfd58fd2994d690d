// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stddef.h>
#include <stdint.h>

/*
 * backoff: how long to wait before a crashed server is started again.
 *
 * The first three crashes within a minute are answered at once: a rare fault costs its listeners
 * nothing.  From the fourth on the wait doubles from 100 ms to 10 s and never ends in giving up;
 * jitter of up to a half keeps many nodes that crash of one cause from coming back in step.  Pure:
 * the caller brings clock and chance.
 */
enum { BACKOFF_AT_ONCE = 3, BACKOFF_REMEMBERED = 12 };

static const uint64_t backoff_window_us = 60 * 1000 * 1000, backoff_first_us = 100 * 1000,
                      backoff_most_us = 10 * 1000 * 1000;

struct backoff {
    uint64_t crashed_at_us[BACKOFF_REMEMBERED]; /* a ring, newest at (total - 1) */
    uint64_t total;
};

/* A crash now; how long to wait.  `chance` is any 32 random bits. */
uint64_t backoff_crash(struct backoff *backoff, uint64_t now_us, uint32_t chance) MUST_USE;
/* Remembered crashes not older than `since_us`. */
size_t backoff_recent(const struct backoff *backoff, uint64_t since_us);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <stdbool.h>

/*
 * background: work that nobody waits for, and when to do it.
 */
/* This thread lets everybody else go first, on processors and disks, for good.  The kernel may
 * refuse any part of that, without harm. */
void background_enter(void);
/* In the last minute less than half of the processors had something to do or waited for a disk. */
bool background_machine_is_idle(void);

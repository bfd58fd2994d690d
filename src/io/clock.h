// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <stdint.h>

/*
 * clock: the only readers of the machine's clocks.  Everything above takes time as a parameter.
 */
uint64_t clock_monotonic_us(void); /* never goes back; meaningless between machines and boots */
uint64_t clock_thread_us(void);    /* processor time of this thread */
int64_t clock_unix_ms(void);       /* UTC; may jump */

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <stddef.h>
#include <stdint.h>

/*
 * random: unpredictable bytes from the kernel, fit for keys, ids and hash seeds.  Never fails: a
 * kernel that has none at hand is waited for (early boot), one without the call aborts the process.
 */
void random_fill(void *out, size_t size_bytes);
uint64_t random_u64(void);

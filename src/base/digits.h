// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <stdint.h>

/*
 * digits: numbers as digits where printf would cost more than all that stands around it: heads of
 * answers, dates, addresses, the access log.
 *
 * Each puts its digits at `at`, which has room, and returns the place behind them.
 */
enum { DIGITS_DECIMAL_MAX = 20, DIGITS_HEX_MAX = 16 }; /* of 64 bits */

/* The last `count` decimal digits of `value`, zeros in front. */
static inline char *digits_fixed(char *at, unsigned value, unsigned count)
{
    for (unsigned i = count; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + count;
}

static inline char *digits_decimal(char *at, uint64_t value)
{
    char reversed[DIGITS_DECIMAL_MAX];
    unsigned count = 0;
    do
        reversed[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count > 0)
        *at++ = reversed[--count];
    return at;
}

/* Lower case, no zeros in front. */
static inline char *digits_hex(char *at, uint64_t value)
{
    unsigned count = 1;
    for (uint64_t rest = value; rest >= 16; rest /= 16)
        count++;
    for (unsigned i = count; i-- > 0; value /= 16)
        at[i] = "0123456789abcdef"[value % 16];
    return at + count;
}

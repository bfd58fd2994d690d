// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/position.h"

#include <string.h>

static const char DIGITS[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
enum { BASE = 62, COARSE = 8 };
static const uint64_t STEP = 62 * 62 * 62, WHOLE = 218340105584896ULL; /* 62^8 */

static int value_of(char c)
{
    const char *found = c ? memchr(DIGITS, c, BASE) : NULL;
    return found ? (int)(found - DIGITS) : -1;
}

bool position_is_valid(struct text t)
{
    if (t.size == 0 || t.size > POSITION_BYTES || t.data[t.size - 1] == '0')
        return false;
    for (size_t i = 0; i < t.size; i++)
        if (value_of(t.data[i]) < 0)
            return false;
    return true;
}

/* Beyond the end, and for what is no digit, 0. */
static int digit_at(struct text t, size_t i)
{
    int value = i < t.size ? value_of(t.data[i]) : 0;
    return value < 0 ? 0 : value;
}

static uint64_t coarse(struct text t)
{
    uint64_t number = 0;
    for (size_t i = 0; i < COARSE; i++)
        number = number * BASE + (uint64_t)digit_at(t, i);
    return number;
}

static void from_coarse(uint64_t number, struct position *ret)
{
    *ret = (struct position){""};
    for (size_t i = COARSE; i-- > 0; number /= BASE)
        ret->digits[i] = DIGITS[number % BASE];
    size_t size = COARSE;
    while (size > 0 && ret->digits[size - 1] == '0')
        size--;
    ret->digits[size] = '\0';
}

/* The shortest fraction strictly between, digit by digit; `after` empty means 1. */
static bool middle(struct text before, struct text after, struct position *ret)
{
    bool is_open = after.size == 0; /* above: everything up to 1 */
    for (size_t i = 0; i < POSITION_BYTES; i++) {
        int low = digit_at(before, i), high = is_open ? BASE : digit_at(after, i);
        if (high - low > 1) {
            ret->digits[i] = DIGITS[(low + high) / 2];
            ret->digits[i + 1] = '\0';
            return true;
        }
        ret->digits[i] = DIGITS[low];
        is_open |= high > low; /* from here on anything above `before` is below `after` */
    }
    return false;
}

bool position_between(struct text before, struct text after, struct position *ret)
{
    if (before.size == 0 && after.size == 0) {
        from_coarse(WHOLE / 2, ret);
        return true;
    }
    if (after.size == 0 && coarse(before) < WHOLE - 2 * STEP) {
        from_coarse(coarse(before) + STEP, ret);
        return true;
    }
    if (before.size == 0 && coarse(after) > 2 * STEP) {
        from_coarse(coarse(after) - STEP, ret);
        return true;
    }
    if (after.size > 0 && text_compare(before, after) >= 0)
        return false;
    return middle(before, after, ret);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/guard.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * allowance: so many more requests than were asked for, in percent.  Pure.
 *
 * Each request earns `percent` hundredths; one more costs a hundred.  At most `burst` are saved, so
 * that a quiet hour does not pay for a storm.  Without its guard it never ends.
 */
struct allowance {
    uint32_t percent, burst;
    uint32_t hundredths;
    enum guard guard;
};

void allowance_init(struct allowance *allowance, enum guard guard, uint32_t percent, uint32_t burst,
                    uint32_t saved);
void allowance_earn(struct allowance *allowance);
bool allowance_spend(struct allowance *allowance) MUST_USE;

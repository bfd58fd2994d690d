// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/guard.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * budget: so many more requests than were asked for, in percent.  Pure.
 *
 * Each request earns `percent` hundredths; one more costs a hundred.  At most `burst` are saved, so
 * that a quiet hour does not pay for a storm.  Without its guard it never ends.
 */
struct budget {
    uint32_t percent, burst;
    uint32_t hundredths;
    enum guard guard;
};

void budget_init(struct budget *budget, enum guard guard, uint32_t percent, uint32_t burst,
                 uint32_t saved);
void budget_earn(struct budget *budget);
bool budget_spend(struct budget *budget) MUST_USE;

// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/budget.h"

static const int64_t full_hundredths = (int64_t)BUDGET_BURST_US * 100;

void budget_init(struct budget *budget, uint32_t percent, uint64_t now_us)
{
    *budget = (struct budget){percent ? percent : 1, full_hundredths, now_us};
}

bool budget_has(struct budget *budget, uint64_t now_us)
{
    if (budget->percent >= 100)
        return true;
    budget->left_hundredths += (int64_t)((now_us - budget->filled_us) * budget->percent);
    budget->filled_us = now_us;
    if (budget->left_hundredths > full_hundredths)
        budget->left_hundredths = full_hundredths;
    return budget->left_hundredths > 0;
}

void budget_charge(struct budget *budget, uint64_t spent_us)
{
    budget->left_hundredths -= (int64_t)spent_us * 100;
}

uint64_t budget_ready_at_us(const struct budget *budget)
{
    if (budget->left_hundredths > 0)
        return budget->filled_us;
    return budget->filled_us + (uint64_t)-budget->left_hundredths / budget->percent + 1;
}

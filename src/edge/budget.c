// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/budget.h"

void budget_init(struct budget *budget, enum guard guard, uint32_t percent, uint32_t burst,
                 uint32_t saved)
{
    *budget = (struct budget){.percent = percent,
                              .burst = burst,
                              .hundredths = percent ? saved * UINT32_C(100) : 0,
                              .guard = guard};
}

void budget_earn(struct budget *budget)
{
    uint32_t most = budget->burst * 100;
    budget->hundredths += budget->percent;
    if (budget->hundredths > most)
        budget->hundredths = most;
}

bool budget_spend(struct budget *budget)
{
    if (!guard_is_on(budget->guard))
        return true;
    if (budget->hundredths < 100)
        return false;
    budget->hundredths -= 100;
    return true;
}

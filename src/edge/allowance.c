// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/allowance.h"

void allowance_init(struct allowance *allowance, enum guard guard, uint32_t percent, uint32_t burst,
                    uint32_t saved)
{
    *allowance = (struct allowance){.percent = percent,
                                    .burst = burst,
                                    .hundredths = percent ? saved * UINT32_C(100) : 0,
                                    .guard = guard};
}

void allowance_earn(struct allowance *allowance)
{
    uint32_t most = allowance->burst * 100;
    allowance->hundredths += allowance->percent;
    if (allowance->hundredths > most)
        allowance->hundredths = most;
}

bool allowance_spend(struct allowance *allowance)
{
    if (!guard_is_on(allowance->guard))
        return true;
    if (allowance->hundredths < 100)
        return false;
    allowance->hundredths -= 100;
    return true;
}

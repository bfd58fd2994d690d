// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/budget.h"
#include "tap.h"

/* Work in pieces of `piece_us` whenever the budget allows, for `span_us`; how much was done. */
static uint64_t work(uint32_t percent, uint64_t piece_us, uint64_t span_us)
{
    struct budget budget;
    uint64_t done_us = 0, now_us = 1000;
    budget_init(&budget, percent, now_us);
    while (now_us < 1000 + span_us) {
        if (budget_has(&budget, now_us)) {
            budget_charge(&budget, piece_us);
            done_us += piece_us;
            now_us += piece_us;
        } else {
            now_us = budget_ready_at_us(&budget);
        }
    }
    return done_us;
}

int main(void)
{
    struct budget budget;
    uint64_t second = 1000 * 1000;
    uint64_t done_us = work(25, 300, second);
    OK(done_us <= second / 4 + BUDGET_BURST_US + 300,
       "no more than the share, a burst and a piece");
    OK(done_us >= second / 4, "and the whole share is there to be used");
    done_us = work(75, 7, second);
    OK(done_us <= second * 3 / 4 + BUDGET_BURST_US + 7 && done_us >= second * 3 / 4 - second / 50,
       "small pieces come out the same");
    OK(work(10, 200000, second) <= second / 10 + 200000 + BUDGET_BURST_US,
       "a piece larger than the bucket is paid for afterwards");
    OK(work(100, 300, second) >= second, "100 percent is no bound");

    budget_init(&budget, 50, 0);
    budget_charge(&budget, BUDGET_BURST_US + 100);
    uint64_t ready_us = budget_ready_at_us(&budget);
    OK(!budget_has(&budget, ready_us - 2) && budget_has(&budget, ready_us),
       "it is ready when it says so");
    budget_init(&budget, 50, 0);
    OK(budget_has(&budget, 3600 * second) && budget.left_hundredths == BUDGET_BURST_US * 100,
       "an idle hour saves up no more than a burst");
    budget_init(&budget, 1, 0);
    budget_charge(&budget, BUDGET_BURST_US);
    for (uint64_t now_us = 1; now_us <= 300; now_us++)
        (void)budget_has(&budget, now_us);
    OK(budget_has(&budget, 301), "asking often loses nothing");
    return tap_done();
}

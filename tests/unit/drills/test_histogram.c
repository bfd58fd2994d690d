// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/histogram.h"
#include "tap.h"

static void quantiles_err_by_an_eighth_at_most(void)
{
    bool holds = true;
    for (uint64_t ms = 1; ms < 240000; ms += ms / 7 + 1) {
        struct histogram one = {0};
        histogram_add(&one, ms);
        histogram_add(&one, 1000000);
        uint64_t told = histogram_quantile_ms(&one, 500);
        holds &= told >= ms && told <= ms + ms / 8;
    }
    OK(holds, "a quantile is never less than the value and at most an eighth more");
}

static void quantiles_of_many(void)
{
    struct histogram many = {0};
    OK(histogram_quantile_ms(&many, 990) == 0, "an empty histogram has quantiles of 0");
    for (uint64_t ms = 1; ms <= 1000; ms++)
        histogram_add(&many, ms);
    uint64_t median = histogram_quantile_ms(&many, 500), last = histogram_quantile_ms(&many, 990);
    OK(median >= 500 && median <= 562, "the median of 1 to 1,000 is near 500");
    OK(last >= 990 && last <= 1000, "a quantile is never more than the greatest value");
    OK(many.max_ms == 1000 && many.sum_ms == 500500, "greatest value and sum are exact");
}

static void subtraction(void)
{
    struct histogram all = {0}, before;
    for (int i = 0; i < 10; i++)
        histogram_add(&all, 5000);
    before = all;
    histogram_add(&all, 3);
    histogram_add(&all, 40);
    histogram_subtract(&all, &before);
    OK(all.count == 2 && all.sum_ms == 43, "what came before is taken away");
    OK(all.max_ms >= 40 && all.max_ms < 45, "its greatest value no longer counts");
    histogram_sum(&all, &before);
    OK(all.count == 12 && all.max_ms == 5000, "two histograms add up");
}

int main(void)
{
    quantiles_err_by_an_eighth_at_most();
    quantiles_of_many();
    subtraction();
    return tap_done();
}

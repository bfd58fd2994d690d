// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <stdint.h>

/*
 * histogram: times in milliseconds, counted in steps: cheap to add, to sum and to
 * subtract.
 *
 * Values below 8 ms are exact; above, eight steps an octave (a quantile errs by at most 12.5 %)
 * up to 2^18 ms (262 s) and more, where the last step takes all.  A value of its own, no memory
 * behind it.
 */
enum { HISTOGRAM_STEPS = 128 };

struct histogram {
    uint32_t steps[HISTOGRAM_STEPS];
    uint32_t count;
    uint32_t max_ms; /* exact, of all that were added */
    uint64_t sum_ms;
};

void histogram_add(struct histogram *histogram, uint64_t ms);
void histogram_sum(struct histogram *histogram, const struct histogram *more);
/* What came after `before`, an earlier copy of the same; max_ms is then that of the last step. */
void histogram_subtract(struct histogram *histogram, const struct histogram *before);
/*
 * The time that at least `per_mille` thousandths of all values do not exceed (500 is the median),
 * rounded up to its step's end but never past max_ms; 0 of an empty one.
 */
uint64_t histogram_quantile_ms(const struct histogram *histogram, unsigned per_mille);

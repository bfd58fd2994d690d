// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/histogram.h"

#include <assert.h>

/* Step of a value: exact below 8, then the top three bits behind the leading one. */
enum { EXACT = 8, STEPS_AN_OCTAVE = 8, OCTAVE_BITS = 3 };

static unsigned step_of(uint64_t ms)
{
    if (ms < EXACT)
        return (unsigned)ms;
    unsigned octave = 63u - (unsigned)__builtin_clzll(ms) - OCTAVE_BITS;
    unsigned step =
        EXACT + octave * STEPS_AN_OCTAVE + (unsigned)((ms >> octave) & (STEPS_AN_OCTAVE - 1));
    return step < HISTOGRAM_STEPS ? step : HISTOGRAM_STEPS - 1;
}

/* The largest value that belongs to it. */
static uint64_t step_end(unsigned step)
{
    if (step < EXACT)
        return step;
    unsigned octave = (step - EXACT) / STEPS_AN_OCTAVE;
    uint64_t first = (uint64_t)(STEPS_AN_OCTAVE + (step - EXACT) % STEPS_AN_OCTAVE) << octave;
    return first + ((uint64_t)1 << octave) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t ms)
{
    histogram->steps[step_of(ms)]++;
    histogram->count++;
    histogram->sum_ms += ms;
    if (ms > histogram->max_ms)
        histogram->max_ms = ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

void histogram_sum(struct histogram *histogram, const struct histogram *more)
{
    for (unsigned i = 0; i < HISTOGRAM_STEPS; i++)
        histogram->steps[i] += more->steps[i];
    histogram->count += more->count;
    histogram->sum_ms += more->sum_ms;
    if (more->max_ms > histogram->max_ms)
        histogram->max_ms = more->max_ms;
}

void histogram_subtract(struct histogram *histogram, const struct histogram *before)
{
    unsigned last = HISTOGRAM_STEPS;
    for (unsigned i = 0; i < HISTOGRAM_STEPS; i++) {
        assert(histogram->steps[i] >= before->steps[i]);
        histogram->steps[i] -= before->steps[i];
        if (histogram->steps[i] > 0)
            last = i;
    }
    histogram->count -= before->count;
    histogram->sum_ms -= before->sum_ms;
    if (last == HISTOGRAM_STEPS)
        histogram->max_ms = 0;
    else if (step_end(last) < histogram->max_ms && last < HISTOGRAM_STEPS - 1)
        histogram->max_ms = (uint32_t)step_end(last);
}

uint64_t histogram_quantile_ms(const struct histogram *histogram, unsigned per_mille)
{
    uint64_t wanted = ((uint64_t)histogram->count * per_mille + 999) / 1000, seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_STEPS; i++) {
        seen += histogram->steps[i];
        if (seen >= wanted && seen > 0) {
            uint64_t end = i < HISTOGRAM_STEPS - 1 ? step_end(i) : histogram->max_ms;
            return end < histogram->max_ms ? end : histogram->max_ms;
        }
    }
    return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/evidence.h"

#include "base/mem.h"

enum { MOMENT_S = 3, SETTLED_S = 4 /* the first plays have counted */ };

void evidence_release(struct evidence *evidence)
{
    mem_free_p(&evidence->seconds);
    evidence->second_count = 0;
}

static int64_t end_of(const struct scenario_fault *fault)
{
    return fault_lasts(fault->kind) ? fault->until_s : fault->at_s + MOMENT_S;
}

bool evidence_fault_span(const struct scenario *scenario, int64_t *ret_begin_s, int64_t *ret_end_s)
{
    if (scenario->fault_count == 0)
        return false;
    *ret_begin_s = INT64_MAX;
    *ret_end_s = 0;
    for (size_t i = 0; i < scenario->fault_count; i++) {
        const struct scenario_fault *fault = &scenario->faults[i];
        if (fault->at_s < *ret_begin_s)
            *ret_begin_s = fault->at_s;
        if (end_of(fault) > *ret_end_s)
            *ret_end_s = end_of(fault);
    }
    return true;
}

static bool is_troubled(const struct load_second *second)
{
    return second->failed || second->gaps || second->silent || second->gap_ms ||
           second->other_failures;
}

/* The latest fault that had begun by then, or -1. */
static int64_t blamed_s(const struct scenario *scenario, int64_t second)
{
    int64_t latest = -1;
    for (size_t i = 0; i < scenario->fault_count; i++)
        if (scenario->faults[i].at_s <= second && scenario->faults[i].at_s > latest)
            latest = scenario->faults[i].at_s;
    return latest;
}

int64_t evidence_recover_s(const struct scenario *scenario, const struct evidence *evidence)
{
    int64_t longest = 0;
    for (size_t i = 0; i < evidence->second_count; i++) {
        int64_t blamed = blamed_s(scenario, (int64_t)i);
        if (blamed >= 0 && is_troubled(&evidence->seconds[i].load) &&
            (int64_t)i + 1 - blamed > longest)
            longest = (int64_t)i + 1 - blamed;
    }
    return longest;
}

int64_t evidence_amplification(const struct evidence *evidence)
{
    uint64_t taps = evidence->during.taps + evidence->after.taps;
    uint64_t requests = evidence->during.requests + evidence->after.requests;
    if (evidence->before.taps == 0 || evidence->before.requests == 0 || taps == 0)
        return -1;
    return (int64_t)(100.0 * (double)requests / (double)taps /
                     ((double)evidence->before.requests / (double)evidence->before.taps));
}

/* --- what an origin is asked --- */

struct asked_span {
    uint64_t asked, writes;
    uint8_t edges;
};

static struct asked_span sum_asked(const struct evidence *evidence, size_t from, size_t end)
{
    struct asked_span sum = {0};
    for (size_t i = from; i < end && i < evidence->second_count; i++) {
        sum.asked += evidence->seconds[i].asked;
        sum.writes += evidence->seconds[i].load.writes_acknowledged;
        sum.edges |= evidence->seconds[i].asked_by;
    }
    return sum;
}

/* When the last fault of that target is over; 0 without any. */
static int64_t over_s(const struct scenario *scenario, enum fault_target target)
{
    int64_t over = 0;
    for (size_t i = 0; i < scenario->fault_count; i++) {
        const struct scenario_fault *fault = &scenario->faults[i];
        int64_t at = fault_lasts(fault->kind) ? fault->until_s : fault->at_s;
        if (fault_target(fault->kind) == target && at > over)
            over = at;
    }
    return over;
}

int64_t evidence_origin_load(const struct scenario *scenario, const struct evidence *evidence)
{
    int64_t first_s, last_s, from_s = over_s(scenario, FAULT_TARGET_SERVER);
    size_t count = evidence->second_count;
    if (!evidence_fault_span(scenario, &first_s, &last_s))
        return -1;
    size_t from = (size_t)(from_s ? from_s : over_s(scenario, FAULT_TARGET_LINE));
    while (from < count && !evidence->seconds[from].asked_by)
        from++;
    size_t first = (size_t)first_s, length = from < count ? count - from : 0;
    size_t begin = first > length + SETTLED_S ? first - length : SETTLED_S;
    struct asked_span before = sum_asked(evidence, begin, first),
                      after = sum_asked(evidence, from, count);
    if (!before.asked || !before.writes || !after.writes || before.edges & ~after.edges)
        return -1;
    return (int64_t)(100.0 * (double)after.asked / (double)after.writes /
                     ((double)before.asked / (double)before.writes));
}

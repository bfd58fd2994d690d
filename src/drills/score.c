// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/score.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct limit_row {
    const char *name, *unit;
    enum limit_severity severity;
    enum limit_kind kind;
} rows[] = {
#define LIMIT(name, unit, severity, kind, help) {#name, unit, severity, kind},
#include "drills/limits.def"
#undef LIMIT
};

const char *limit_name(enum limit limit) { return rows[limit].name; }
const char *limit_unit(enum limit limit) { return rows[limit].unit; }
enum limit_severity limit_severity(enum limit limit) { return rows[limit].severity; }

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {"survived", "degraded", "failed", "not proven"};
    return names[verdict];
}

/* --- what each limit measures; -1: there was nothing to measure --- */

static int64_t tries(const struct load_tries *tries)
{
    return tries->tried ? (int64_t)tries->failed : -1;
}

static int64_t failed_share(const struct load_figures *whole)
{
    return whole->taps ? (int64_t)((whole->plays_failed * 100 + whole->taps - 1) / whole->taps)
                       : -1;
}

static int64_t written(const struct evidence *evidence, bool is_lost)
{
    int64_t sum = 0;
    bool is_proven = evidence->readback.is_proven ||
                     (evidence->ear.writes > 0 && evidence->readback.accounts_unreadable == 0);
    if (!evidence->has_readback || !is_proven)
        return -1;
    for (unsigned i = 0; i < LOAD_WRITE_KINDS; i++)
        sum += (int64_t)(is_lost ? evidence->readback.kinds[i].lost
                                 : evidence->readback.kinds[i].duplicated);
    return sum + (int64_t)(is_lost ? evidence->ear.writes_lost : evidence->ear.writes_doubled);
}

static int64_t measure(const struct scenario *scenario, const struct evidence *evidence,
                       enum limit limit)
{
    const struct load_figures *whole = &evidence->whole;
    switch (limit) {
    case LIMIT_AT_failed_plays:
        return whole->taps ? (int64_t)whole->plays_failed : -1;
    case LIMIT_AT_failed_plays_percent:
        return failed_share(whole);
    case LIMIT_AT_gaps:
        return whole->plays_started ? (int64_t)whole->gaps : -1;
    case LIMIT_AT_gap_ms_max:
        return whole->plays_started ? (int64_t)whole->gap_ms.max_ms : -1;
    case LIMIT_AT_wrong_segments:
        return whole->segments ? (int64_t)whole->wrong_segments : -1;
    case LIMIT_AT_start_ms_p99:
        return whole->start_ms.count ? (int64_t)histogram_quantile_ms(&whole->start_ms, 990) : -1;
    case LIMIT_AT_signin_fail:
        return tries(&whole->sign_ins);
    case LIMIT_AT_search_fail:
        return tries(&whole->searches);
    case LIMIT_AT_playlist_fail:
        return tries(&whole->playlists);
    case LIMIT_AT_home_fail:
        return tries(&whole->homes);
    case LIMIT_AT_writes_refused:
        return tries(&whole->writes);
    case LIMIT_AT_writes_lost:
        return written(evidence, true);
    case LIMIT_AT_writes_doubled:
        return written(evidence, false);
    case LIMIT_AT_stolen_writes:
        return evidence->has_readback && evidence->readback.accounts_unreadable == 0
                   ? (int64_t)evidence->readback.stolen
                   : -1;
    case LIMIT_AT_hangups:
        return whole->requests ? (int64_t)whole->hangups : -1;
    case LIMIT_AT_ear_gap_ms:
        return evidence->ear.has_heard ? (int64_t)evidence->ear.longest_gap_ms : -1;
    case LIMIT_AT_ear_wrong_samples:
        return evidence->ear.has_heard ? (int64_t)evidence->ear.wrong_samples : -1;
    case LIMIT_AT_ear_failed:
        return evidence->ear.tried ? (int64_t)evidence->ear.failed : -1;
    case LIMIT_AT_attack_ms_max:
        return whole->attack_ms_max ? (int64_t)whole->attack_ms_max : -1;
    case LIMIT_AT_down_ms:
        return (int64_t)evidence->down_ms_max;
    case LIMIT_AT_recover_s:
        return evidence_recover_s(scenario, evidence);
    case LIMIT_AT_amplification_percent:
        return evidence_amplification(evidence);
    case LIMIT_AT_origin_load_percent:
        return evidence_origin_load(scenario, evidence);
    case LIMIT_AT_memory_mib:
        return evidence->memory_peak_bytes ? (int64_t)(evidence->memory_peak_bytes >> 20) : -1;
    case LIMITS:
        break;
    }
    return -1;
}

static void take_probes(const struct scenario *scenario, const struct evidence *evidence,
                        struct score *score)
{
    const int64_t limits[] = {
#define LIMIT(name, unit, severity, kind, help) scenario->limits.name,
#include "drills/limits.def"
#undef LIMIT
    };
    unsigned given = 0, held = 0;
    for (unsigned i = 0; i < LIMITS; i++) {
        struct score_probe *probe = &score->probes[i];
        probe->value = measure(scenario, evidence, (enum limit)i);
        probe->limit = limits[i];
        probe->is_given = limits[i] != SCENARIO_NOT_GIVEN;
        probe->is_proven = probe->value >= 0;
        probe->holds = probe->is_proven && probe->value <= probe->limit;
        given += probe->is_given;
        held += probe->is_given && probe->holds;
    }
    score->percent = given ? 100 * held / given : 0;
}

/* --- the verdict: the first reason in this order --- */

static bool say(struct score *score, enum verdict verdict, const char *format, ...)
    PRINTF_LIKE(3, 4);
static bool say(struct score *score, enum verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(score->why, sizeof score->why, format, arguments);
    va_end(arguments);
    score->verdict = verdict;
    return true;
}

static bool machine_was_too_slow(const struct evidence *evidence, struct score *score)
{
    const struct evidence_control *control = &evidence->control;
    if (!evidence->has_begun)
        return say(score, VERDICT_NOT_PROVEN, "it did not begin: %s", evidence->why);
    if (control->has_run && !control->kept_up)
        return say(
            score, VERDICT_NOT_PROVEN,
            "the machine is too slow: against a null server the listeners' clock ran %llu ms "
            "late",
            (unsigned long long)control->late_ms_max);
    if (control->has_run && (control->plays_failed || control->gaps || !control->plays_started))
        return say(score, VERDICT_NOT_PROVEN,
                   "the machine is too slow: against a null server %llu plays failed, %llu gaps",
                   (unsigned long long)control->plays_failed, (unsigned long long)control->gaps);
    return !load_kept_up(&evidence->whole) &&
           say(score, VERDICT_NOT_PROVEN, "the listeners' own clock ran %llu ms late",
               (unsigned long long)evidence->whole.late_ms_max);
}

static bool nobody_listened(const struct scenario *scenario, const struct evidence *evidence,
                            struct score *score)
{
    if (evidence->whole.plays_started == 0 && evidence->whole.plays_failed == 0)
        return say(score, VERDICT_NOT_PROVEN, "nobody listened");
    return scenario->fault_count > 0 && !evidence->was_stopped &&
           evidence->before.plays_started == 0 &&
           say(score, VERDICT_NOT_PROVEN, "nobody listened before the first fault");
}

/* At least `least` of its faults must have left a trace. */
static bool nothing_happened(const struct scenario *scenario, const struct evidence *evidence,
                             size_t least, struct score *score)
{
    size_t bitten = 0, innocent = 0;
    for (size_t i = 0; i < scenario->fault_count; i++)
        if (evidence->faults[i].has_bit)
            bitten++;
        else
            innocent = i;
    return bitten < least &&
           say(score, VERDICT_NOT_PROVEN, "%s: %s", fault_name(scenario->faults[innocent].kind),
               evidence->faults[innocent].words);
}

static bool limit_is_broken(struct score *score, enum limit_severity severity, enum limit_kind kind,
                            enum verdict verdict)
{
    for (unsigned i = 0; i < LIMITS; i++) {
        const struct score_probe *probe = &score->probes[i];
        if (probe->is_given && probe->is_proven && !probe->holds && rows[i].severity == severity &&
            rows[i].kind == kind)
            return say(score, verdict, "%s is %lld%s, more than %lld", rows[i].name,
                       (long long)probe->value, rows[i].unit, (long long)probe->limit);
    }
    return false;
}

/* What was broken while the server had no processor to run on is the machine's doing. */
static bool excuse(const struct evidence *evidence, struct score *score)
{
    char broken[sizeof score->why];
    if (evidence->guards_off[0] || evidence->starved_ms_max <= SCORE_STARVED_MS)
        return true;
    (void)snprintf(broken, sizeof broken, "%s", score->why);
    return say(score, VERDICT_NOT_PROVEN,
               "the machine is too slow: %.120s, but the server waited %llu ms of a second for a "
               "processor",
               broken, (unsigned long long)evidence->starved_ms_max);
}

static bool something_was_not_seen(const struct scenario *scenario, const struct evidence *evidence,
                                   struct score *score)
{
    for (unsigned i = 0; i < LIMITS; i++)
        if (score->probes[i].is_given && !score->probes[i].is_proven)
            return say(score, VERDICT_NOT_PROVEN, "there was nothing to measure for %s",
                       rows[i].name);
    for (size_t i = 0; i < scenario->about.words.count; i++)
        if (!evidence->has_words[i])
            return say(score, VERDICT_NOT_PROVEN, "nobody said \"%s\"",
                       scenario->about.words.items[i]);
    return false;
}

void score_judge(const struct scenario *scenario, const struct evidence *evidence,
                 struct score *ret)
{
    *ret = (struct score){.verdict = VERDICT_SURVIVED};
    take_probes(scenario, evidence, ret);
    /* a server that the first fault brought down cannot feel the second: it failed all the same */
    size_t faults = scenario->fault_count;
    bool is_said =
        machine_was_too_slow(evidence, ret) || nobody_listened(scenario, evidence, ret) ||
        nothing_happened(scenario, evidence, faults > 0, ret) ||
        limit_is_broken(ret, LIMIT_HEARD, LIMIT_OF_FACT, VERDICT_FAILED) ||
        (evidence->was_stopped &&
         say(ret, VERDICT_FAILED, "stopped early: %s", evidence->stop_words) &&
         excuse(evidence, ret)) ||
        (limit_is_broken(ret, LIMIT_HEARD, LIMIT_OF_TIME, VERDICT_FAILED) &&
         excuse(evidence, ret)) ||
        (evidence->exit_code != 0 &&
         say(ret, VERDICT_FAILED, "the server ended with code %d", evidence->exit_code)) ||
        nothing_happened(scenario, evidence, faults, ret) ||
        something_was_not_seen(scenario, evidence, ret) ||
        limit_is_broken(ret, LIMIT_SEEN, LIMIT_OF_FACT, VERDICT_DEGRADED) ||
        (limit_is_broken(ret, LIMIT_SEEN, LIMIT_OF_TIME, VERDICT_DEGRADED) &&
         excuse(evidence, ret));
    if (!is_said)
        (void)snprintf(ret->why, sizeof ret->why, "%.*s", (int)sizeof ret->why - 1,
                       scenario->about.proves);
    if (ret->verdict == VERDICT_NOT_PROVEN)
        ret->percent = 0;
}

/* --- the total --- */

static struct score_class *class_named(struct score_total *total, const char *name)
{
    for (size_t i = 0; i < total->class_count; i++)
        if (strcmp(total->classes[i].name, name) == 0)
            return &total->classes[i];
    if (total->class_count == SCORE_MAX_CLASSES)
        return &total->classes[SCORE_MAX_CLASSES - 1];
    total->classes[total->class_count].name = name;
    return &total->classes[total->class_count++];
}

void score_add(struct score_total *total, const struct scenario *scenario,
               const struct score *score)
{
    struct score_class *class = class_named(total, scenario->about.class);
    bool has_lost = score->probes[LIMIT_AT_writes_lost].value > 0;
    class->scenarios++;
    class->weight += (unsigned)scenario->about.weight;
    class->points += (unsigned)scenario->about.weight * score->percent;
    total->counts[score->verdict]++;
    if (!class->is_capped && (has_lost || score->verdict == VERDICT_NOT_PROVEN)) {
        class->is_capped = true;
        class->capped_by = scenario->about.name;
    }
}

void score_sum(struct score_total *total)
{
    unsigned weight = 0, points = 0;
    for (size_t i = 0; i < total->class_count; i++) {
        weight += total->classes[i].weight;
        if (!total->classes[i].is_capped)
            points += total->classes[i].points;
    }
    total->percent = weight ? points / weight : 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* From evidence to verdicts and totals. */
#include "drills/score.h"
#include "tap.h"

#include <string.h>

static struct evidence_second seconds[12];

static struct scenario scenario_of(const char *name, const char *class, int64_t weight)
{
    struct scenario scenario = {
        .about = {.name = (char *)(uintptr_t)name,
                  .class = (char *)(uintptr_t) class,
                  .proves = (char *)(uintptr_t) "It works.",
                  .weight = weight,
                  .seconds = 12},
        .fault_count = 1,
        .faults = {{.kind = FAULT_KILL, .at_s = 4, .until_s = SCENARIO_NOT_GIVEN}}};
    int64_t *limits = (int64_t *)&scenario.limits;
    for (size_t i = 0; i < LIMITS; i++)
        limits[i] = SCENARIO_NOT_GIVEN;
    scenario.limits.failed_plays = 0;
    scenario.limits.start_ms_p99 = 500;
    return scenario;
}

/* Everything went well. */
static struct evidence good_evidence(void)
{
    struct evidence evidence = {.has_begun = true, .seconds = seconds, .second_count = 12};
    memset(seconds, 0, sizeof seconds);
    evidence.whole = (struct load_figures){.taps = 50, .plays_started = 50, .requests = 500};
    evidence.before = (struct load_figures){.taps = 20, .plays_started = 20, .requests = 200};
    evidence.during = (struct load_figures){.taps = 10, .plays_started = 10, .requests = 150};
    evidence.after = (struct load_figures){.taps = 20, .plays_started = 20, .requests = 150};
    histogram_add(&evidence.whole.start_ms, 40);
    evidence.faults[0].has_bit = true;
    evidence.control =
        (struct evidence_control){.has_run = true, .kept_up = true, .plays_started = 9};
    return evidence;
}

static bool is_judged(const struct scenario *scenario, const struct evidence *evidence,
                      enum verdict verdict, const char *words)
{
    struct score score;
    score_judge(scenario, evidence, &score);
    bool holds = score.verdict == verdict && text_contains(text_of(score.why), text_of(words));
    if (!holds)
        printf("# got %s: %s\n", verdict_name(score.verdict), score.why);
    return holds;
}

static void test_verdicts(void)
{
    struct scenario scenario = scenario_of("x", "crash", 5);
    struct evidence evidence = good_evidence();
    OK(is_judged(&scenario, &evidence, VERDICT_SURVIVED, "It works."), "what held survived");
    evidence.whole.plays_failed = 1;
    OK(is_judged(&scenario, &evidence, VERDICT_FAILED, "failed_plays is 1, more than 0"),
       "what a listener hears fails the drill");
    evidence = good_evidence();
    histogram_add(&evidence.whole.start_ms, 900);
    OK(is_judged(&scenario, &evidence, VERDICT_DEGRADED, "start_ms_p99"),
       "what a listener only sees degrades it");
    evidence = good_evidence();
    evidence.exit_code = 134;
    OK(is_judged(&scenario, &evidence, VERDICT_FAILED, "ended with code 134"),
       "a server that ends badly fails it");
    evidence = good_evidence();
    evidence.was_stopped = true;
    OK(is_judged(&scenario, &evidence, VERDICT_FAILED, "stopped early"),
       "so does a stop condition");
}

/* The scenario has a limit of time only. */
static void test_starved(struct scenario scenario)
{
    struct evidence evidence = good_evidence();
    evidence.starved_ms_max = SCORE_STARVED_MS + 1;
    OK(is_judged(&scenario, &evidence, VERDICT_SURVIVED, ""),
       "a server without a processor that keeps its limits all the same survives");
    evidence.whole.plays_failed = 1;
    OK(is_judged(&scenario, &evidence, VERDICT_NOT_PROVEN, "failed_plays is 1, more than 0, but"),
       "one that breaks them meanwhile proves nothing");
    (void)snprintf(evidence.guards_off, sizeof evidence.guards_off, "some-guard");
    OK(is_judged(&scenario, &evidence, VERDICT_FAILED, "failed_plays"), "unless it is a twin");
    evidence.guards_off[0] = '\0';
    evidence.has_readback = evidence.readback.is_proven = true;
    evidence.readback.kinds[LOAD_WRITE_STAR].lost = 1;
    scenario.limits.writes_lost = 0;
    OK(is_judged(&scenario, &evidence, VERDICT_FAILED, "writes_lost"),
       "and a lost write is lost on any machine");
    evidence = good_evidence();
    scenario.limits.writes_lost = SCENARIO_NOT_GIVEN;
    histogram_add(&evidence.whole.start_ms, 900);
    evidence.starved_ms_max = SCORE_STARVED_MS + 1;
    OK(is_judged(&scenario, &evidence, VERDICT_NOT_PROVEN, "start_ms_p99"),
       "what would only be seen is excused too");
}

static void test_not_proven(void)
{
    struct scenario scenario = scenario_of("x", "crash", 5);
    struct evidence evidence = good_evidence();
    evidence.faults[0].has_bit = false;
    OK(is_judged(&scenario, &evidence, VERDICT_NOT_PROVEN, "kill"),
       "a fault that did not bite proves nothing");
    scenario.fault_count = 2;
    scenario.faults[1] = scenario.faults[0];
    evidence.faults[0].has_bit = true;
    OK(is_judged(&scenario, &evidence, VERDICT_NOT_PROVEN, "kill"), "nor does one of two");
    evidence.whole.plays_failed = 1;
    OK(is_judged(&scenario, &evidence, VERDICT_FAILED, "failed_plays"),
       "unless the first one was bad enough");
    scenario.fault_count = 1;
    evidence = good_evidence();
    evidence.whole.plays_started = evidence.whole.plays_failed = 0;
    OK(is_judged(&scenario, &evidence, VERDICT_NOT_PROVEN, "nobody listened"),
       "nor does a drill without listeners");
    evidence = good_evidence();
    evidence.before.plays_started = 0;
    OK(is_judged(&scenario, &evidence, VERDICT_NOT_PROVEN, "before the first fault"),
       "nor one whose listeners came too late");
    evidence = good_evidence();
    evidence.control.plays_failed = 1;
    evidence.whole.plays_failed = 5;
    OK(is_judged(&scenario, &evidence, VERDICT_NOT_PROVEN, "machine is too slow"),
       "a null server that serves badly blames the machine, not the server");
    evidence = good_evidence();
    evidence.whole.late_ms_max = LOAD_LATE_MS + 1;
    OK(is_judged(&scenario, &evidence, VERDICT_NOT_PROVEN, "own clock"), "so does a late load");
    test_starved(scenario);
    evidence = good_evidence();
    scenario.limits.writes_lost = 0;
    OK(is_judged(&scenario, &evidence, VERDICT_NOT_PROVEN, "nothing to measure for writes_lost"),
       "a limit without a measurement is not held");
    evidence.has_readback = evidence.readback.is_proven = true;
    OK(is_judged(&scenario, &evidence, VERDICT_SURVIVED, ""), "with one it is");
    evidence.readback.kinds[LOAD_WRITE_STAR].lost = 1;
    OK(is_judged(&scenario, &evidence, VERDICT_FAILED, "writes_lost"), "a lost write fails");
    evidence.readback.kinds[LOAD_WRITE_STAR].lost = 0;
    scenario.limits.wrong_segments = 0;
    OK(is_judged(&scenario, &evidence, VERDICT_NOT_PROVEN, "measure for wrong_segments"),
       "where no segment was compared none was right");
    evidence.whole.segments = 9;
    OK(is_judged(&scenario, &evidence, VERDICT_SURVIVED, ""), "where all were, they were");
    evidence.whole.wrong_segments = 1;
    OK(is_judged(&scenario, &evidence, VERDICT_FAILED, "wrong_segments is 1"), "a wrong one fails");
    evidence = good_evidence();
    scenario = scenario_of("x", "crash", 5);
    scenario.about.words.items[scenario.about.words.count++] = (char *)(uintptr_t) "back";
    OK(is_judged(&scenario, &evidence, VERDICT_NOT_PROVEN, "nobody said \"back\""),
       "words that are not said are not proven");
    evidence.has_begun = false;
    OK(is_judged(&scenario, &evidence, VERDICT_NOT_PROVEN, "did not begin"),
       "what never began is not proven");
}

static void test_evidence(void)
{
    struct scenario scenario = scenario_of("x", "crash", 5);
    struct evidence evidence = good_evidence();
    int64_t begin_s = 0, end_s = 0;
    OK(evidence_fault_span(&scenario, &begin_s, &end_s) && begin_s == 4 && end_s == 7,
       "a moment stands for three seconds");
    OK(evidence_recover_s(&scenario, &evidence) == 0, "without trouble there is no recovery");
    seconds[1].load.failed = 1;
    OK(evidence_recover_s(&scenario, &evidence) == 0, "trouble before a fault is none of its");
    seconds[4].load.failed = seconds[6].load.gaps = 1;
    OK(evidence_recover_s(&scenario, &evidence) == 3,
       "recovery ends with the last second of trouble");
    scenario.faults[1] = (struct scenario_fault){.kind = FAULT_HANG, .at_s = 5, .until_s = 9};
    scenario.fault_count = 2;
    OK(evidence_recover_s(&scenario, &evidence) == 2, "trouble is the latest fault's");
    OK(evidence_fault_span(&scenario, &begin_s, &end_s) && end_s == 9,
       "a fault that lasts has its end");
    OK(evidence_amplification(&evidence) == 100, "as many requests a tap as before are 100 %");
    evidence.during.requests += 150;
    OK(evidence_amplification(&evidence) == 150, "half as many more are 150 %");
    evidence.before.taps = 0;
    OK(evidence_amplification(&evidence) == -1, "without taps there is no answer");
}

/* A write and `asked` requests by `edges` in each second. */
static void fill_asked(size_t from, size_t end, uint32_t asked, uint8_t edges)
{
    for (size_t i = from; i < end; i++)
        seconds[i] = (struct evidence_second){
            .load.writes_acknowledged = 1, .asked = asked, .asked_by = edges};
}

static void test_origin_load(void)
{
    struct scenario scenario = scenario_of("x", "island", 5);
    struct evidence evidence = good_evidence();
    scenario.faults[0] = (struct scenario_fault){.kind = FAULT_POWER, .at_s = 6, .until_s = 8};
    fill_asked(0, 4, 90, 3);
    fill_asked(4, 6, 10, 3);
    fill_asked(6, 10, 0, 0); /* asked late once it is back */
    fill_asked(10, 12, 10, 3);
    OK(evidence_origin_load(&scenario, &evidence) == 100,
       "an origin that is asked as much as before it went, from the first request on");
    seconds[10].asked = 20;
    OK(evidence_origin_load(&scenario, &evidence) == 150, "is asked half as much again");
    fill_asked(10, 12, 10, 1);
    OK(evidence_origin_load(&scenario, &evidence) == -1, "an edge that is not back is missed");
    fill_asked(10, 12, 0, 0);
    OK(evidence_origin_load(&scenario, &evidence) == -1, "as all are that ask nothing");
    fill_asked(6, 12, 10, 3);
    scenario.faults[1] = (struct scenario_fault){.kind = FAULT_RATE, .at_s = 5, .until_s = 99};
    scenario.fault_count = 2;
    OK(evidence_origin_load(&scenario, &evidence) == 100,
       "a thin line about it all puts recovery off no longer");
    scenario.faults[0] = (struct scenario_fault){.kind = FAULT_DELAY, .at_s = 6, .until_s = 8};
    OK(evidence_origin_load(&scenario, &evidence) == -1, "where there is nothing else it does");
    scenario.fault_count = 0;
    OK(evidence_origin_load(&scenario, &evidence) == -1, "without a fault nothing recovers");
}

static void test_total(void)
{
    struct scenario crash = scenario_of("a", "crash", 10), disk = scenario_of("b", "disk", 5),
                    other = scenario_of("c", "disk", 5);
    struct evidence evidence = good_evidence(), half = good_evidence();
    struct score score;
    struct score_total total = {0};
    histogram_add(&half.whole.start_ms, 900);
    score_judge(&crash, &evidence, &score);
    score_add(&total, &crash, &score);
    score_judge(&disk, &half, &score);
    OK(score.percent == 50, "one of two limits is half");
    score_add(&total, &disk, &score);
    score_sum(&total);
    OK(total.percent == 83 && total.class_count == 2, "the total is the weighted mean");
    evidence.faults[0].has_bit = false;
    score_judge(&other, &evidence, &score);
    score_add(&total, &other, &score);
    score_sum(&total);
    OK(total.classes[1].is_capped && strcmp(total.classes[1].capped_by, "c") == 0 &&
           total.percent == 50,
       "an unproven scenario takes its whole class");
    evidence = good_evidence();
    evidence.has_readback = evidence.readback.is_proven = true;
    evidence.readback.kinds[0].lost = 1;
    score_judge(&crash, &evidence, &score);
    score_add(&total, &crash, &score);
    score_sum(&total);
    OK(total.percent == 0 && total.counts[VERDICT_SURVIVED] == 2,
       "a lost write does, even where no limit asks");
}

int main(void)
{
    test_verdicts();
    test_not_proven();
    test_evidence();
    test_origin_load();
    test_total();
    return tap_done();
}

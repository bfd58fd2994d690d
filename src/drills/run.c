// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/run.h"

#include "base/log.h"
#include "base/mem.h"
#include "drills/fleet.h"
#include "drills/pulse.h"
#include "drills/run_ear.h"
#include "drills/run_load.h"
#include "io/clock.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    TICK_MS = 100,
    TICKS_PER_SECOND = 1000 / TICK_MS,
    GRACE_MS = 1000,
    PREPARE_MS = 60000,
    REVIVE_MS = 3000, /* then a server that stays away is started by hand, as an owner would */
    HEAL_MS = 20000,
    FLEET_HEAL_MS = 50000, /* an edge asks an origin that lied every half a minute */
    READ_MS = 35000,
    LEVEL_MS = 15000, /* what edges took is at the origin by then, or lost */
    READ_AGAIN_MS = 1000,
};

enum step { STEP_TUNING, STEP_PREPARING, STEP_RUNNING, STEP_HEALING, STEP_READING, STEP_DONE };

struct run {
    const struct scenario *scenario;
    const struct run_config *config;
    struct evidence *evidence;
    struct loop *loop;
    struct fleet *fleet;
    struct load *load;
    struct run_ear *ear; /* NULL: the scenario has none */
    struct pulse pulse;
    struct loop_timer timer;
    enum step step;
    uint64_t since_us; /* of this step */
    bool has_begun[SCENARIO_MAX_FAULTS], has_ended[SCENARIO_MAX_FAULTS];
    struct load_figures at_begin, at_end; /* of the span of faults */
    bool has_at_begin, has_at_end;
    uint64_t silent_ms, starved_us; /* at the last second */
    uint64_t reads_again_us;        /* 0: a read-back is under way, or not wanted */
    unsigned ticks;
};

static void enter(struct run *run, enum step step, uint64_t now_us)
{
    run->step = step;
    run->since_us = now_us;
    if (step == STEP_DONE)
        loop_stop(run->loop);
}

static void give_up(struct run *run, const char *format, const char *detail)
{
    struct evidence *evidence = run->evidence;
    if (!evidence->why[0])
        (void)snprintf(evidence->why, sizeof evidence->why, "%s%s", format, detail);
    loop_stop(run->loop);
    run->step = STEP_DONE;
}

/* --- the plan --- */

static void on_choice(void *context, uint32_t listener, const char *what, uint64_t value)
{
    fprintf(context, "listener %u %s %llu\n", listener, what, (unsigned long long)value);
}

static void write_fault(struct run *run, const struct scenario_fault *fault, const char *what)
{
    double at_s = (double)(loop_now_us(run->loop) - run->since_us) / 1e6;
    if (run->config->story)
        fprintf(run->config->story, "%6.1f s  *** %s %s %s\n", at_s, fault_name(fault->kind),
                fault_node_name(fault->node), what);
    if (run->config->story)
        (void)fflush(run->config->story);
    if (run->config->plan)
        fprintf(run->config->plan, "fault %s %s\n", fault_name(fault->kind), what);
}

/* --- faults at their seconds --- */

static void begin_fault(struct run *run, size_t at)
{
    const struct scenario_fault *fault = &run->scenario->faults[at];
    run->has_begun[at] = true;
    write_fault(run, fault, "begins");
    fleet_fault_begin(run->fleet, at);
}

static void end_fault(struct run *run, size_t at)
{
    const struct scenario_fault *fault = &run->scenario->faults[at];
    run->has_ended[at] = true;
    write_fault(run, fault, "ends");
    fleet_fault_end(run->fleet, at);
}

static void move_faults(struct run *run, int64_t elapsed_ms)
{
    for (size_t i = 0; i < run->scenario->fault_count; i++) {
        const struct scenario_fault *fault = &run->scenario->faults[i];
        if (!run->has_begun[i] && elapsed_ms >= fault->at_s * 1000)
            begin_fault(run, i);
        if (run->has_begun[i] && !run->has_ended[i] && fault_lasts(fault->kind) &&
            elapsed_ms >= fault->until_s * 1000)
            end_fault(run, i);
    }
}

static void end_faults(struct run *run)
{
    for (size_t i = 0; i < run->scenario->fault_count; i++)
        if (run->has_begun[i] && !run->has_ended[i])
            end_fault(run, i);
}

/* --- measuring --- */

static void take_span(struct run *run, int64_t elapsed_ms)
{
    int64_t begin_s, end_s;
    if (!evidence_fault_span(run->scenario, &begin_s, &end_s))
        return;
    if (!run->has_at_begin && elapsed_ms >= begin_s * 1000) {
        load_figures(run->load, &run->at_begin);
        run->has_at_begin = true;
    }
}

/* Once they have ended. */
static void take_end_of_span(struct run *run, int64_t elapsed_ms)
{
    int64_t begin_s, end_s;
    if (run->has_at_end || !evidence_fault_span(run->scenario, &begin_s, &end_s) ||
        elapsed_ms < end_s * 1000)
        return;
    load_figures(run->load, &run->at_end);
    run->has_at_end = true;
}

/* The row of the second that is over; the load's own half of it is copied in the end. */
static void take_second(struct run *run, uint64_t now_us)
{
    struct evidence *evidence = run->evidence;
    struct fleet_seen seen;
    uint64_t silent_ms = pulse_silent_ms(&run->pulse, now_us);
    fleet_look(run->fleet, &seen);
    if (evidence->second_count >= (size_t)run->scenario->about.seconds)
        return;
    struct evidence_second *second = &evidence->seconds[evidence->second_count++];
    second->memory_mib = (uint32_t)(seen.now_bytes >> 20);
    second->starved_ms = (uint32_t)((seen.starved_us - run->starved_us) / 1000);
    run->starved_us = seen.starved_us;
    if (second->starved_ms > evidence->starved_ms_max)
        evidence->starved_ms_max = second->starved_ms;
    second->down_ms = (uint32_t)(silent_ms < 1000 ? silent_ms : 1000);
    struct asked asked = fleet_take_asked(run->fleet);
    second->asked = (uint32_t)asked.requests;
    second->asked_by = asked.edges;
}

static bool must_stop(struct run *run, const struct load_figures *figures)
{
    const struct scenario_stop *stop = &run->scenario->stop;
    struct evidence *evidence = run->evidence;
    struct fleet_seen seen;
    fleet_look(run->fleet, &seen);
    size_t size = sizeof evidence->stop_words;
    uint32_t there = figures->listeners_now ? figures->listeners_now : 1;
    if (stop->failed_plays != SCENARIO_NOT_GIVEN &&
        figures->plays_failed >= (uint64_t)stop->failed_plays)
        (void)snprintf(evidence->stop_words, size, "%llu failed plays",
                       (unsigned long long)figures->plays_failed);
    else if (stop->silent_percent != SCENARIO_NOT_GIVEN &&
             figures->silent_now * 100 / there >= (uint64_t)stop->silent_percent)
        (void)snprintf(evidence->stop_words, size, "%u of %u listeners hear nothing",
                       figures->silent_now, there);
    else if (stop->memory_mib != SCENARIO_NOT_GIVEN &&
             seen.now_bytes >> 20 >= (uint64_t)stop->memory_mib)
        (void)snprintf(evidence->stop_words, size, "the server takes %llu MiB",
                       (unsigned long long)(seen.now_bytes >> 20));
    else
        return false;
    return evidence->was_stopped = true;
}

/* --- steps, at every tick --- */

static void stop_load(struct run *run, uint64_t now_us)
{
    struct evidence *evidence = run->evidence;
    load_figures(run->load, &evidence->whole);
    evidence->down_ms_max = pulse_longest_ms(&run->pulse, now_us);
    end_faults(run);
    load_stop(run->load, GRACE_MS);
    enter(run, STEP_HEALING, now_us);
}

static void step_running(struct run *run, uint64_t now_us)
{
    int64_t elapsed_ms = (int64_t)((now_us - run->since_us) / 1000);
    take_span(run, elapsed_ms);
    move_faults(run, elapsed_ms);
    take_end_of_span(run, elapsed_ms);
    bool is_over = elapsed_ms >= run->scenario->about.seconds * 1000;
    if (++run->ticks % TICKS_PER_SECOND == 0 || is_over) {
        struct load_figures figures;
        load_figures(run->load, &figures);
        take_second(run, now_us);
        is_over |= must_stop(run, &figures);
    }
    if (is_over)
        stop_load(run, now_us);
}

static bool is_lacking(const struct load_readback *readback)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < LOAD_WRITE_KINDS; i++)
        lost += readback->kinds[i].lost;
    return lost > 0;
}

static void on_readback(void *context, const struct load_readback *readback)
{
    struct run *run = context;
    run->evidence->readback = *readback;
    run->evidence->has_readback = true;
    /* what edges took may still be on its way to the origin */
    bool is_waited_for = fleet_target_count(run->fleet) > 1 && is_lacking(readback);
    uint64_t now_us = loop_now_us(run->loop);
    if (is_waited_for && now_us - run->since_us < LEVEL_MS * UINT64_C(1000))
        run->reads_again_us = now_us + READ_AGAIN_MS * 1000;
    else
        enter(run, STEP_DONE, now_us);
}

/* The ear looks for itself whether what it wrote is there. */
static bool has_heard_out(struct run *run)
{
    if (!run->ear)
        return true;
    run_ear_stop(run->ear);
    return run_ear_has_ended(run->ear);
}

static uint64_t heal_ms(const struct run *run)
{
    return run->ear || fleet_target_count(run->fleet) > 1 ? FLEET_HEAL_MS : HEAL_MS;
}

static void step_healing(struct run *run, uint64_t now_us)
{
    bool is_well = load_state(run->load) == LOAD_STOPPED && !pulse_silent_ms(&run->pulse, now_us) &&
                   fleet_is_level(run->fleet);
    is_well = is_well && has_heard_out(run);
    if (now_us - run->since_us > REVIVE_MS * UINT64_C(1000))
        fleet_revive(run->fleet);
    if (is_well) {
        enter(run, STEP_READING, now_us);
        load_read_back(run->load, on_readback, run);
    } else if (now_us - run->since_us > heal_ms(run) * UINT64_C(1000)) {
        enter(run, STEP_DONE, now_us); /* nothing was read: writes are not proven */
    }
}

static void on_state(void *context, enum load_state state)
{
    struct run *run = context;
    if (state == LOAD_FAILED)
        give_up(run, "the listeners could not begin: ", load_why(run->load));
    if (state != LOAD_RUNNING)
        return;
    struct fleet_seen seen;
    fleet_look(run->fleet, &seen);
    run->starved_us = seen.starved_us;
    (void)fleet_take_asked(run->fleet); /* while it was prepared */
    run->evidence->has_begun = true;
    pulse_start(&run->pulse, run->loop, fleet_port(run->fleet));
    enter(run, STEP_RUNNING, loop_now_us(run->loop));
}

static void start_load(struct run *run, uint64_t now_us)
{
    const struct scenario *scenario = run->scenario;
    struct run_targets targets = {.count = fleet_target_count(run->fleet)};
    struct run_load load;
    unsigned count;
    const char *why = "";
    const struct load_account *accounts = fleet_accounts(run->fleet, &count);
    for (size_t i = 0; i < targets.count; i++)
        targets.ports[i] = fleet_target(run->fleet, i);
    run_load_profile(&load, scenario, &targets, accounts,
                     run->ear ? count - RUN_EAR_ACCOUNTS : count);
    load.profile.on_choice = run->config->plan ? on_choice : NULL;
    load.profile.choice_context = run->config->plan;
    enter(run, STEP_PREPARING, now_us);
    run->load = load_start(run->loop, &load.profile, on_state, run, &why);
    if (!run->load)
        give_up(run, "the listeners could not begin: ", why);
}

/* The load comes once the song sounds. */
static void step_tuning(struct run *run, uint64_t now_us)
{
    if (run_ear_is_playing(run->ear))
        start_load(run, now_us);
    else if (run_ear_has_ended(run->ear) || now_us - run->since_us > PREPARE_MS * UINT64_C(1000))
        give_up(run, "the ear heard nothing: ", run_ear_why(run->ear));
}

static void on_tick(struct loop_timer *timer, uint64_t now_us)
{
    struct run *run = CONTAINER_OF(timer, struct run, timer);
    if (run->config->is_cancelled && *run->config->is_cancelled) {
        run->evidence->has_begun = false;
        give_up(run, "it was cancelled", "");
        return;
    }
    fleet_tick(run->fleet);
    run_ear_tick(run->ear);
    switch (run->step) {
    case STEP_TUNING:
        step_tuning(run, now_us);
        break;
    case STEP_PREPARING:
        if (now_us - run->since_us > PREPARE_MS * UINT64_C(1000))
            give_up(run, "the listeners were not ready within a minute", "");
        break;
    case STEP_RUNNING:
        step_running(run, now_us);
        break;
    case STEP_HEALING:
        step_healing(run, now_us);
        break;
    case STEP_READING:
        if (run->reads_again_us && now_us >= run->reads_again_us) {
            run->reads_again_us = 0;
            load_read_back(run->load, on_readback, run);
        }
        if (now_us - run->since_us > READ_MS * UINT64_C(1000))
            enter(run, STEP_DONE, now_us);
        break;
    case STEP_DONE:
        return;
    }
    loop_timer_start(run->loop, timer, now_us + TICK_MS * 1000);
}

/* --- the whole --- */

static void take_fault_evidence(struct run *run)
{
    struct fault_proxy_figures line;
    fleet_line_figures(run->fleet, &line);
    for (size_t i = 0; i < run->scenario->fault_count; i++) {
        struct evidence_fault *fault = &run->evidence->faults[i];
        enum fault_kind kind = run->scenario->faults[i].kind;
        const char *words = "no connection was touched";
        if (fault_target(kind) == FAULT_TARGET_SERVER) {
            fault->has_bit = fleet_fault_bit(run->fleet, i, &words);
        } else if (line.hits[kind] > 0) {
            fault->has_bit = true;
            (void)snprintf(fault->words, sizeof fault->words, "%llu %s",
                           (unsigned long long)line.hits[kind],
                           kind == FAULT_CORRUPT ? "bits were wrong" : "connections were touched");
            continue;
        }
        (void)snprintf(fault->words, sizeof fault->words, "%s", words);
    }
}

static void take_evidence(struct run *run)
{
    struct evidence *evidence = run->evidence;
    struct fleet_seen seen;
    size_t count = 0;
    const struct load_second *seconds = load_seconds(run->load, &count);
    for (size_t i = 0; i < evidence->second_count && i < count; i++)
        evidence->seconds[i].load = seconds[i];
    evidence->before = run->has_at_begin ? run->at_begin : evidence->whole;
    evidence->during = run->has_at_end ? run->at_end : evidence->whole;
    evidence->after = evidence->whole;
    load_figures_since(&evidence->after, &evidence->during);
    load_figures_since(&evidence->during, &evidence->before);
    take_fault_evidence(run);
    fleet_look(run->fleet, &seen);
    evidence->memory_peak_bytes = seen.peak_bytes;
}

/* The server's own words are whole only once it ended. */
static void take_words(struct run *run)
{
    for (size_t i = 0; i < run->scenario->about.words.count; i++)
        run->evidence->has_words[i] =
            fleet_has_said(run->fleet, run->scenario->about.words.items[i]);
}

static void begin(struct run *run)
{
    uint64_t now_us = clock_monotonic_us();
    run->timer.on_timer = on_tick;
    loop_timer_start(run->loop, &run->timer, now_us);
    if (!run->scenario->ear.song) {
        start_load(run, now_us);
        return;
    }
    enter(run, STEP_TUNING, now_us);
    run->ear = run_ear_start(run->scenario, run->config, run->fleet);
}

static void run_fleet(struct run *run)
{
    begin(run);
    if (run->step != STEP_DONE)
        loop_run(run->loop);
    if (run->evidence->has_begun)
        take_evidence(run);
    run_ear_close(&run->ear, &run->evidence->ear);
    loop_timer_stop(&run->timer);
    pulse_stop(&run->pulse);
    load_free(&run->load);
}

void run_scenario(const struct scenario *scenario, const struct run_config *config,
                  struct evidence *ret)
{
    uint64_t begin_us = clock_monotonic_us();
    struct run run = {.scenario = scenario, .config = config, .evidence = ret};
    struct buffer why;
    buffer_init(&why, 8192);
    *ret = (struct evidence){0};
    ret->seconds = mem_zalloc((size_t)scenario->about.seconds * sizeof *ret->seconds);
    if (config->guards_off)
        (void)snprintf(ret->guards_off, sizeof ret->guards_off, "%s", config->guards_off);
    if (config->control)
        ret->control = *config->control;
    else if (!config->skips_control)
        run_control(scenario, &ret->control);
    const struct fleet_config fleet = {.program = config->program,
                                       .folder = config->folder,
                                       .library_cache = config->library_cache,
                                       .scenario = scenario,
                                       .guards_off = config->guards_off,
                                       .space = config->space};
    run.loop = loop_new();
    run.fleet = fleet_open(&fleet, &why);
    if (run.fleet) {
        run_fleet(&run);
        fleet_stop(run.fleet, &ret->exit_code);
        take_words(&run);
        fleet_close(&run.fleet);
    } else {
        (void)snprintf(ret->why, sizeof ret->why, "%.*s", TEXT_ARGS(buffer_view(&why)));
    }
    loop_free(&run.loop);
    buffer_release(&why);
    ret->took_ms = (clock_monotonic_us() - begin_us) / 1000;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/run_load.h"

#include "drills/evidence.h"
#include "drills/fault_proxy.h"
#include "drills/null_server.h"
#include <stdio.h>
#include <string.h>

enum { CONTROL_MS = 4000, CONTROL_GRACE_MS = 300, GIVE_UP_MS = 30000 };

void run_load_profile(struct run_load *load, const struct scenario *scenario,
                      const struct run_targets *targets, const struct load_account *accounts,
                      unsigned account_count)
{
    const struct scenario_load *wanted = &scenario->load;
    struct load_profile *profile = &load->profile;
    static const enum load_arrival arrivals[] = {LOAD_ARRIVE_AT_ONCE, LOAD_ARRIVE_STEADY,
                                                 LOAD_ARRIVE_DIURNAL, LOAD_ARRIVE_FLASH};
    *profile = load_profile_default();
    for (size_t i = 0; i < targets->count; i++) {
        (void)snprintf(load->targets[i], sizeof load->targets[i], "http://127.0.0.1:%u",
                       targets->ports[i]);
        profile->targets[i] = load->targets[i];
    }
    profile->target_count = (unsigned)targets->count;
    profile->at_first_percent = (unsigned)wanted->at_origin_percent;
    profile->warms = scenario->topology.warm;
    profile->cold_targets = (unsigned)scenario->topology.cold_edges;
    profile->cold_tracks = (unsigned)scenario->topology.cold_tracks;
    profile->hears_segments = wanted->segments;
    profile->accounts = accounts;
    profile->account_count = account_count;
    profile->listeners = (uint32_t)wanted->listeners;
    profile->slow_headers = (uint32_t)wanted->slow_headers;
    profile->slow_readers = (uint32_t)wanted->slow_readers;
    profile->player_percent = (unsigned)wanted->player_percent;
    profile->impatient_percent = (unsigned)wanted->impatient_percent;
    profile->seed = (uint64_t)scenario->about.seed;
    profile->arrival = arrivals[wanted->arrival];
    profile->arrive_ms = (uint32_t)wanted->arrive_ms;
    profile->day_ms = (uint32_t)scenario->about.seconds * 1000;
    profile->flash_at_ms = (uint32_t)wanted->flash_at_s * 1000;
    profile->flash_percent = (unsigned)wanted->flash_percent;
    profile->buffer_s = (unsigned)wanted->buffer_s;
    profile->habits.skips = (unsigned)wanted->skip_percent;
    profile->habits.searches = (unsigned)wanted->search_percent;
    profile->habits.stars = (unsigned)wanted->star_percent;
    if (profile->habits.choose_ms_min > (unsigned)wanted->choose_ms_max)
        profile->habits.choose_ms_min = (unsigned)wanted->choose_ms_max;
    profile->habits.choose_ms_max = (unsigned)wanted->choose_ms_max;
}

/* --- the control run --- */

struct control {
    struct loop *loop;
    struct load *load;
    struct loop_timer timer; /* the end, and later our patience */
};

static void on_state(void *context, enum load_state state)
{
    struct control *control = context;
    if (state == LOAD_RUNNING)
        loop_timer_start(control->loop, &control->timer,
                         loop_now_us(control->loop) + CONTROL_MS * 1000);
    else if (state == LOAD_STOPPED || state == LOAD_FAILED)
        loop_stop(control->loop);
}

static void on_timer(struct loop_timer *timer, uint64_t now_us)
{
    struct control *control = CONTAINER_OF(timer, struct control, timer);
    if (load_state(control->load) == LOAD_RUNNING) {
        load_stop(control->load, CONTROL_GRACE_MS);
        loop_timer_start(control->loop, timer, now_us + GIVE_UP_MS * UINT64_C(1000));
    } else {
        loop_stop(control->loop);
    }
}

static void run_against(const struct scenario *scenario, uint16_t port,
                        struct evidence_control *ret)
{
    static const struct load_account account = {"drill1", "pedal-staves", "secret"};
    const struct run_targets targets = {.ports = {port}, .count = 1};
    struct run_load load;
    struct load_figures figures = {0};
    const char *why;
    struct control control = {.loop = loop_new(), .timer.on_timer = on_timer};
    run_load_profile(&load, scenario, &targets, &account, 1);
    if (load.profile.arrival != LOAD_ARRIVE_AT_ONCE) { /* the crowd must be there within it */
        load.profile.arrival = LOAD_ARRIVE_STEADY;
        load.profile.arrive_ms =
            load.profile.arrive_ms < CONTROL_MS / 2 ? load.profile.arrive_ms : CONTROL_MS / 2;
    }
    load.profile.slow_headers = load.profile.slow_readers = 0;
    control.load = load_start(control.loop, &load.profile, on_state, &control, &why);
    if (control.load) {
        loop_timer_start(control.loop, &control.timer,
                         loop_now_us(control.loop) + GIVE_UP_MS * UINT64_C(1000));
        loop_run(control.loop);
        load_figures(control.load, &figures);
        ret->has_run = true;
        ret->kept_up = load_kept_up(&figures);
        ret->plays_started = figures.plays_started;
        ret->plays_failed = figures.plays_failed;
        ret->gaps = figures.gaps;
        ret->late_ms_max = figures.late_ms_max;
        ret->start_ms_p99 = histogram_quantile_ms(&figures.start_ms, 990);
    }
    loop_timer_stop(&control.timer);
    load_free(&control.load);
    loop_free(&control.loop);
}

bool run_control_is_same(const struct scenario *a, const struct scenario *b)
{
    const struct scenario_topology *x = &a->topology, *y = &b->topology;
    return memcmp(&a->load, &b->load, sizeof a->load) == 0 && x->proxy == y->proxy &&
           x->tracks == y->tracks && x->track_s == y->track_s && x->track_kbit == y->track_kbit;
}

void run_control(const struct scenario *scenario, struct evidence_control *ret)
{
    struct null_server_config config = null_server_config_default();
    config.tracks = (uint32_t)scenario->topology.tracks;
    config.track_s = (uint32_t)scenario->topology.track_s;
    config.bits_per_s = (uint32_t)scenario->topology.track_kbit * 1000;
    struct null_server *server = null_server_start(&config);
    struct fault_proxy *proxy = NULL;
    *ret = (struct evidence_control){0};
    if (server && scenario->topology.proxy)
        proxy = fault_proxy_start(null_server_port(server), (uint64_t)scenario->about.seed);
    if (server && (proxy || !scenario->topology.proxy))
        run_against(scenario, proxy ? fault_proxy_port(proxy) : null_server_port(server), ret);
    fault_proxy_stop(&proxy);
    null_server_stop(&server);
}

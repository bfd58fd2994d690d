// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/load.h"
#include "drills/null_server.h"
#include "drills/people.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

/* A load against a null server, for a second or two of real time. */
struct stage {
    struct loop *loop;
    struct null_server *server;
    struct load *load;
    struct loop_timer timer;
    struct load_figures figures;
    char url[64];
    unsigned run_ms;
    bool stops_server; /* half-way */
};

static const struct load_account accounts[] = {{"ann", "password", NULL}, {"bob", NULL, "secret"}};

static void on_half(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct stage *stage = CONTAINER_OF(timer, struct stage, timer);
    if (stage->stops_server) {
        null_server_stop(&stage->server);
        stage->stops_server = false;
        loop_timer_start(stage->loop, timer, now_us + stage->run_ms * UINT64_C(500));
        return;
    }
    load_figures(stage->load, &stage->figures);
    load_stop(stage->load, 500);
}

static void on_state(void *context, enum load_state state)
{
    struct stage *stage = context;
    if (state == LOAD_RUNNING)
        loop_timer_start(stage->loop, &stage->timer,
                         loop_now_us(stage->loop) +
                             stage->run_ms *
                                 (stage->stops_server ? UINT64_C(500) : UINT64_C(1000)));
    if (state == LOAD_STOPPED || state == LOAD_FAILED)
        loop_stop(stage->loop);
}

static struct load_profile profile_for(struct stage *stage)
{
    struct load_profile profile = load_profile_default();
    snprintf(stage->url, sizeof stage->url, "http://127.0.0.1:%u", null_server_port(stage->server));
    profile.targets[0] = stage->url;
    profile.target_count = 1;
    profile.accounts = accounts;
    profile.account_count = 2;
    profile.listeners = 20;
    profile.arrive_ms = 100;
    profile.speed = 20;
    profile.habits.choose_ms_min = profile.habits.choose_ms_max = 50;
    profile.habits.searches = profile.habits.playlist_visits = profile.habits.stars = 50;
    profile.habits.playlist_edits = 50;
    profile.habits.sign_ins = 50;
    return profile;
}

static void raise_curtain(struct stage *stage, unsigned run_ms)
{
    struct null_server_config config = null_server_config_default();
    *stage = (struct stage){.loop = loop_new(), .run_ms = run_ms};
    config.tracks = 50;
    config.track_s = 20;
    stage->server = null_server_start(&config);
    stage->timer.on_timer = on_half;
}

static bool play(struct stage *stage, const struct load_profile *profile)
{
    const char *why = NULL;
    stage->load = load_start(stage->loop, profile, on_state, stage, &why);
    if (stage->load)
        loop_run(stage->loop);
    else
        printf("# %s\n", why);
    return stage->load && load_state(stage->load) == LOAD_STOPPED;
}

static void drop_curtain(struct stage *stage)
{
    load_free(&stage->load);
    null_server_stop(&stage->server);
    loop_free(&stage->loop);
}

static void good_service(void)
{
    struct stage stage;
    size_t seconds = 0;
    raise_curtain(&stage, 2500);
    struct load_profile profile = profile_for(&stage);
    OK(play(&stage, &profile), "a load runs and stops");
    const struct load_figures *f = &stage.figures;
    bool is_late = !load_kept_up(f); /* a machine this busy proves nothing */
    OK(f->plays_started >= 20 && (f->plays_failed == 0 || is_late),
       "everybody hears what they tapped");
    OK(f->gaps == 0 || is_late, "nobody hears a gap");
    OK(f->music_ms > 20 * 2000, "music passed at the speed that was asked for");
    OK(f->sign_ins.tried >= 20 && f->sign_ins.failed == 0 && f->searches.tried > 0 &&
           f->searches.failed == 0 && f->playlists.tried > 0 && f->artworks.tried > 0,
       "and they sign in, search and look around");
    struct load_figures all;
    load_figures(stage.load, &all);
    OK(all.writes.ms.count > 0 && all.writes.ms.count == null_server_writes(stage.server),
       "every acknowledged write is one that the server took");
    const struct load_second *rows = load_seconds(stage.load, &seconds);
    uint64_t taps = 0;
    for (size_t i = 0; i < seconds; i++)
        taps += rows[i].taps;
    OK(seconds >= 2 && taps > 0 && taps <= f->taps, "the series has a row for each second");
    printf("# %llu taps, %llu requests, %llu bytes, start p99 %llu ms\n",
           (unsigned long long)all.taps, (unsigned long long)all.requests,
           (unsigned long long)all.bytes,
           (unsigned long long)histogram_quantile_ms(&all.start_ms, 990));
    drop_curtain(&stage);
}

static void dead_server(void)
{
    struct stage stage;
    raise_curtain(&stage, 4000);
    struct load_profile profile = profile_for(&stage);
    profile.habits.skips = 0;
    stage.stops_server = true;
    OK(play(&stage, &profile), "a load outlives its server");
    OK(stage.figures.gaps > 0 && stage.figures.gap_total_ms > 1000,
       "whose death is heard once the buffers are empty");
    OK(stage.figures.connects_failed > 0 && stage.figures.retries > 0, "they try again");
    printf("# %llu gaps, %llu ms, %llu failed, %llu retries\n",
           (unsigned long long)stage.figures.gaps, (unsigned long long)stage.figures.gap_total_ms,
           (unsigned long long)stage.figures.plays_failed,
           (unsigned long long)stage.figures.retries);
    drop_curtain(&stage);
}

static void no_server(void)
{
    struct stage stage;
    const char *why = NULL;
    raise_curtain(&stage, 100);
    struct load_profile profile = profile_for(&stage);
    profile.targets[0] = "http://192.0.2.1:80";
    OK(!load_start(stage.loop, &profile, NULL, NULL, &why) && why, "no load leaves this machine");
    drop_curtain(&stage);
}

static void attackers(void)
{
    struct stage stage;
    raise_curtain(&stage, 1200);
    struct load_profile profile = profile_for(&stage);
    profile.slow_headers = 7;
    profile.slow_readers = 5;
    OK(play(&stage, &profile), "a load with attackers");
    OK(stage.figures.attackers_now == 12 && stage.figures.attacks_cut == 0,
       "whose connections stand where nobody cuts them");
    OK(stage.figures.plays_started >= 20 &&
           (stage.figures.plays_failed == 0 || !load_kept_up(&stage.figures)),
       "beside honest listeners");
    drop_curtain(&stage);
}

static void other_targets(void)
{
    struct stage stage;
    const struct null_server_config config = null_server_config_default();
    char url[64];
    raise_curtain(&stage, 3500);
    struct load_profile profile = profile_for(&stage);
    struct null_server *stays = null_server_start(&config);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", null_server_port(stays));
    profile.targets[1] = profile.targets[0];
    profile.targets[0] = url;
    profile.target_count = 2;
    profile.speed = 4;
    profile.listeners =
        80; /* half of them at the one that dies, some of whom want something then */
    stage.stops_server = true;
    OK(play(&stage, &profile), "a load with two targets, of which one dies");
    OK(stage.figures.connects_failed > 0, "its listeners notice");
    OK((stage.figures.gaps == 0 || !load_kept_up(&stage.figures)) &&
           stage.figures.listeners_now == 80,
       "move to the other one, and hear nothing of it");
    drop_curtain(&stage);
    null_server_stop(&stays);
}

static void days(void)
{
    struct stage stage;
    raise_curtain(&stage, 3200);
    struct load_profile profile = profile_for(&stage);
    profile.arrival = LOAD_ARRIVE_DIURNAL;
    profile.listeners = 100;
    profile.day_ms = 8000; /* three hours a second: 3 to 9 in the morning */
    profile.speed = 1;
    OK(play(&stage, &profile), "a load that follows the hours of a day");
    uint32_t before = people_present(100, 2000, 8000), now = people_present(100, 3000, 8000);
    OK(stage.figures.listeners_now >= before && stage.figures.listeners_now <= now,
       "has as many listeners as the hour says");
    drop_curtain(&stage);
}

static void renewals(void)
{
    struct stage stage;
    struct null_server_config config = null_server_config_default();
    raise_curtain(&stage, 2400);
    null_server_stop(&stage.server);
    config.session_s = 30; /* less than the minute before its end */
    stage.server = null_server_start(&config);
    struct load_profile profile = profile_for(&stage);
    profile.habits.sign_ins = 0;
    OK(play(&stage, &profile), "a load whose sessions soon end");
    OK(null_server_sessions(stage.server) >= 2, "renews them");
    drop_curtain(&stage);
}

/* As a server without `durable-first` does: the session is told before it is known. */
static void early_sessions(uint32_t refusals)
{
    struct stage stage;
    struct null_server_config config = null_server_config_default();
    raise_curtain(&stage, 100);
    null_server_stop(&stage.server);
    config.early_refusals = refusals;
    stage.server = null_server_start(&config);
    struct load_profile profile = profile_for(&stage);
    profile.account_count = 1;
    bool has_run = play(&stage, &profile);
    if (refusals == 1)
        OK(has_run, "a session that is not known yet is waited for");
    else
        OK(!has_run && strstr(load_why(stage.load), "answered 401"),
           "but not for ever, and the why says what the server answered");
    drop_curtain(&stage);
}

static void segments(bool are_wrong)
{
    struct stage stage;
    struct null_server_config config = null_server_config_default();
    raise_curtain(&stage, 1500);
    null_server_stop(&stage.server);
    config.tracks = 20;
    config.track_s = 20;
    config.has_other_digests = are_wrong;
    stage.server = null_server_start(&config);
    struct load_profile profile = profile_for(&stage);
    profile.hears_segments = true;
    profile.player_percent = 100;
    profile.account_count = 1; /* the other has no password: apps */
    const struct load_figures *f = &stage.figures;
    OK(play(&stage, &profile) && f->segments > 20, "a load that hears segments compares each");
    if (are_wrong)
        OK(f->wrong_segments == f->segments && f->music_ms == 0,
           "one that is not what its manifest says is counted, and not heard");
    else
        OK(f->wrong_segments == 0 && f->music_ms > 20 * 1000 &&
               (f->plays_failed == 0 || !load_kept_up(f)),
           "and hears those that are right");
    drop_curtain(&stage);
}

static void early_end(void)
{
    struct stage stage;
    const char *why = NULL;
    raise_curtain(&stage, 100);
    struct load_profile profile = profile_for(&stage);
    struct load *load = load_start(stage.loop, &profile, NULL, NULL, &why);
    OK(load && load_state(load) == LOAD_PREPARING, "a load prepares first");
    load_free(&load);
    load = load_start(stage.loop, &profile, NULL, NULL, &why);
    load_stop(load, 0);
    OK(load_state(load) == LOAD_STOPPED, "and can be stopped or freed before it is ready");
    load_free(&load);
    drop_curtain(&stage);
}

int main(void)
{
    good_service();
    dead_server();
    no_server();
    attackers();
    other_targets();
    days();
    renewals();
    early_sessions(1);
    early_sessions(UINT32_MAX);
    segments(false);
    segments(true);
    early_end();
    return tap_done();
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/load_alone.h"

#include "io/signals.h"

#include <inttypes.h>
#include <signal.h>

enum { GRACE_MS = 5000, LINE_EVERY_S = 5 };

struct alone {
    struct loop *loop;
    struct load *load;
    struct loop_timer end, line;
    FILE *out;
    unsigned seconds;
    uint64_t began_us;
    struct load_figures figures;
    struct load_readback readback;
    bool was_read_back;
};

static void show_line(struct alone *alone, uint64_t now_us)
{
    struct load_figures now;
    load_figures(alone->load, &now);
    fprintf(alone->out,
            "%4" PRIu64 " s  %u listening, %u in silence; %" PRIu64 " plays, %" PRIu64
            " failed, %" PRIu64 " gaps; %" PRIu64 " requests, %" PRIu64 " retries\n",
            (now_us - alone->began_us) / 1000000, now.listeners_now, now.silent_now,
            now.plays_started, now.plays_failed, now.gaps, now.requests, now.retries);
    fflush(alone->out);
}

static void show_tries(FILE *out, const char *what, const struct load_tries *tries)
{
    fprintf(out, "  %-18s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10u\n", what,
            tries->tried, tries->failed, histogram_quantile_ms(&tries->ms, 500),
            histogram_quantile_ms(&tries->ms, 990), tries->ms.max_ms);
}

static void show_table(FILE *out, const struct load_figures *f)
{
    const struct load_tries plays = {f->taps, f->plays_failed, f->start_ms};
    const struct load_tries gaps = {f->gaps, f->plays_interrupted, f->gap_ms};
    fprintf(out, "\n  %-18s %10s %10s %10s %10s %10s\n", "", "tried", "failed", "p50 ms", "p99 ms",
            "most ms");
    show_tries(out, "plays", &plays);
    show_tries(out, "sign-ins", &f->sign_ins);
    show_tries(out, "homes", &f->homes);
    show_tries(out, "searches", &f->searches);
    show_tries(out, "playlists", &f->playlists);
    show_tries(out, "artworks", &f->artworks);
    show_tries(out, "writes", &f->writes);
    show_tries(out, "gaps (in plays)", &gaps);
    fprintf(out,
            "  silence %" PRIu64 " ms in %" PRIu64 " s of music; %" PRIu64 " s of listeners\n"
            "  %" PRIu64 " requests, %" PRIu64 " refused (%" PRIu64 " for later), %" PRIu64
            " bytes; %" PRIu64 " connections, %" PRIu64 " in vain\n"
            "  %" PRIu64 " resets, %" PRIu64 " cut bodies, %" PRIu64 " time-outs, %" PRIu64
            " retries; attackers: %u stand, %" PRIu64 " were cut\n"
            "  the load itself was late by %" PRIu64 " ms at most%s\n",
            f->gap_total_ms, f->music_ms / 1000, f->listener_ms / 1000, f->requests, f->refusals,
            f->unavailable, f->bytes, f->connects, f->connects_failed, f->resets, f->truncations,
            f->timeouts, f->retries, f->attackers_now, f->attacks_cut, f->late_ms_max,
            load_kept_up(f) ? "" : ": these figures mean nothing");
}

static void show_readback(FILE *out, const struct load_readback *readback)
{
    static const char *const kinds[] = {"plays", "stars", "playlists"};
    for (int i = 0; i < LOAD_WRITE_KINDS; i++) {
        const struct load_written *written = &readback->kinds[i];
        fprintf(out,
                "  %-9s %" PRIu64 " acknowledged, %" PRIu64 " unknown, %" PRIu64 " lost, %" PRIu64
                " twice\n",
                kinds[i], written->acknowledged, written->unknown, written->lost,
                written->duplicated);
    }
    if (readback->accounts_unreadable)
        fprintf(out, "  %u accounts could not be read back\n", readback->accounts_unreadable);
}

/* --- its course --- */

static void on_read_back(void *context, const struct load_readback *readback)
{
    struct alone *alone = context;
    alone->readback = *readback;
    alone->was_read_back = true;
    loop_stop(alone->loop);
}

static void on_state(void *context, enum load_state state)
{
    struct alone *alone = context;
    uint64_t now_us = loop_now_us(alone->loop);
    if (state == LOAD_RUNNING) {
        alone->began_us = now_us;
        loop_timer_start(alone->loop, &alone->end, now_us + alone->seconds * UINT64_C(1000000));
        loop_timer_start(alone->loop, &alone->line, now_us + LINE_EVERY_S * UINT64_C(1000000));
    } else if (state == LOAD_FAILED) {
        loop_stop(alone->loop);
    } else if (state == LOAD_STOPPED) {
        loop_timer_stop(&alone->line);
        if (alone->began_us)
            load_read_back(alone->load, on_read_back, alone);
        else
            loop_stop(alone->loop);
    }
}

static void stop(struct alone *alone)
{
    if (load_state(alone->load) == LOAD_RUNNING)
        load_figures(alone->load, &alone->figures);
    load_stop(alone->load, GRACE_MS);
}

static void on_end(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    stop(CONTAINER_OF(timer, struct alone, end));
}

static void on_line(struct loop_timer *timer, uint64_t now_us)
{
    struct alone *alone = CONTAINER_OF(timer, struct alone, line);
    show_line(alone, now_us);
    loop_timer_start(alone->loop, timer, now_us + LINE_EVERY_S * UINT64_C(1000000));
}

static void on_signal(int number UNUSED, void *context) { stop(context); }

static enum load_alone_outcome judge(const struct alone *alone)
{
    const struct load_figures *f = &alone->figures;
    uint64_t lost = 0;
    for (int i = 0; i < LOAD_WRITE_KINDS; i++)
        lost += alone->readback.kinds[i].lost + alone->readback.kinds[i].duplicated;
    if (f->plays_started == 0 || !load_kept_up(f) || !alone->was_read_back)
        return LOAD_ALONE_NOTHING;
    return f->plays_failed || f->gaps || lost || alone->readback.accounts_unreadable
               ? LOAD_ALONE_BAD
               : LOAD_ALONE_GOOD;
}

static enum load_alone_outcome run(struct alone *alone)
{
    loop_run(alone->loop);
    if (load_state(alone->load) == LOAD_FAILED) {
        fprintf(alone->out, "%s\n", load_why(alone->load));
        return LOAD_ALONE_REFUSED;
    }
    if (alone->began_us) {
        struct load_figures all; /* gauges of the end of listening, sums of the end of all */
        load_figures(alone->load, &all);
        alone->figures.writes = all.writes;
        show_table(alone->out, &alone->figures);
    }
    if (alone->was_read_back)
        show_readback(alone->out, &alone->readback);
    return judge(alone);
}

enum load_alone_outcome load_alone(const struct load_profile *profile, unsigned seconds, FILE *out)
{
    struct alone alone = {.loop = loop_new(), .out = out, .seconds = seconds ? seconds : 1};
    enum load_alone_outcome outcome = LOAD_ALONE_REFUSED;
    const char *why = NULL;
    alone.end.on_timer = on_end;
    alone.line.on_timer = on_line;
    alone.load = load_start(alone.loop, profile, on_state, &alone, &why);
    if (alone.load) {
        struct signals *signals =
            signals_start(alone.loop, (const int[]){SIGINT, SIGTERM, 0}, on_signal, &alone);
        outcome = run(&alone);
        signals_stop(&signals);
    } else {
        fprintf(out, "%s\n", why);
    }
    load_free(&alone.load);
    loop_timer_stop(&alone.end);
    loop_timer_stop(&alone.line);
    loop_free(&alone.loop);
    return outcome;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/histogram.h"
#include <stdbool.h>

/*
 * load_figures: what a load counted, as values to keep, subtract and judge.
 *
 * A play *failed* when no audio came within 2 s of the tap; a *gap* is a stop of more than 200 ms
 * that nobody wanted.  All else here explains why.
 */

/* --- figures: cumulative since LOAD_RUNNING --- */

struct load_tries {
    uint64_t tried,
        failed;          /* failed: no good answer within 10 s, or a refusal, after retries too */
    struct histogram ms; /* of those that succeeded, from the first try */
};

struct load_figures { /* load_figures.def */
#define FIGURE_COUNT(name, help) uint64_t name;
#define FIGURE_TIMES(name, help) struct histogram name;
#define FIGURE_TRIES(name, help) struct load_tries name;
#include "drills/load_figures.def"
#undef FIGURE_COUNT
#undef FIGURE_TIMES
#undef FIGURE_TRIES
    uint64_t attack_ms_max; /* the longest that an attacker's connection stood */
    uint64_t late_ms_max;   /* how late the load's own clock ran at worst */
    uint32_t listeners_now, playing_now, silent_now; /* silent: in a gap that has not ended */
    uint32_t attackers_now;                          /* connections of attackers that stand */
};

/* What happened after `before` was taken; gauges and longest times stay those of `*now`. */
void load_figures_since(struct load_figures *now, const struct load_figures *before);
/* False when the load itself was too late for its figures to mean anything. */
bool load_kept_up(const struct load_figures *figures);

/* One second of the series; what happened in it. */
struct load_second {
#define FIGURE_SECOND(type, name, help) type name;
#include "drills/load_seconds.def"
#undef FIGURE_SECOND
};

/* --- no acknowledged write may be lost --- */

#define LOAD_STOLEN_PLAYLIST "Stolen" /* a thief's name for one */
enum load_write { LOAD_WRITE_PLAY, LOAD_WRITE_STAR, LOAD_WRITE_PLAYLIST, LOAD_WRITE_KINDS };

struct load_readback {
    struct load_written {
        uint64_t acknowledged; /* the server said: durable */
        uint64_t unknown;      /* no answer: may be there, once, or not */
        uint64_t lost;         /* acknowledged, not found */
        uint64_t duplicated;   /* found more often than acknowledged and unknown together */
    } kinds[LOAD_WRITE_KINDS];
    uint64_t stolen; /* LOAD_STOLEN_PLAYLIST found */
    unsigned accounts_read, accounts_unreadable;
    bool is_proven; /* something was acknowledged, and every account could be read */
};

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

struct load_figures {
    uint64_t taps;              /* plays wanted */
    uint64_t plays_started;     /* audio within 2 s of the tap */
    uint64_t plays_failed;      /* no audio within 2 s of the tap */
    uint64_t plays_interrupted; /* plays with at least one gap */
    uint64_t gaps;              /* stops of more than 200 ms; one that lasts is counted already */
    uint64_t gap_total_ms;
    struct histogram start_ms; /* tap to first audio, of all that ever started */
    struct histogram gap_ms;   /* of gaps that ended, and at the end of those that had not */
    struct load_tries sign_ins, searches, playlists, homes, artworks, writes; /* writes: durable */
    uint64_t requests, responses_ok, refusals; /* refusals: 4xx and 5xx */
    uint64_t unavailable;                      /* of these 503 and 429 */
    uint64_t bytes;                            /* of bodies */
    uint64_t connects, connects_failed, resets, truncations, timeouts, retries;
    uint64_t listener_ms;   /* sum over listeners of the time they were there */
    uint64_t music_ms;      /* heard by all */
    uint64_t hangups;       /* connections that the server ended between two requests */
    uint64_t attack_ms_max; /* the longest that an attacker's connection stood */
    uint64_t attacks_cut;   /* attackers' connections that the server ended */
    uint32_t listeners_now, playing_now, silent_now; /* silent: in a gap that has not ended */
    uint32_t attackers_now;                          /* connections of attackers that stand */
    uint64_t late_ms_max; /* how late the load's own clock ran at worst */
};

/* What happened after `before` was taken; gauges and late_ms_max stay those of `*now`. */
void load_figures_since(struct load_figures *now, const struct load_figures *before);
/* False when the load itself was too late for its figures to mean anything. */
bool load_kept_up(const struct load_figures *figures);

/* One second of the series; what happened in it. */
struct load_second {
    uint32_t listeners, playing, silent; /* at its end */
    uint32_t taps, started, failed, gaps;
    uint32_t gap_ms; /* silence heard in this second, by all */
    uint32_t start_ms_p50, start_ms_p99;
    uint32_t requests, refusals, retries, connects_failed;
    uint32_t writes_acknowledged,
        other_failures; /* sign-ins, searches, playlists, homes, artwork */
    uint32_t late_ms_max;
    uint64_t bytes;
};
/* --- no acknowledged write may be lost --- */

enum load_write { LOAD_WRITE_PLAY, LOAD_WRITE_STAR, LOAD_WRITE_PLAYLIST, LOAD_WRITE_KINDS };

struct load_readback {
    struct load_written {
        uint64_t acknowledged; /* the server said: durable */
        uint64_t unknown;      /* no answer: may be there, once, or not */
        uint64_t lost;         /* acknowledged, not found */
        uint64_t duplicated;   /* found more often than acknowledged and unknown together */
    } kinds[LOAD_WRITE_KINDS];
    unsigned accounts_read, accounts_unreadable;
    bool is_proven; /* something was acknowledged, and every account could be read */
};

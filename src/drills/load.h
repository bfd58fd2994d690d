// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "drills/load_figures.h"
#include "io/loop.h"

/*
 * load: virtual listeners by the thousand on one loop, judged by what an ear would hear.
 *
 * Each listener is a person with an app (drills/listener.h): signs in, looks around, chooses, taps,
 * hears, skips, stars.  A *buffer clock* turns the bytes that came into seconds of music and drains
 * them in real time: a play *failed* when no audio came within 2 s of the tap, and a *gap* is a
 * stop of more than 200 ms that nobody wanted.  HTTP codes decide nothing.
 *
 * Before the first listener arrives the load *prepares*: it signs the accounts in and learns the
 * library from the first target.  Everything here is called on the loop's own thread, and every
 * callback runs there.  Only loopback addresses are accepted: this is no tool to aim at others.
 *
 * State:  new ──start──▶ PREPARING ──▶ RUNNING ──stop──▶ STOPPING ──▶ STOPPED
 *                            └──────▶ FAILED (why)
 */
struct load;

enum {
    LOAD_MAX_LISTENERS = 50000,
    LOAD_MAX_ATTACKERS = 20000,
    LOAD_MAX_TARGETS = 8,
    LOAD_EVENLY = 101,
    LOAD_MAX_ACCOUNTS = 64,
    LOAD_MAX_TRACKS = 2000,   /* of the library, the first ones of search3's order */
    LOAD_MAX_PLAYLISTS = 200, /* made by one account */
    LOAD_MAX_SECONDS = 3600,  /* rows of the series; later seconds are not kept */
    LOAD_LATE_MS = 250,       /* the load's own timers later than this: its figures are worthless */
};

enum load_arrival {
    LOAD_ARRIVE_AT_ONCE, /* all within arrive_ms */
    LOAD_ARRIVE_STEADY,  /* as a stream: each begins somewhere in its session, spread over arrive_ms
                          */
    LOAD_ARRIVE_DIURNAL, /* as many are there as at that hour of a day that takes day_ms (1 to 6) */
    LOAD_ARRIVE_FLASH,   /* steady; from flash_at_ms on, flash_percent of all tap one track within
                            arrive_ms */
};

/* Shares in percent; what is per track is asked once a track. */
struct load_habits {
    unsigned tracks_min, tracks_max;    /* of a session; heavy tail in between */
    unsigned skips;                     /* 100: as people do (24 % by 5 s, 35 % by 30 s, 49 % before
                                           the end); 0: every track is heard to its end */
    unsigned next_in_queue;             /* of tracks; the others are chosen anew */
    unsigned searches, playlist_visits; /* of choices */
    unsigned stars, playlist_edits;     /* of tracks */
    unsigned sign_ins; /* of visits that begin with a password; the others return */
    unsigned choose_ms_min, choose_ms_max; /* from arriving, or from a choice, to the tap */
    unsigned pause_s; /* between a session's end and the next visit, on average */
};

struct load_account {
    const char *name, *password,
        *app_secret; /* each may lack the password or the secret, not both */
};

typedef void load_on_choice(void *context, uint32_t listener, const char *what, uint64_t value);

struct load_profile {
    const char *targets[LOAD_MAX_TARGETS]; /* "http://127.0.0.1:4533", "https://[::1]:4533"; a
                                              listener begins at one and moves on after failures */
    unsigned target_count;
    const char *ca_file; /* PEM: who signed https targets; NULL without any */
    const struct load_account *accounts;
    unsigned account_count;

    unsigned at_first_percent; /* of listeners begin at the first target, the others at the rest;
                                  LOAD_EVENLY: as many at each */
    bool warms;                /* each target but the first is asked for all music beforehand */
    unsigned cold_targets;     /* but so many, the last ones */
    unsigned cold_tracks;      /* and for so many tracks not, the last ones */
    bool hears_segments; /* our player, each compared with its manifest; else originals in ranges */

    uint32_t listeners;
    uint32_t slow_headers;      /* attackers: connections that dribble a header */
    uint32_t slow_readers;      /* attackers: connections that ask for a file and hardly read it */
    unsigned player_percent;    /* our player; the others are unmodified Subsonic apps */
    unsigned impatient_percent; /* clients that try again at once, without back-off */
    uint64_t seed;              /* same seed, same people */

    enum load_arrival arrival;
    uint32_t arrive_ms, day_ms, flash_at_ms;
    unsigned flash_percent;
    unsigned buffer_s; /* read ahead so far, then stop reading */
    unsigned speed;    /* 1: music drains in real time; 8: eight times as fast, asked for so too */
    struct load_habits habits;

    /* Told of each decision, if it is set: who, what ("hears track"), which.  The sequence of one
     * listener is the same in every run with that seed until the server fails it; how far it
     * comes is not. */
    load_on_choice *on_choice;
    void *choice_context;
};

/*
 * One listener of a few minutes, half players, 30 s of buffer, skips as people do.  Fill in
 * targets, accounts and what differs.
 */
struct load_profile load_profile_default(void);
/* NULL when it can be run; else a static sentence: what is wrong. */
const char *load_profile_fault(const struct load_profile *profile);

/* --- life --- */

enum load_state {
    LOAD_PREPARING,
    LOAD_RUNNING,
    LOAD_STOPPING,
    LOAD_STOPPED,
    LOAD_FAILED,
};
typedef void load_on_state(void *context, enum load_state state);

/*
 * Copies the profile and begins to prepare.  NULL with *ret_why (a static sentence) when the
 * profile cannot be run.  `on_state` is told each later state; it may be NULL.
 */
struct load *load_start(struct loop *loop, const struct load_profile *profile,
                        load_on_state *on_state, void *context, const char **ret_why) MUST_USE;
enum load_state load_state(const struct load *load);
const char *load_why(const struct load *load); /* after LOAD_FAILED: a sentence, the load's own */
/* Nobody taps any more; requests under way get `grace_ms` to end, then are cut. */
void load_stop(struct load *load, unsigned grace_ms);
void load_free(struct load **load); /* in any state; cuts what is under way */

/* --- what it counted --- */

/* Brings clocks up to date first, so that a gap that lasts is in it. */
void load_figures(struct load *load, struct load_figures *ret);
/* Row i is the second that began i s after LOAD_RUNNING.  Borrowed until the next row or free. */
const struct load_second *load_seconds(const struct load *load, size_t *ret_count);

typedef void load_on_readback(void *context, const struct load_readback *readback);
/*
 * After LOAD_STOPPED, once the faults are healed: reads every account's plays, stars and playlists
 * from the first target and compares.  Calls back once, within half a minute.
 */
void load_read_back(struct load *load, load_on_readback *done, void *context);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/load.h"

/*
 * people: what virtual listeners do, as draws of chance.  Pure: no clock, no I/O, and the same seed
 * gives the same person.  Figures and their sources stand beside each function.
 */
struct chance {
    uint64_t state;
};

/* Person `index` of a load. */
struct chance chance_of(uint64_t seed, uint32_t index);
uint64_t chance_next(struct chance *chance);                /* 64 bits (splitmix64) */
double chance_share(struct chance *chance);                 /* [0, 1) */
uint32_t chance_below(struct chance *chance, uint32_t end); /* [0, end); 0 for 0 */
uint32_t chance_between(struct chance *chance, uint32_t first, uint32_t last); /* both included */
bool chance_percent(struct chance *chance, unsigned percent);
uint32_t chance_pause_ms(struct chance *chance,
                         uint32_t mean_ms); /* exponential, at most 5 × mean */

/* Tracks of one session: `min` at least, mostly up to `max`, a heavy tail to 3 × max. */
uint32_t people_session_tracks(struct chance *chance, const struct load_habits *habits);

/*
 * Where a listener skips a track: 24 % by 5 s, 35 % by 30 s, 49 % before the end (Lamere 2014);
 * UINT32_MAX: hears it to the end.
 */
uint32_t people_skip_ms(struct chance *chance, const struct load_habits *habits,
                        uint32_t duration_ms);

/* Of `listeners`, how many are there at this moment of a day of `day_ms` (Zhang et al. 2013). */
uint32_t people_present(uint32_t listeners, uint64_t at_ms, uint64_t day_ms);

/*
 * Waits before trying again: doubles from 500 ms to 10 s, jitter above half, as our player does;
 * the impatient try again at once.
 */
uint32_t people_backoff_ms(struct chance *chance, unsigned tries, bool is_impatient);

/* --- popularity: rank 0 is heard most; Zipf with exponent 0.75, as of a library of one house ---
 */

struct popularity {
    double *upto; /* share of all plays up to and with this rank */
    uint32_t count;
};
void popularity_init(struct popularity *popularity, uint32_t count);
void popularity_release(struct popularity *popularity);
uint32_t popularity_draw(const struct popularity *popularity, struct chance *chance);

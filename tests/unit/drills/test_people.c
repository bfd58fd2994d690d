// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/people.h"
#include "tap.h"

enum { MANY = 20000 };
static struct load_habits habits(void) { return load_profile_default().habits; }

static bool is_near(double got, double wanted, double by)
{
    return got > wanted - by && got < wanted + by;
}

static void skips(void)
{
    struct chance chance = chance_of(1, 1);
    struct load_habits all = habits();
    int by_5 = 0, by_30 = 0, before_end = 0, halved = 0;
    for (int i = 0; i < MANY; i++) {
        uint32_t at_ms = people_skip_ms(&chance, &all, 200000);
        by_5 += at_ms <= 5000;
        by_30 += at_ms <= 30000;
        before_end += at_ms != UINT32_MAX;
    }
    OK(is_near((double)by_5 / MANY, 0.24, 0.015), "24 % of tracks are skipped within 5 s");
    OK(is_near((double)by_30 / MANY, 0.35, 0.015), "35 % within 30 s");
    OK(is_near((double)before_end / MANY, 0.49, 0.015), "and 51 % are heard to their end");
    all.skips = 50;
    for (int i = 0; i < MANY; i++)
        halved += people_skip_ms(&chance, &all, 200000) != UINT32_MAX;
    OK(is_near((double)halved / MANY, 0.245, 0.015), "patient people skip half as much");
    all.skips = 0;
    OK(people_skip_ms(&chance, &all, 200000) == UINT32_MAX, "or never");
}

static void sessions(void)
{
    struct chance chance = chance_of(2, 1);
    struct load_habits all = habits();
    uint32_t least = UINT32_MAX, most = 0, usual = 0;
    for (int i = 0; i < MANY; i++) {
        uint32_t tracks = people_session_tracks(&chance, &all);
        least = tracks < least ? tracks : least;
        most = tracks > most ? tracks : most;
        usual += tracks <= all.tracks_max;
    }
    OK(least == all.tracks_min && most > all.tracks_max && most <= 3 * all.tracks_max,
       "sessions have a least length and a bounded tail");
    OK(is_near((double)usual / MANY, 0.82, 0.05), "most are of 10 to 20 tracks");
}

static void repeats(void)
{
    struct chance a = chance_of(7, 3), b = chance_of(7, 3), c = chance_of(7, 4);
    OK(chance_next(&a) == chance_next(&b), "the same seed and person draw the same");
    OK(chance_next(&a) != chance_next(&c), "another person does not");
    bool holds = true;
    for (int i = 0; i < MANY; i++)
        holds &= chance_below(&a, 7) < 7 && chance_between(&a, 3, 4) <= 4 && chance_share(&a) < 1;
    OK(holds && chance_below(&a, 0) == 0, "draws stay within their bounds");
}

static void days(void)
{
    uint32_t low = people_present(1000, 2 * 3600, 24 * 3600),
             high = people_present(1000, 18 * 3600 + 1800, 24 * 3600);
    OK(low == 170 && high == 1000, "a night has a sixth of an evening's listeners");
    OK(people_present(1000, 26 * 3600, 24 * 3600) == low, "every day");
}

static void waits(void)
{
    struct chance chance = chance_of(3, 1);
    bool holds = true;
    for (unsigned tries = 0; tries < 40; tries++) {
        uint32_t full = tries < 5 ? 500U << tries : 10000,
                 wait = people_backoff_ms(&chance, tries, false);
        full = full < 10000 ? full : 10000;
        holds &= wait >= full / 2 && wait <= full;
    }
    OK(holds, "waits double to 10 s, with jitter above half");
    OK(people_backoff_ms(&chance, 20, true) < 50, "the impatient do not wait");
}

static void popularities(void)
{
    struct popularity popularity;
    struct chance chance = chance_of(4, 1);
    int first_percent = 0;
    bool holds = true;
    popularity_init(&popularity, 2000);
    for (int i = 0; i < MANY; i++) {
        uint32_t rank = popularity_draw(&popularity, &chance);
        holds &= rank < 2000;
        first_percent += rank < 20;
    }
    OK(holds, "every draw is a rank");
    OK(is_near((double)first_percent / MANY, 0.21, 0.03),
       "the first hundredth has a fifth of all plays");
    popularity_release(&popularity);
    popularity_init(&popularity, 1);
    OK(popularity_draw(&popularity, &chance) == 0, "a single track is always chosen");
    popularity_release(&popularity);
}

int main(void)
{
    skips();
    sessions();
    repeats();
    days();
    waits();
    popularities();
    return tap_done();
}

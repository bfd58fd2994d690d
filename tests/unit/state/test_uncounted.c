// SPDX-License-Identifier: GPL-3.0-or-later
/* Plays that wait for the origin, counted once whatever comes in which order. */
#include "state/uncounted.h"
#include "tap.h"

static const struct uid anna = {{1}};
static struct subject song;

static void one_play(void)
{
    struct uncounted *plays = uncounted_new(1, 10);
    uint64_t shown = 0;
    OK(!uncounted_learn(plays, anna, song, 5, 1000, &shown), "what nobody plays here is not held");
    uncounted_add(plays, anna, song, 6);
    OK(uncounted_learn(plays, anna, song, 7, 1000, &shown) && shown == 8,
       "others' plays come, ours stays on top");
    OK(uncounted_arrived(plays, anna, song, true, 2000, &shown) && shown == 8,
       "ours arrives: nothing changes to be seen");
    OK(uncounted_learn(plays, anna, song, 7, 1999, &shown) && shown == 8,
       "a copy that was made before does not have it");
    OK(uncounted_learn(plays, anna, song, 9, 2000, &shown) && shown == 9,
       "one that was made then has it");
    OK(!uncounted_learn(plays, anna, song, 9, 3000, &shown), "and nothing is held any more");
    uncounted_free(&plays);
}

static void when_the_origins_clock_goes_back(void)
{
    enum { HOUR_MS = 3600 * 1000 };
    struct uncounted *plays = uncounted_new(1, 10);
    uint64_t shown = 0;
    uncounted_add(plays, anna, song, 1);
    OK(uncounted_arrived(plays, anna, song, true, HOUR_MS + 1000, &shown) && shown == 1,
       "a play arrives while the origin's clock is an hour ahead");
    OK(uncounted_learn(plays, anna, song, 1, 2000, &shown) && shown == 1,
       "a copy made after the clock was set right has it, and it counts once");
    uncounted_add(plays, anna, song, 2);
    (void)!uncounted_arrived(plays, anna, song, true, HOUR_MS + 1000, &shown);
    uncounted_add(plays, anna, song, 3);
    (void)!uncounted_arrived(plays, anna, song, true, 5000, &shown);
    OK(uncounted_learn(plays, anna, song, 2, 4999, &shown) && shown == 4,
       "of two receipts the later one says which copy has both");
    OK(uncounted_learn(plays, anna, song, 3, 5000, &shown) && shown == 3, "and that one has");
    uncounted_free(&plays);
}

static void when_a_copy_overtakes_the_receipt(void)
{
    struct uncounted *plays = uncounted_new(1, 10);
    uint64_t shown = 0;
    uncounted_add(plays, anna, song, 6);
    OK(uncounted_learn(plays, anna, song, 6, 2001, &shown) && shown == 7,
       "a copy that has our play comes before the origin's word does");
    OK(uncounted_arrived(plays, anna, song, true, 2000, &shown) && shown == 6,
       "when that comes the play is not waited for any more: no other copy may follow");
    uncounted_free(&plays);
}

static void one_that_was_there(void)
{
    struct uncounted *plays = uncounted_new(1, 10);
    uint64_t shown = 0;
    uncounted_add(plays, anna, song, 6);
    OK(uncounted_arrived(plays, anna, song, false, 2000, &shown) && shown == 5,
       "a play that the origin had already is not counted twice");
    OK(!uncounted_arrived(plays, anna, song, false, 2000, &shown), "nor taken away twice");
    uncounted_add(plays, anna, song, 6);
    uncounted_add(plays, anna, song, 7);
    OK(uncounted_arrived(plays, anna, song, true, 2000, &shown) && shown == 7,
       "one of two arrives");
    OK(uncounted_learn(plays, anna, song, 6, 2500, &shown) && shown == 7, "the other still waits");
    uncounted_free(&plays);
}

static void after_a_restart(void)
{
    struct uncounted *plays = uncounted_new(1, 10);
    uint64_t shown = 0;
    /* the database says 9; the journal holds two of them */
    uncounted_add(plays, anna, song, 9);
    uncounted_add(plays, anna, song, 9);
    OK(uncounted_learn(plays, anna, song, 7, 1000, &shown) && shown == 9, "the base follows");
    OK(uncounted_learn(plays, anna, song, 3, 900, &shown) && shown == 9,
       "an older copy takes nothing away");
    uncounted_free(&plays);
}

static void is_bounded(void)
{
    struct uncounted *plays = uncounted_new(1, 1);
    uint64_t shown;
    uncounted_add(plays, anna, song, 1);
    uncounted_add(plays, (struct uid){{2}}, song, 1);
    OK(!uncounted_learn(plays, (struct uid){{2}}, song, 1, 1, &shown) &&
           uncounted_learn(plays, anna, song, 0, 1, &shown),
       "what there is no room for is not held, the others are");
    uncounted_free(&plays);
}

int main(void)
{
    song = subject_make("tr", (const uint8_t[16]){7});
    one_play();
    when_the_origins_clock_goes_back();
    when_a_copy_overtakes_the_receipt();
    one_that_was_there();
    after_a_restart();
    is_bounded();
    return tap_done();
}

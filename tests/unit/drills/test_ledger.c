// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/ledger.h"
#include "tap.h"

static struct load_readback judge(struct ledger **ledger)
{
    struct load_readback readback;
    ledger_read(*ledger, 0, true);
    ledger_judge(*ledger, &readback);
    ledger_free(ledger);
    return readback;
}

/* One account, one track heard before: `acknowledged` and `unknown` plays, then `found` in all. */
static struct load_written plays(unsigned acknowledged, unsigned unknown, unsigned found)
{
    struct ledger *ledger = ledger_new(1, 1, 1);
    ledger_before(ledger, 0, 0, 7, false);
    for (unsigned i = 0; i < acknowledged; i++)
        ledger_play(ledger, 0, 0, LEDGER_ACKNOWLEDGED);
    for (unsigned i = 0; i < unknown; i++)
        ledger_play(ledger, 0, 0, LEDGER_UNKNOWN);
    ledger_play(ledger, 0, 0, LEDGER_REFUSED);
    ledger_found_track(ledger, 0, 0, found, false);
    return judge(&ledger).kinds[LOAD_WRITE_PLAY];
}

static void plays_are_counted(void)
{
    OK(plays(3, 0, 10).lost == 0 && plays(3, 0, 10).duplicated == 0, "all plays are there");
    OK(plays(3, 0, 9).lost == 1, "an acknowledged play that is not there is lost");
    OK(plays(3, 0, 12).duplicated == 2, "more than were sent are duplicates");
    OK(plays(3, 2, 12).duplicated == 0 && plays(3, 2, 10).lost == 0,
       "a play without an answer may be there or not");
    OK(plays(3, 0, 0).lost == 3, "a count that fell below where it began loses all");
}

static void what_is_read_again_counts_anew(void)
{
    struct ledger *ledger = ledger_new(1, 1, 1);
    uint32_t number = ledger_take_playlist(ledger, 0);
    ledger_playlist(ledger, number, LEDGER_ACKNOWLEDGED);
    ledger_found_playlist(ledger, number);
    ledger_read_anew(ledger);
    ledger_found_playlist(ledger, number);
    struct load_readback readback = judge(&ledger);
    OK(readback.kinds[LOAD_WRITE_PLAYLIST].duplicated == 0 && readback.is_proven,
       "a playlist that is found at each of two readings is there once");
}

static void stars_and_playlists(void)
{
    struct ledger *ledger = ledger_new(1, 3, 2);
    ledger_before(ledger, 0, 2, 0, true);
    OK(!ledger_take_star(ledger, 0, 2), "what was starred before is not starred again");
    OK(ledger_take_star(ledger, 0, 0) && !ledger_take_star(ledger, 0, 0),
       "each pair is taken once");
    ledger_star(ledger, 0, 0, LEDGER_REFUSED);
    OK(ledger_take_star(ledger, 0, 0) && ledger_take_star(ledger, 0, 1), "or again when refused");
    ledger_star(ledger, 0, 0, LEDGER_ACKNOWLEDGED);
    ledger_star(ledger, 0, 1, LEDGER_ACKNOWLEDGED);
    uint32_t first = ledger_take_playlist(ledger, 0), second = ledger_take_playlist(ledger, 0);
    OK(first != second && ledger_take_playlist(ledger, 0) == UINT32_MAX, "playlists have an end");
    ledger_playlist(ledger, first, LEDGER_ACKNOWLEDGED);
    ledger_playlist(ledger, second, LEDGER_ACKNOWLEDGED);
    ledger_found_track(ledger, 0, 0, 0, true);
    ledger_found_playlist(ledger, second);
    ledger_found_playlist(ledger, second);
    ledger_found_playlist(ledger, 77);
    struct load_readback readback = judge(&ledger);
    OK(readback.kinds[LOAD_WRITE_STAR].acknowledged == 2 &&
           readback.kinds[LOAD_WRITE_STAR].lost == 1,
       "a star that is gone is lost");
    OK(readback.kinds[LOAD_WRITE_PLAYLIST].lost == 1 &&
           readback.kinds[LOAD_WRITE_PLAYLIST].duplicated == 1,
       "so is a playlist, and two of one name are a duplicate");
    OK(readback.is_proven, "this proves something");
}

static void proof(void)
{
    struct load_readback readback;
    struct ledger *ledger = ledger_new(2, 1, 1);
    ledger_read(ledger, 0, true);
    ledger_read(ledger, 1, true);
    ledger_judge(ledger, &readback);
    OK(!readback.is_proven, "nothing acknowledged proves nothing");
    ledger_play(ledger, 0, 0, LEDGER_ACKNOWLEDGED);
    ledger_play(ledger, 1, 0, LEDGER_ACKNOWLEDGED);
    ledger_read(ledger, 1, false);
    ledger_judge(ledger, &readback);
    OK(!readback.is_proven && readback.accounts_unreadable == 1 &&
           readback.kinds[LOAD_WRITE_PLAY].lost == 1,
       "an account that cannot be read proves nothing, and its writes are not called lost");
    ledger_free(&ledger);
}

int main(void)
{
    plays_are_counted();
    stars_and_playlists();
    what_is_read_again_counts_anew();
    proof();
    return tap_done();
}

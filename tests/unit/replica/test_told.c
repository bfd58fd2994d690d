// SPDX-License-Identifier: GPL-3.0-or-later
/* What an answer to /changes says. */
#include "replica/told.h"
#include "tap.h"

static struct arena *arena;
static struct told told;

static bool reads(const char *bytes) { return told_read(arena, text_of(bytes), &told); }

static void all_that_is_followed_is_wanted(void)
{
    OK(reads(
           "{\"cursor\":\"1.2.a-_\",\"objects\":[{\"name\":\"/keys\"},{\"name\":\"/catalog/1\"},"
           "{\"name\":\"/catalog/3\"},{\"name\":\"/elsewhere\"}],"
           "\"states\":[{\"account\":\"AQEBAQEBAQEBAQEBAQEBAQ\"},{\"account\":\"?\"}],\"more\":1}"),
       "an answer is read");
    OK(text_equal(told.cursor, TEXT("1.2.a-_")), "with the place in the changes");
    OK(told.small[0] && !told.small[1] && told.lists == 5, "objects that are followed are wanted");
    OK(told.account_count == 1 && told.accounts[0].bytes[0] == 1, "and accounts that are ids");
}

static void of_many_a_piece_is_told(void)
{
    OK(reads("{\"cursor\":\"1\",\"objects\":[],\"states\":[],\"next\":"
             "\"AQEBAQEBAQEBAQEBAQEBAQ\"}") &&
           told.has_more && told.next.bytes[15] == 1,
       "it says behind whom the next one begins");
    OK(reads("{\"cursor\":\"1\",\"objects\":[],\"states\":[]}") && !told.has_more,
       "the last one does not");
    OK(!reads("{\"cursor\":\"1\",\"objects\":[],\"states\":[],\"next\":\"?\"}"),
       "behind nobody none begins");
}

static void what_makes_no_sense_is_none(void)
{
    static const char *const bad[] = {
        "",
        "<html>",
        "[]",
        "{\"objects\":[],\"states\":[]}",
        "{\"cursor\":\"\",\"objects\":[],\"states\":[]}",
        "{\"cursor\":\"1&all=0\",\"objects\":[],\"states\":[]}",
        "{\"cursor\":1,\"objects\":[],\"states\":[]}",
        "{\"cursor\":\"1\",\"states\":[]}",
        "{\"cursor\":\"1\",\"objects\":[],\"states\":{}}",
        ("{\"cursor\":\"1234567890123456789012345678901234567890123456789012345678901234x\","
         "\"objects\":[],\"states\":[]}"),
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        OK(!reads(bad[i]), bad[i][0] ? bad[i] : "nothing");
    OK(reads(
           "{\"cursor\":\"1\",\"objects\":[{\"name\":\"/catalog/0\"},{\"name\":\"/catalog/9999\"},"
           "{\"name\":\"/catalog/x\"},{\"name\":1},7],\"states\":[]}") &&
           told.lists == 0,
       "libraries that cannot be are passed over");
}

int main(void)
{
    arena = arena_new(1 << 20);
    all_that_is_followed_is_wanted();
    of_many_a_piece_is_told();
    what_makes_no_sense_is_none();
    arena_free(&arena);
    return tap_done();
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/scenario.h"
#include "tap.h"

#include "base/mem.h"

#define ABOUT "name = \"x\"\nclass = \"crash\"\nproves = \"It works.\"\nseconds = 12\n"
#define LIMITS "limits { failed_plays = 0 }\n"
#define KILL "fault {\n  kind = \"kill\"\n  at_s = 4\n}\n"

static void test_whole(void)
{
    struct buffer why;
    buffer_init(&why, SCENARIO_WHY_MAX_BYTES);
    struct scenario *scenario = scenario_parse(
        "x.drill",
        TEXT(ABOUT
             "guards = { \"supervisor-restarts\", \"crowd,make-way\" }\n"
             "topology { proxy = yes  tracks = 9 }\nload { listeners = 200 arrival = flash }\n"
             "fault { kind = rate at_s = 2 until_s = 9 rate_kbit = 64 direction = down }\n" KILL
             "limits { gap_ms_max = 250 }\n"),
        &why);
    OK_TEXT(buffer_view(&why), TEXT(""), "a whole scenario is read without a word");
    OK(scenario && scenario->topology.proxy && scenario->topology.tracks == 9 &&
           scenario->load.listeners == 200 && scenario->load.arrival == 3,
       "values are where they belong");
    OK(scenario->about.weight == 5 && scenario->load.buffer_s == 30, "the others have defaults");
    OK(scenario->fault_count == 2 && scenario->faults[0].rate_kbit == 64 &&
           scenario->faults[0].direction == FAULT_DOWN &&
           scenario->faults[0].share_percent == 100 && scenario->faults[1].kind == FAULT_KILL,
       "faults keep their order and have their parameters");
    OK(scenario->limits.gap_ms_max == 250 && scenario->limits.failed_plays == SCENARIO_NOT_GIVEN,
       "a limit that is not given is not judged");
    scenario_free(&scenario);
    OK(!scenario, "freeing leaves NULL behind");
    buffer_release(&why);
}

/* What is wrong, and what the words must say. */
static const struct {
    const char *content, *words, *claim;
} refused[] = {
    {"", "needs name", "an empty file is no scenario"},
    {ABOUT LIMITS "lod { }", "x.drill:6: a scenario has no key \"lod\"; did you mean \"load\"?",
     "a section that does not exist is named with its line and the nearest one"},
    {ABOUT LIMITS KILL "load { listners = 3 }",
     "load has no key \"listners\"; did you mean \"listeners\"?", "a slip in a key is named"},
    {ABOUT LIMITS KILL "load {\n listeners = many }",
     "x.drill:11: listeners is a whole number from 1 to 20000; not \"many\"",
     "a number is a number"},
    {ABOUT LIMITS "fault { kind = kil at_s = 2 }", "kind is one of: kill crash", "kinds are told"},
    {ABOUT LIMITS "fault { at_s = 2 }", "a fault needs a kind", "a fault has a kind"},
    {ABOUT LIMITS "fault { kind = kill }", "a kill needs at_s", "a fault has a time"},
    {ABOUT LIMITS "fault { kind = kill at_s = 2 until_s = 3 }", "has no until_s",
     "a moment has no end"},
    {ABOUT LIMITS "fault { kind = hang at_s = 2 }", "a hang needs until_s",
     "what lasts has an end"},
    {ABOUT LIMITS "fault { kind = hang at_s = 5 until_s = 5 }", "later than at_s",
     "which is later"},
    {ABOUT LIMITS "fault { kind = kill at_s = 12 }", "nothing would show whether it recovered",
     "a fault lies within the run"},
    {ABOUT LIMITS "fault { kind = kill at_s = 2 delay_ms = 3 }",
     "delay_ms is nothing that a kill takes", "a parameter that does nothing is refused"},
    {ABOUT LIMITS "fault { kind = kill at_s = 2 direction = up }", "takes no direction",
     "so is a direction"},
    {ABOUT LIMITS "fault { kind = clock at_s = 2 until_s = 4 }", "a clock needs shift_s",
     "a needed parameter is asked for"},
    {ABOUT LIMITS "fault { kind = stall at_s = 2 until_s = 4 delay_ms = 1 stall_percent = 2 }",
     "needs topology { proxy", "a broken line needs the proxy"},
    {ABOUT LIMITS "fault { kind = disk-full at_s = 2 until_s = 4 }", "needs topology { data_mib",
     "a full disk needs a disk"},
    {ABOUT LIMITS "fault { kind = kill at_s = 2 node = edge-2 } topology { edges = 1 }",
     "aims at a node that", "a fault hits a node that is there"},
    {ABOUT LIMITS KILL "topology { edges = 1  tracks = 2  cold_tracks = 2 }",
     "tracks = 2 } one at least is not cold", "somebody asked for a track"},
    {ABOUT LIMITS KILL "topology { edges = 1  cold_edges = 1 }", "one at least is not cold",
     "somebody holds music"},
    {ABOUT LIMITS "fault { kind = kill at_s = 2 node = edges }", "aims at a node that",
     "also when it means all edges"},
    {ABOUT LIMITS
     "topology { proxy = yes }\nfault { kind = refuse at_s = 2 until_s = 4 node = edges }",
     "hits a line", "a line is no node"},
    {ABOUT LIMITS KILL "ear { song = a.flac }", "needs song and title", "an ear needs both"},
    {ABOUT LIMITS KILL "ear { song = a.flac title = b }", "needs topology { library",
     "and a library that holds it"},
    {ABOUT LIMITS, "nothing breaks", "something must break"},
    {ABOUT KILL, "nothing is demanded", "something must be demanded"},
    {"name = \"Two words\"\nclass = crash proves = p\n" LIMITS, "name is one word",
     "a name is a word"},
    {"name = x class = fun proves = p\n" LIMITS KILL, "class is one of", "classes are told"},
    {ABOUT LIMITS KILL "guards = { \"mine\" }", "there is no guard \"mine\"", "guards exist"},
    {ABOUT LIMITS KILL "guards = { \"crowd,mine\" }", "there is no guard \"mine\"",
     "each of those that go together"},
    {ABOUT LIMITS KILL "topology { track_kbit = 65 }", "track_kbit is one of",
     "bit rates are those of MP3"},
    {ABOUT LIMITS KILL "words = { 1,2,3,4,5,6,7,8,9 }", "at most 8", "a list has a limit"},
    {ABOUT LIMITS "fault {", "x.drill:", "a missing brace is told"},
};

static void test_refusals(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        struct buffer why;
        buffer_init(&why, SCENARIO_WHY_MAX_BYTES);
        struct scenario *scenario = scenario_parse("x.drill", text_of(refused[i].content), &why);
        bool is_told = text_contains(buffer_view(&why), text_of(refused[i].words));
        OK(!scenario && is_told, refused[i].claim);
        if (!is_told)
            printf("# said: %.*s\n", TEXT_ARGS(buffer_view(&why)));
        scenario_free(&scenario);
        buffer_release(&why);
    }
}

static void test_limits(void)
{
    struct buffer why, many;
    buffer_init(&why, SCENARIO_WHY_MAX_BYTES);
    buffer_init(&many, SCENARIO_MAX_BYTES + 2);
    buffer_text(&many, TEXT(ABOUT LIMITS));
    for (int i = 0; i <= SCENARIO_MAX_FAULTS; i++)
        buffer_text(&many, TEXT(KILL));
    OK(!scenario_parse("x", buffer_view(&many), &why) &&
           text_contains(buffer_view(&why), TEXT("at most 16 faults")),
       "faults have a limit");
    buffer_reset(&why);
    while (!many.overflowed)
        buffer_text(&many, TEXT("# more\n"));
    OK(!scenario_parse("x", buffer_view(&many), &why) &&
           text_contains(buffer_view(&why), TEXT("at most 64 KiB")),
       "a file has a limit");
    buffer_reset(&why);
    OK(!scenario_parse("x", TEXT("a\0b"), &why) && why.size > 0, "a NUL is no text");
    OK(!scenario_read("/nowhere/x.drill", &why), "a missing file is told");
    buffer_release(&many);
    buffer_release(&why);
}

int main(void)
{
    test_whole();
    test_refusals();
    test_limits();
    return tap_done();
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/lrc.h"
#include "tap.h"

static struct arena *arena;

static const struct {
    struct text source;
    bool is_synced;
    size_t count;
    struct {
        int32_t start_ms;
        struct text text;
    } lines[4];
    const char *claim;
} cases[] = {
    {TEXT_INIT("[00:01.50]one\n[00:03.00]two\n"),
     true,
     2,
     {{1500, TEXT_INIT("one")}, {3000, TEXT_INIT("two")}},
     "lines with times"},
    {TEXT_INIT("[ar:A][ti:B]\r\n[00:01]x\r\n\r\n"),
     true,
     1,
     {{1000, TEXT_INIT("x")}},
     "tags, CRLF and empty lines are no lines"},
    {TEXT_INIT("[00:10.00][00:02.0]refrain\n[00:05.123]verse"),
     true,
     3,
     {{2000, TEXT_INIT("refrain")}, {5123, TEXT_INIT("verse")}, {10000, TEXT_INIT("refrain")}},
     "one text at two times is sorted in"},
    {TEXT_INIT("[offset:+500]\n[00:02.00]sooner"),
     true,
     1,
     {{1500, TEXT_INIT("sooner")}},
     "a positive offset makes lines come sooner"},
    {TEXT_INIT("[offset:-500]\n[00:02.00]later"),
     true,
     1,
     {{2500, TEXT_INIT("later")}},
     "a negative one later"},
    {TEXT_INIT("[offset:99999]\n[00:02.00]a"),
     true,
     1,
     {{0, TEXT_INIT("a")}},
     "never before the start"},
    {TEXT_INIT("[00:01.00]<00:01.00>word <00:01.50>by <00:02.00>word"),
     true,
     1,
     {{1000, TEXT_INIT("word by word")}},
     "enhanced LRC: word times are dropped"},
    {TEXT_INIT("[01:02:03.40]long\n[00:01:50]old"),
     true,
     2,
     {{1500, TEXT_INIT("old")}, {3723400, TEXT_INIT("long")}},
     "hours, and hundredths behind a colon"},
    {TEXT_INIT("just words\n\nmore\n"),
     false,
     3,
     {{0, TEXT_INIT("just words")}, {0, {NULL, 0}}, {0, TEXT_INIT("more")}},
     "no times: unsynced, with its verses apart"},
    {TEXT_INIT("intro without time\n[00:01.00]x"),
     true,
     1,
     {{1000, TEXT_INIT("x")}},
     "untimed lines of a timed text are skipped"},
    {TEXT_INIT("[Chorus]\nla la"),
     false,
     2,
     {{0, TEXT_INIT("[Chorus]")}, {0, TEXT_INIT("la la")}},
     "brackets that hold no time are words"},
    {TEXT_INIT("[00:61.00]bad second\n[99:99]bad\n[00:01.00]good"),
     true,
     1,
     {{1000, TEXT_INIT("good")}},
     "impossible times are skipped"},
    {TEXT_INIT("[00:01.00]\n[00:02.00]x"),
     true,
     2,
     {{1000, {NULL, 0}}, {2000, TEXT_INIT("x")}},
     "a break is an empty line"},
    {TEXT_INIT("\xef\xbb\xbf[00:01.00]bom"),
     true,
     1,
     {{1000, TEXT_INIT("bom")}},
     "a byte order mark"},
    {TEXT_INIT("\xff\xfe[\0000\0000\0:\0000\0001\0]\0\x42\x04"),
     true,
     1,
     {{1000, TEXT_INIT("т")}},
     "UTF-16"},
    {TEXT_INIT("[00:01.00]caf\xe9"), true, 1, {{1000, TEXT_INIT("café")}}, "Latin-1"},
    {TEXT_INIT("[00:01.00]a\x01\x1b[0m b"),
     true,
     1,
     {{1000, TEXT_INIT("a[0m b")}},
     "control characters are dropped"},
};

static bool is_expected(size_t i, const struct media_lyrics *got)
{
    if (got->is_synced != cases[i].is_synced || got->line_count != cases[i].count)
        return false;
    for (size_t j = 0; j < got->line_count; j++)
        if (got->lines[j].start_ms != cases[i].lines[j].start_ms ||
            !text_equal(got->lines[j].text, cases[i].lines[j].text))
            return false;
    return true;
}

static void show(const struct media_lyrics *got)
{
    for (size_t i = 0; i < got->line_count; i++)
        printf("# %d \"%.*s\"\n", (int)got->lines[i].start_ms, TEXT_ARGS(got->lines[i].text));
}

static void test_cases(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct media_lyrics lyrics = {0};
        bool is_read = lrc_parse(cases[i].source, arena, &lyrics),
             is_good = is_read && is_expected(i, &lyrics);
        OK(is_good, cases[i].claim);
        if (!is_good)
            show(&lyrics);
        arena_reset(arena);
    }
}

static void test_limits(void)
{
    struct media_lyrics lyrics = {.line_count = 77};
    struct buffer many;
    buffer_init(&many, LRC_MAX_BYTES + 100);
    for (int i = 0; i <= LRC_MAX_LINES; i++)
        buffer_text(&many, TEXT("[00:01.00]x\n"));
    OK(!lrc_parse(buffer_view(&many), arena, &lyrics), "more lines than the limit are refused");
    OK(!lrc_parse(TEXT(""), arena, &lyrics) && !lrc_parse(TEXT("\n\n  \n"), arena, &lyrics),
       "nothing is no lyrics");
    OK(!lrc_parse(TEXT("[ar:Someone]\n[00:01.00]\n"), arena, &lyrics),
       "times without words neither");
    OK(lyrics.line_count == 77, "a refusal leaves the answer untouched");
    buffer_release(&many);
}

int main(void)
{
    arena = arena_new(1 << 20);
    test_cases();
    test_limits();
    arena_free(&arena);
    return tap_done();
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/words.h"
#include "tap.h"

static const struct {
    struct text bytes, expected;
    const char *claim;
} bytes_cases[] = {
    {TEXT_INIT("plain"), TEXT_INIT("plain"), "ASCII stays"},
    {TEXT_INIT("Mot\xf6rhead"), TEXT_INIT("Motörhead"), "Latin-1"},
    {TEXT_INIT("\x93quoted\x94 \x85"), TEXT_INIT("“quoted” …"), "Windows-1252's own"},
    {TEXT_INIT("\xca\xe8\xed\xee"), TEXT_INIT("Кино"), "Windows-1251"},
    {TEXT_INIT("\xcc\xe0\xf8\xe8\xed\xe0 \xe2\xf0\xe5\xec\xe5\xed\xe8 live"),
     TEXT_INIT("Машина времени live"), "Windows-1251 with some Latin"},
    {TEXT_INIT("\xb8\xeb\xea\xe0"), TEXT_INIT("ёлка"), "its letter io"},
    {TEXT_INIT("\xc3\x86nima"), TEXT_INIT("Ænima"), "UTF-8 in disguise"},
    {TEXT_INIT("\xc9t\xe9"), TEXT_INIT("Été"), "a few accents are not Cyrillic"},
    {TEXT_INIT("Kino\0junk"), TEXT_INIT("Kino"), "a field ends at NUL"},
    {TEXT_INIT("\x81"), TEXT_INIT("\xef\xbf\xbd"), "an undefined byte becomes U+FFFD"},
};

static const struct {
    struct text source, expected;
    bool keep_lines;
    size_t limit;
    const char *claim;
} clean_cases[] = {
    {TEXT_INIT("  title \n"), TEXT_INIT("title"), false, 100, "white space around is trimmed"},
    {TEXT_INIT("a\r\nb\rc\nd"), TEXT_INIT("a\nb\nc\nd"), true, 100, "line ends become one kind"},
    {TEXT_INIT("a\nb\tc"), TEXT_INIT("a b c"), false, 100, "a title has no lines"},
    {TEXT_INIT("a\0b\x07\x7f"
               "c"),
     TEXT_INIT("abc"), true, 100, "control characters go"},
    {TEXT_INIT("a\xff\xc3z"), TEXT_INIT("a\xef\xbf\xbd\xef\xbf\xbdz"), false, 100,
     "what is not UTF-8 shows as U+FFFD"},
    {TEXT_INIT("\xed\xa0\x80"), TEXT_INIT("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"), false, 100,
     "so do surrogates"},
    {TEXT_INIT("aééé"), TEXT_INIT("aé"), false, 4, "a cut falls between characters"},
};

int main(void)
{
    struct buffer out;
    buffer_init(&out, 4096);
    for (size_t i = 0; i < ARRAY_SIZE(bytes_cases); i++) {
        buffer_reset(&out);
        words_from_bytes(bytes_cases[i].bytes, &out);
        OK_TEXT(buffer_view(&out), bytes_cases[i].expected, bytes_cases[i].claim);
    }
    for (size_t i = 0; i < ARRAY_SIZE(clean_cases); i++) {
        buffer_reset(&out);
        bool is_cut = words_clean(clean_cases[i].source, clean_cases[i].keep_lines,
                                  clean_cases[i].limit, &out);
        OK_TEXT(buffer_view(&out), clean_cases[i].expected, clean_cases[i].claim);
        OK(is_cut == (clean_cases[i].limit == 4), "and says whether it was cut");
    }
    buffer_release(&out);
    return tap_done();
}

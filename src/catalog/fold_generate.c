// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * fold_generate: writes the table that catalog/fold.c reads, from the Unicode data of libutf8proc.
 *
 * usage: fold_generate > fold_table.h       a build step; nothing of it runs in the server or the
 * browser
 *
 * Each code point is kept, dropped, made a separator (hard or soft) or replaced by a short
 * sequence: its compatibility decomposition, case-folded, without the marks that Latin, Greek,
 * Cyrillic, Hebrew and Arabic readers leave out, and composed again.  Marks that carry the meaning
 * in other scripts (kana voicing, Indic vowels, Thai tones) stay. Katakana becomes hiragana.
 */
#include "base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum {
    POINTS = 0x20000,
    PAGE = 32,
    PAGES = POINTS / PAGE,
    KEEP = 0,
    HARD = 1,
    SOFT = 2,
    DROP = 3,
    FIRST_SEQUENCE = 4
};

struct sequences {
    char bytes[65536];
    uint16_t start[8192];
    unsigned count, size;
};

static uint16_t values[POINTS];
static uint16_t page_of[PAGES], pages[PAGES][PAGE];
static struct sequences sequences;

/* Letters that no decomposition takes apart, as people type them. */
static const struct {
    int32_t point;
    const char *as;
} letters[] = {
    {0xe6, "ae"}, {0xf0, "d"},  {0xf8, "o"},  {0xfe, "th"}, {0x111, "d"},  {0x127, "h"},
    {0x131, "i"}, {0x138, "k"}, {0x142, "l"}, {0x14b, "n"}, {0x153, "oe"}, {0x167, "t"},
    {0x180, "b"}, {0x188, "c"}, {0x18c, "d"}, {0x192, "f"}, {0x199, "k"},  {0x19a, "l"},
    {0x1a5, "p"}, {0x1ad, "t"}, {0x1b4, "y"}, {0x1b6, "z"}, {0x1e5, "g"},  {0x23c, "c"},
    {0x247, "e"}, {0x249, "j"}, {0x253, "b"}, {0x256, "d"}, {0x257, "d"},  {0x259, "e"},
    {0x260, "g"}, {0x268, "i"}, {0x26b, "l"}, {0x275, "o"}, {0x289, "u"},  {0x2c6c, "k"},
};

static bool mark_is_dropped(int32_t point)
{
    const utf8proc_property_t *property = utf8proc_get_property(point);
    unsigned order = (unsigned)property->combining_class;
    bool is_mark =
        property->category == UTF8PROC_CATEGORY_MN || property->category == UTF8PROC_CATEGORY_ME;
    return is_mark && (order == 1 || (order >= 10 && order <= 36) || order >= 200 ||
                       property->category == UTF8PROC_CATEGORY_ME);
}

static int32_t hiragana_of(int32_t point)
{
    return (point >= 0x30a1 && point <= 0x30f6) || point == 0x30fd || point == 0x30fe ? point - 0x60
                                                                                      : point;
}

static unsigned class_of(int32_t point)
{
    switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
        return HARD;
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PC:
        return SOFT;
    case UTF8PROC_CATEGORY_CF:
        return DROP;
    default:
        return KEEP;
    }
}

static unsigned sequence_of(const char *bytes, unsigned size)
{
    for (unsigned i = 0; i < sequences.count; i++) {
        unsigned has = (unsigned)(sequences.start[i + 1] - sequences.start[i]);
        if (has == size && memcmp(sequences.bytes + sequences.start[i], bytes, size) == 0)
            return FIRST_SEQUENCE + i;
    }
    if (sequences.size + size > sizeof sequences.bytes || sequences.count + 2 > 8192)
        abort();
    memcpy(sequences.bytes + sequences.size, bytes, size);
    sequences.size += size;
    sequences.start[++sequences.count] = (uint16_t)sequences.size;
    return FIRST_SEQUENCE + sequences.count - 1;
}

static unsigned encode(const int32_t *points, long count, char *out)
{
    unsigned size = 0;
    for (long i = 0; i < count; i++)
        size += (unsigned)utf8proc_encode_char(points[i], (uint8_t *)out + size);
    return size;
}

/* Decomposes, folds, strips, respells; the code points that remain. */
static long folded_points(int32_t point, int32_t *out, long capacity)
{
    int32_t points[64];
    int boundary = 0;
    const utf8proc_option_t options =
        UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_STABLE;
    long count = utf8proc_decompose_char(point, points, 64, options, &boundary), kept = 0;
    for (long i = 0; i < count; i++)
        if (!mark_is_dropped(points[i]))
            points[kept++] = points[i];
    count = utf8proc_normalize_utf32(points, kept, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    if (count < 0 || count > capacity)
        abort();
    for (long i = 0; i < count; i++)
        out[i] = hiragana_of(points[i]);
    return count;
}

static unsigned value_of(int32_t point)
{
    char bytes[256];
    int32_t points[64];
    if ((point >= 0xd800 && point < 0xe000) || (point >= 0xac00 && point < 0xd7a4))
        return KEEP;
    static const int32_t apostrophes[] = {'\'',  '`',   0xb4,  0x2019, 0x2018,
                                          0x2bb, 0x2bc, 0x2b9, 0x2032, 0xad};
    static const int32_t joints[] = {'/', '\\', '.', 0xb7, 0x2022, '*', '~', ':', 0x30fb};
    for (unsigned i = 0; i < sizeof apostrophes / sizeof *apostrophes; i++)
        if (point == apostrophes[i])
            return DROP;
    for (unsigned i = 0; i < sizeof joints / sizeof *joints; i++)
        if (point == joints[i])
            return SOFT;
    if (mark_is_dropped(point))
        return DROP;
    long count = folded_points(point, points, 64);
    for (unsigned i = 0; count == 1 && i < sizeof letters / sizeof *letters; i++)
        if (points[0] == letters[i].point)
            return sequence_of(letters[i].as, (unsigned)strlen(letters[i].as));
    unsigned class = class_of(point);
    if (count == 1 && class_of(points[0]) != KEEP) /* a wide comma is a comma */
        return points[0] == point ? class : value_of(points[0]);
    if (count == 1 && points[0] == point)
        return class;
    if (class != KEEP && count > 0 && class_of(points[0]) == KEEP &&
        count == 1) /* a letter in a circle */
        class = KEEP;
    if (class == HARD && points[0] == ' ')
        return HARD;
    return count ? sequence_of(bytes, encode(points, count, bytes)) : DROP;
}

static unsigned fill_pages(void)
{
    unsigned count = 0;
    for (unsigned page = 0; page < PAGES; page++) {
        unsigned same = 0;
        while (same < count && memcmp(pages[same], values + page * PAGE, sizeof pages[same]) != 0)
            same++;
        if (same == count)
            memcpy(pages[count++], values + page * PAGE, sizeof pages[0]);
        page_of[page] = (uint16_t)same;
    }
    return count;
}

static void print_u16(const char *name, const uint16_t *numbers, unsigned count)
{
    printf("static const uint16_t %s[%u] = {", name, count);
    for (unsigned i = 0; i < count; i++)
        printf("%s%u,", i % 24 ? "" : "\n", numbers[i]);
    printf("\n};\n");
}

int main(void)
{
    for (int32_t point = 0; point < POINTS; point++)
        values[point] = (uint16_t)value_of(point);
    unsigned count = fill_pages();
    printf("// Made by catalog/fold_generate.c from Unicode %s; do not edit.\n",
           utf8proc_unicode_version());
    printf("enum { FOLD_POINTS = %d, FOLD_PAGE = %d };\n", POINTS, PAGE);
    print_u16("fold_page_of", page_of, PAGES);
    print_u16("fold_values", pages[0], count * PAGE);
    print_u16("fold_start", sequences.start, sequences.count + 1);
    printf("static const unsigned char fold_bytes[%u] = {", sequences.size);
    for (unsigned i = 0; i < sequences.size; i++)
        printf("%s%u,", i % 24 ? "" : "\n", (unsigned char)sequences.bytes[i]);
    printf("\n};\n");
    fprintf(stderr, "fold table: %u bytes (%u pages, %u sequences)\n",
            PAGES * 2 + count * PAGE * 2 + sequences.count * 2 + sequences.size, count,
            sequences.count);
    return fflush(stdout) ? 1 : 0;
}

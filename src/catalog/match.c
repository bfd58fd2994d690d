// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/match.h"
#include "catalog/simd.h"
#include "catalog/utf8.h"

enum { MATCH_LETTERS_INSIDE = 3, MATCH_LETTERS_ONE_SLIP = 4, MATCH_LETTERS_TWO_SLIPS = 8 };

void match_word_init(struct match_word *word, struct text folded)
{
    size_t at = 0, letters = utf8_count(folded);
    word->text = folded;
    edits_read(&word->letters, folded);
    word->slips = letters >= MATCH_LETTERS_TWO_SLIPS  ? 2
                  : letters >= MATCH_LETTERS_ONE_SLIP ? 1
                                                      : 0;
    /* One character of Chinese or Japanese is often a word. */
    word->looks_inside =
        letters >= MATCH_LETTERS_INSIDE || (letters > 0 && utf8_next(folded, &at) >= 0x2e80);
}

size_t match_scan(struct text hay, size_t from, struct text needle)
{
    size_t last = needle.size - 1;
    if (needle.size > hay.size)
        return hay.size;
    const simd16 first_byte = simd_fill((uint8_t)needle.data[0]),
                 last_byte = simd_fill((uint8_t)needle.data[last]);
    size_t at = from, end = hay.size - last; /* a match begins below end */
    for (; at + SIMD_BYTES <= end; at += SIMD_BYTES) {
        simd16 both = simd_equal(simd_load(hay.data + at), first_byte) &
                      simd_equal(simd_load(hay.data + at + last), last_byte);
        for (uint32_t mask = simd_mask(both); mask; mask &= mask - 1) {
            size_t hit = at + (unsigned)__builtin_ctz(mask);
            if (bytes_same(hay.data + hit, needle.data, needle.size))
                return hit;
        }
    }
    for (; at < end; at++)
        if (bytes_same(hay.data + at, needle.data, needle.size))
            return at;
    return hay.size;
}

/* First word that is not before `text`, among [from, count). */
static uint32_t lower_bound(const struct segment *segment, struct text text)
{
    uint32_t low = 0, high = segment->rows[TABLE_WORDS];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (bytes_compare(segment_word(segment, middle), text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* First word behind `from` that does not begin with `text`. */
static uint32_t prefix_end(const struct segment *segment, uint32_t from, struct text text)
{
    uint32_t low = from, high = segment->rows[TABLE_WORDS];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (bytes_start(segment_word(segment, middle), text))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The word that holds this offset of the dictionary's bytes. */
static uint32_t word_at(const struct segment *segment, size_t offset)
{
    const uint32_t *starts = segment_u32s(segment, COLUMN_WORD);
    uint32_t low = 0, high = segment->rows[TABLE_WORDS];
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (starts[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void match_inside(const struct segment *segment, const struct match_word *word,
                         match_found *found, void *context)
{
    const uint32_t *starts = segment_u32s(segment, COLUMN_WORD);
    struct text bytes = text_make((const char *)segment->columns[COLUMN_WORD_BYTE],
                                  segment->rows[TABLE_WORD_BYTES]);
    for (size_t at = match_scan(bytes, 0, word->text); at < bytes.size;) {
        uint32_t hit = word_at(segment, at);
        if (starts[hit] != at) /* at its start it was found before */
            found(context, hit, hit + 1, MATCH_INSIDE);
        at = match_scan(bytes, starts[hit + 1], word->text);
    }
}

/* A slip changes at most two bits of the letters. */
static bool letters_are_near(uint32_t a, uint32_t b, unsigned slips)
{
    uint32_t other = a ^ b;
    for (unsigned i = 0; i < 2 * slips; i++)
        other &= other - 1; /* of 0 stays 0 */
    return other == 0;
}

static void match_edited(const struct segment *segment, const struct match_word *word,
                         match_found *found, void *context)
{
    const uint32_t *letters = segment_u32s(segment, COLUMN_WORD_LETTERS);
    uint32_t count = segment->rows[TABLE_WORDS];
    for (uint32_t i = 0; i < count; i++) {
        struct edits_word other;
        if (!letters_are_near(letters[i], word->letters.letters, word->slips))
            continue;
        edits_read(&other, segment_word(segment, i));
        if (edits_near(&word->letters, &other, word->slips))
            found(context, i, i + 1, MATCH_EDITED);
    }
}

void match_dictionary(const struct segment *segment, const struct match_word *word, bool with_edits,
                      match_found *found, void *context)
{
    if (segment->rows[TABLE_WORDS] == 0 || word->text.size == 0)
        return;
    uint32_t from = lower_bound(segment, word->text), to = prefix_end(segment, from, word->text);
    bool has_whole = from < to && segment_word(segment, from).size == word->text.size;
    if (has_whole)
        found(context, from, from + 1, MATCH_WHOLE);
    if (from + has_whole < to)
        found(context, from + has_whole, to, MATCH_START);
    if (word->looks_inside)
        match_inside(segment, word, found, context);
    if (with_edits && word->slips > 0 && word->letters.count > 0)
        match_edited(segment, word, found, context);
}

uint64_t match_weight(const struct segment *segment, const struct match_word *word)
{
    enum { TRACKS_OF_ALBUM = 10, TRACKS_OF_ARTIST = 30 }; /* as libraries go */
    if (segment->rows[TABLE_WORDS] == 0 || word->text.size == 0)
        return 0;
    const uint32_t *tracks = segment_u32s(segment, COLUMN_WORD_TRACKS),
                   *albums = segment_u32s(segment, COLUMN_WORD_ALBUMS),
                   *artists = segment_u32s(segment, COLUMN_WORD_ARTISTS);
    uint32_t from = lower_bound(segment, word->text), to = prefix_end(segment, from, word->text);
    return (uint64_t)(tracks[to] - tracks[from]) +
           TRACKS_OF_ALBUM * (uint64_t)(albums[to] - albums[from]) +
           TRACKS_OF_ARTIST * (uint64_t)(artists[to] - artists[from]);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/match.h"
#include "catalog/search.h"
#include "catalog/simd.h"
#include "catalog/snapshot.h"

/*
 * catalog/marks: one byte per artist, album and track that says how well it answers a query so far.
 *
 *   bit 7      the query's first word is the whole of the entity's own name (an article does not
 * count) bit 6      the query's first word begins it bits 1-5   quality of the worst word (enum
 * match_quality); 0: a word is missing bit 0      the entity's own name has that word; 0: only its
 * album or an artist
 *
 * For each word, rarest first: 1. every segment's dictionary says which words match how well, and
 * their postings set marks; 2. marks of artists are lifted to their albums and tracks, marks of
 * albums to their tracks; 3. the marks of all words are combined by minimum, sixteen at a time.
 * Once few tracks are left the order turns: a posting list that is much longer is searched for
 * those tracks, and they fetch the marks of their album and artists.  Either way gives the same
 * marks.  Private to search.
 */
enum {
    MARK_ONLY = 0x80,
    MARK_FIRST = 0x40,
    MARK_PLACE = MARK_ONLY | MARK_FIRST,
    MARK_PLACE_SHIFT = 6, /* of enum word_place */
    MARK_VALUE = 0x3f,
    MARK_OWN = 1,
    MARK_BEST = MATCH_WHOLE * 2 + MARK_OWN,
    MARKS_NARROW = 16384, /* tracks that are "few" */
};

struct marks {
    const struct catalog *catalog;
    size_t start[SEARCH_KINDS + 1]; /* of each kind's marks in a block; multiples of SIMD_BYTES */
    uint8_t *all, *word;            /* of all words so far; of the word at hand */
    uint32_t *left;                 /* tracks that are left, when narrow */
    uint32_t left_count;
    bool is_narrow;
    /* of the word at hand */
    uint32_t part;
    bool has_found;
};

void marks_init(struct marks *marks, const struct catalog *catalog);
void marks_release(struct marks *marks);

/* Fills `all`.  `joined` (no text: none) stands for all words wherever that is better. */
void marks_find(struct marks *marks, const struct match_word *words, unsigned count,
                const struct match_word *joined, bool with_edits);

static inline enum catalog_kind marks_kind(enum search_kind kind)
{
    return kind == SEARCH_ARTISTS  ? CATALOG_ARTIST
           : kind == SEARCH_ALBUMS ? CATALOG_ALBUM
                                   : CATALOG_TRACK;
}

/* Runs the block for every mark that is not zero; skips sixteen empty ones at a time. */
// NOLINTBEGIN(bugprone-macro-parentheses): `number` is a name that is declared here
#define FOR_MARKS(number, marks, count)                                                       \
    for (uint32_t number##_block = 0; number##_block < (count); number##_block += SIMD_BYTES) \
        for (uint32_t number##_mask =                                                         \
                 ~simd_mask(simd_equal(simd_load((marks) + number##_block), simd_fill(0))) &  \
                 0xffff,                                                                      \
                      number = 0;                                                             \
             number##_mask &&                                                                 \
             (number = number##_block + (uint32_t)__builtin_ctz(number##_mask), true);        \
             number##_mask &= number##_mask - 1)
// NOLINTEND(bugprone-macro-parentheses)

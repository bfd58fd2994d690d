// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/edits.h"
#include "catalog/segment.h"

/*
 * catalog/match: one word of a query against the dictionary of one segment.
 *
 * The dictionary is sorted, so words that begin with the query's are neighbours (binary search);
 * words that have it inside are found by a vector scan over all words' bytes; words a slip or two
 * away by a scan over their letters.
 */
enum match_quality { MATCH_NONE, MATCH_EDITED, MATCH_INSIDE, MATCH_START, MATCH_WHOLE };

struct match_word {
    struct text text; /* folded; borrowed */
    struct edits_word letters;
    unsigned slips;    /* allowed when edits are tried: 0, 1 or 2 */
    bool looks_inside; /* long enough that finding it inside a word means something */
};
void match_word_init(struct match_word *word, struct text folded);

/* Words [from, to) of the dictionary match this well. */
typedef void match_found(void *context, uint32_t from, uint32_t to, enum match_quality quality);
void match_dictionary(const struct segment *segment, const struct match_word *word, bool with_edits,
                      match_found *found, void *context);

/* About how much work the word makes: postings of the words that begin with it. */
uint64_t match_weight(const struct segment *segment, const struct match_word *word);

/* Offset of the first `needle` (not empty) in hay at or behind `from`; hay.size when there is none.
 */
size_t match_scan(struct text hay, size_t from, struct text needle);

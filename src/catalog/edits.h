// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * catalog/edits: how many typing slips lie between two words.
 *
 * A slip inserts, drops or replaces one letter or swaps two neighbours (optimal string alignment
 * distance); letters are code points.  Words longer than EDITS_MAX_LETTERS are never near.
 */
enum { EDITS_MAX_LETTERS = 40, EDITS_MAX = 2 };

/* Bit (code point mod 32) of each letter: words within n slips differ in at most 2n bits. */
uint32_t edits_letters(struct text word);

struct edits_word {
    uint32_t points[EDITS_MAX_LETTERS];
    unsigned count; /* 0: too long or empty */
    uint32_t letters;
};
void edits_read(struct edits_word *word, struct text t);

/* True when at most `max` (1 or 2) slips apart. */
bool edits_near(const struct edits_word *a, const struct edits_word *b, unsigned max);

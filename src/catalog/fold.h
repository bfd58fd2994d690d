// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * catalog/fold: people's spellings brought to one form, for searching and for putting in order.
 *
 * Case, diacritics, width and compatibility forms go (table made from Unicode data by
 * catalog/fold_generate.c); katakana becomes hiragana; punctuation separates words or, like
 * apostrophes and the dots of "R.E.M.", vanishes;
 * "&" is "and"; "P!nk", "Ke$ha" and "A$AP" read as they are said.  Words are separated by one
 * space; no space stands between characters of Chinese or Japanese, and one does where such a run
 * meets another script.  A name of nothing but punctuation ("!!!") stays as it is.  Any bytes are
 * fine: what is not UTF-8 separates words. Pure, freestanding, no limit on input; the result is cut
 * at a character when `capacity` is reached.
 */
enum { FOLD_MAX = 1024 }; /* bytes of a folded name that are searched and compared */

enum fold_mode {
    FOLD_NAME,   /* what is stored and compared */
    FOLD_JOINTS, /* FOLD_JOINT instead of a space where the parts also are one word: "ac/dc",
                    "jay-z" */
    FOLD_QUERY   /* as FOLD_JOINTS, and spaces between Chinese or Japanese words stay: each must be
                    found */
};
#define FOLD_JOINT '\x1f'

size_t fold(struct text in, enum fold_mode mode, char *out, size_t capacity);

/* At most `max` bytes of it, cut at a character. */
struct text fold_cut(struct text t, size_t max);

/* Offset behind a leading article of `articles` (folded words, space-separated) in a folded name;
 * 0: none. */
size_t fold_article(struct text folded, struct text articles);
#define FOLD_USUAL_ARTICLES "the a an el la los las le les der die das"

/* --- words of a name; an article before them does not count --- */
enum word_place {
    WORD_FIRST = 1, /* the name begins with it */
    WORD_ONLY = 2,  /* the name is nothing else */
};
enum { WORDS_MAX = 48, WORD_MAX = 120 };
struct words {
    struct word {
        struct text text; /* in `folded` or `aliases` */
        unsigned place;   /* bits of enum word_place */
    } items[WORDS_MAX];
    unsigned count;
    char folded[FOLD_MAX], aliases[FOLD_MAX];
    size_t alias_size;
};
/* Distinct words of a name, and its joined parts as one word: "AC/DC" gives ac, dc, acdc. */
void words_of_name(struct words *words, struct text name);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/pool.h"

/*
 * catalog/build_words: the dictionary of a segment: every distinct word of its names, and who has
 * it. First dictionary_name() for every name, rows of a kind ascending; then dictionary_finish()
 * once.
 */
enum dictionary_kind { DICTIONARY_TRACKS, DICTIONARY_ALBUMS, DICTIONARY_ARTISTS, DICTIONARY_KINDS };

struct dictionary_token {
    uint32_t word, posting;
};

struct dictionary {
    struct string_pool pool;
    struct token_list {
        struct dictionary_token *items;
        size_t count, capacity;
    } tokens[DICTIONARY_KINDS];
    /* after dictionary_finish(): the columns */
    uint32_t count, size;
    uint32_t *starts, *letters;
    char *bytes;
    uint32_t *posting_starts[DICTIONARY_KINDS], *postings[DICTIONARY_KINDS],
        posting_counts[DICTIONARY_KINDS];
};

void dictionary_init(struct dictionary *dictionary);
void dictionary_release(struct dictionary *dictionary);
/* Words of a second name (a sort name) of the same row follow at once, with `more`. */
void dictionary_name(struct dictionary *dictionary, enum dictionary_kind kind, uint32_t row,
                     struct text name, bool more);
void dictionary_finish(struct dictionary *dictionary);

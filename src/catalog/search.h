// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/catalog.h"

/*
 * catalog/search: words in, artists, albums and songs out, best first.
 *
 * The query is folded (case, diacritics, punctuation, width; catalog/fold.h) and cut into words.  A
 * song answers when every word is found in its title, its album's name or the name of an artist
 * credited on it; an album in its name or its album artists; an artist in its name; sort names
 * count too.  Genres are not searched: they have their own lists.
 *
 * Best first: the whole name equals the query; begins with it; every word is a whole word; begins a
 * word; is inside a word (three letters, or one of a script without spaces); is one edit away
 * (words of 4 letters; two from 8 on). Words of a query also are tried as one
 * ("ac dc" finds "ACDC").  An entity whose own name has the word comes before one that
 * has it from its album or artist.  Then more plays first, then the order of the snapshot.  Edits
 * are only tried when all else finds fewer than SEARCH_FEW. An empty query finds everything, in the
 * order of the snapshot.
 */
enum {
    SEARCH_MAX_WORDS = 8, /* more words or bytes of a query are ignored */
    SEARCH_MAX_QUERY_BYTES = 512,
    SEARCH_FEW = 10,
    SEARCH_MAX_PLAYED =
        4096, /* plays decide among at most so many equals; more were no answer to the query */
};

enum search_kind { SEARCH_ARTISTS, SEARCH_ALBUMS, SEARCH_SONGS, SEARCH_KINDS };

/* How often this listener played the entity.  Called for entities that are equal otherwise; be
 * quick. */
typedef uint32_t search_plays(void *context, enum catalog_kind kind, const struct catalog_id *id);

struct search_page {
    size_t offset, max;
    uint32_t *ret; /* room for `max` numbers; may be NULL when max is 0 */
    size_t count;  /* result: numbers written */
    size_t total;  /* result: how many there are in all */
};

struct search_query {
    struct text words;
    struct search_page pages[SEARCH_KINDS];
    search_plays *plays; /* may be NULL */
    void *context;
};

/* Any thread.  Borrows working memory of about 2 bytes per track and word for the call. */
void catalog_search(struct catalog_view view, struct search_query *query);

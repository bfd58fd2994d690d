// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "adopt/book.h"
#include "adopt/foreign.h"
#include "base/log.h"

/*
 * walk: the foreign server's whole library into the book, asked for as a client would, slowly.
 *
 *     getMusicFolders getGenres getArtists getIndexes ─▶ documents
 *     getAlbumList2, pages of 500 ─▶ albums ─ each new or changed ─▶ getAlbum ─▶ songs
 *     each artist ─▶ getArtist;  each folder of the indexes and below ─▶ getMusicDirectory
 *
 * Nothing is asked when getIndexes?ifModifiedSince says that nothing changed, until a day has
 * passed. What a whole walk did not meet is gone; but when that is more than a fifth, only after
 * the next walk says the same: an empty answer is more often a missing disk than a purge.  What is
 * the operator's own in these answers (stars, ratings, counts) is left out.
 */
enum {
    WALK_PAGE = 500,
    WALK_MAX_ALBUMS = 200000,
    WALK_MAX_FOLDERS = 400000,
    WALK_WHOLE_EVERY_S = 24 * 3600,
};

enum walk_end {
    WALK_DONE,
    WALK_UNCHANGED,
    WALK_BROKEN, /* the server went away or said something else: what was kept stays */
};
struct walk_config {
    struct book *book;
    struct foreign *foreign;
    struct text credentials; /* the operator's */
    const struct logger *logger;
    int64_t now_ms;
};
enum walk_end walk_library(const struct walk_config *config) MUST_USE;

/* --- what an answer becomes in the book; for tests too --- */

/* Keeps an entity of a list; false: it has no id, or the database failed. */
bool walk_keep_artist(struct book *book, json_t *artist, int64_t walk);
bool walk_keep_album(struct book *book, json_t *album, int64_t walk);
bool walk_keep_song(struct book *book, json_t *song, int64_t walk);
/* Takes out what belongs to who asked, at any depth. */
void walk_impersonal(json_t *value, unsigned depth);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "library/database.h"
#include "library/grouping.h"

/*
 * group_row: one album or artist in library.db, where it keeps its id whatever becomes of its files
 * (groups.h decides about that).
 *
 * A group is its row's number, 0 none.  Members are the present files that have it.  Failures stick
 * to the database.
 */
enum group_kind { GROUP_ALBUM, GROUP_ARTIST };

struct group_row {
    struct catalog_id id;
    char mbid[40]; /* "" when none */
    int64_t members, created_ms;
    struct catalog_id art; /* of an artist.jpg; none otherwise */
    struct text name;      /* borrowed until the next use of the statement */
};
bool group_row_get(struct database *database, int64_t group, struct group_row *ret);
int64_t group_row_members(struct database *database, int64_t group);

/* By what a group is found; texts are borrowed. */
struct group_identity {
    enum group_kind kind;
    struct key key, name_key; /* name_key: of artists only */
    struct text mbid, name;
};
/* `ret_members` may be NULL, and is set when there is such a group. */
int64_t group_row_find(struct database *database, enum group_kind kind, const struct key *key,
                       int64_t *ret_members);
/* Among artists of that name: the only one that has a MusicBrainz id; or, without `has_mbid`, the
 * only one at all, if it has none. */
int64_t group_row_namesake(struct database *database, const struct key *name_key, bool has_mbid);

/* A group with this id; 0 when id or key are taken. */
int64_t group_row_insert(struct database *database, const struct group_identity *identity,
                         const struct catalog_id *id, int64_t created_ms);
/* A group with an id derived from its key. */
int64_t group_row_make(struct database *database, const struct group_identity *identity,
                       int64_t created_ms);
/* The group of a credit that no file has ("Various Artists" of an album), made when missing. */
int64_t group_row_ensure_artist(struct database *database, const struct credit *credit,
                                int64_t now_ms);

void group_row_set_identity(struct database *database, int64_t group,
                            const struct group_identity *identity);
void group_row_unkey(struct database *database, int64_t group); /* another may have its key */
void group_row_set_art(struct database *database, int64_t group, const struct catalog_id *art);
void group_row_add_members(struct database *database, int64_t group, int64_t delta);

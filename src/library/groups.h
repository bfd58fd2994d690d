// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "library/database.h"
#include "library/grouping.h"
#include "library/numbers.h"

/*
 * groups: albums and artists that keep their ids while their files change
 * (docs/formats/assigned-ids.md).
 *
 * A scan adds every file that is new, changed or gone, with the groups it was in and the keys it
 * now has; then groups_settle() decides which known group each key means, in this order:
 *   1. a key made of a MusicBrainz id: the group that has this key
 *   2. the group that has this key and members that did not change: it stays theirs
 *   3. the group that brings most members along, if these are at least half of what it had, or half
 * of the key's
 *   4. the group that has this key
 *   5. a new group, whose id is derived from the key
 * An artist's name without MusicBrainz id means the only artist with one of that name, if there is
 * just one. Groups without members stay in library.db, so that restored files find theirs.
 */
struct groups;

struct groups *groups_new(struct database *database, int64_t now_ms) MUST_USE;
void groups_free(struct groups **groups);

struct groups_file {
    int64_t file;
    bool was_counted;           /* the file is among the members of its old groups now */
    int64_t old_album;          /* 0 none */
    const int64_t *old_artists; /* by position of credit */
    size_t old_artist_count;
    const struct album_key *album; /* NULL: the file is gone */
    struct text album_name;
    const struct credit *credits;
    size_t credit_count;
};
void groups_add(struct groups *groups, const struct groups_file *file); /* copies */

/* Decides, and writes files.album, files.artists and the groups' rows.  Failures stick to the
 * database. */
void groups_settle(struct groups *groups);

/* Albums that lost, won or keep changed files: to be published anew.  After groups_settle(); the
 * caller's now. */
struct number_set groups_take_touched_albums(struct groups *groups);

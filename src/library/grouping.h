// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/rows.h"
#include "library/key.h"
#include "media/info.h"

/*
 * grouping: which album a file belongs to and whom it credits, from its tags and its folder alone.
 * Pure.
 *
 * Album (each root by itself), the first rule that applies:
 *   1. MusicBrainz album id
 *   2. album artists + album + version + (release date, if tagged; else the folder)
 *   3. compilation flag:  "Various Artists" + album + version + (release date | folder)
 *   4. album + version + folder: files without album artist that lie together are one album, and
 * its artist is theirs if they share one, else "Various Artists"
 *   5. no album tag: the folder
 * where "folder" is the file's folder without disc folders ("Album/CD 2" and "Album (CD 2)" are
 * "Album").
 *
 * Artist: MusicBrainz artist id, else the folded name.  Names and MusicBrainz ids go together by
 * position when a tag has as many of the one as of the other.  A single ARTIST value is taken apart
 * at " feat. ", " ft. ", " featuring ".
 */
enum { GROUPING_MAX_CREDITS = 64 };

struct credit {
    enum catalog_role role;
    struct text name, sort_name, mbid, detail; /* of the info, or of the arena */
    struct key key;                            /* who it is */
    struct key name_key; /* what the name alone says; equal to `key` without MusicBrainz id */
};
/* Fills in both keys from name and MusicBrainz id. */
void grouping_identify(struct credit *credit);
/* Artists, album artists, then the other roles; at most GROUPING_MAX_CREDITS.  Returns how many. */
size_t grouping_credits(const struct media_info *info, struct credit credits[GROUPING_MAX_CREDITS]);
/* The artist of albums whose tracks have nobody in common. */
void grouping_various_artists(struct credit *ret_credit);
/* Files without any artist are credited to this one, so that every track can be found. */
void grouping_unknown_artist(struct credit *ret_credit);

struct album_key {
    struct key key;
    struct text mbid; /* empty: the key was made of names */
};
/* `folder` is relative to the root. */
void grouping_album(const struct media_info *info, int32_t root, struct text folder,
                    struct album_key *ret);
/* The folder that an album without album tag is named after, and its artist images are looked for
 * in. */
struct text grouping_album_folder(struct text folder);

struct catalog_date
grouping_date(struct text written); /* "2004-05-01T…", "2004-05", "2004"; zeros otherwise */

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/rows.h"
#include "library/grouping.h"
#include "media/info.h"

/*
 * rows: from what files say to what the catalogue shows.  Pure: no database, no disk.
 *
 * One track: its row.  One album: a summary that is given its members one after the other and then
 * makes the row.
 */
struct track_facts {
    struct catalog_id id, album, folder, artwork;
    const struct media_info *info;
    const struct credit *credits;     /* grouping_credits() of the info */
    const struct catalog_id *artists; /* of each credit */
    size_t credit_count;
    uint64_t size_bytes;
    int64_t mtime_ns, created_ms;
    struct text name, path; /* for people; path relative to the root, with the name */
    bool has_sidecar;
};

/* Lists live in `arena`, texts there or in the facts.  False when the arena is full. */
bool rows_track(const struct track_facts *facts, struct arena *arena,
                struct track_row *ret) MUST_USE;

/* Of the bytes of a file: another size or date, another version. */
uint64_t rows_file_version(uint64_t size_bytes, int64_t mtime_ns);

enum { ALBUM_MAX_WORDS = 100, ALBUM_MAX_ARTISTS = 32, ALBUM_MAX_DISCS = 100 };

struct album_words {
    struct text items[ALBUM_MAX_WORDS];
    uint32_t count;
};
struct album_summary {
    struct arena *arena;
    size_t members;
    struct text name, sort_name, version, display_artist, folder_name;
    struct album_words genres, moods, release_types, labels;
    struct disc_title discs[ALBUM_MAX_DISCS];
    uint32_t disc_count;
    struct catalog_date original_date, release_date;
    uint16_t year;
    bool is_compilation, has_explicit, has_unmarked, has_clean;
    struct catalog_id artwork; /* embedded, of the first member that has one */
    /* album artists as tagged, of the first member that has some; else who all members have in
     * common */
    struct catalog_credit artists[ALBUM_MAX_ARTISTS];
    uint32_t artist_count;
    bool is_tagged, has_nothing_in_common;
};
void album_summary_init(struct album_summary *summary, struct arena *arena);
void album_summary_add(struct album_summary *summary, const struct track_facts *facts);
/* True when the album needs the "Various Artists" credit: the caller puts it at artists[0]. */
bool album_summary_is_various(const struct album_summary *summary);
void album_summary_row(const struct album_summary *summary, struct album_row *ret);

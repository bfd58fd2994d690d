// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/rows.h"

/*
 * catalog: an immutable snapshot over one or several libraries, and every question that browsing
 * asks of it.
 *
 * A snapshot is reference-counted and may be read on any thread; depot_snapshot() makes one.
 * Entities have numbers, dense from 0 and in order: artists and albums by sort name, tracks by
 * (album, disc, track), folders with parents before children; a number means something within its
 * snapshot only and never leaves the process. (uint32_t)CATALOG_NONE is "no such thing, or not for
 * you".
 *
 * Every question goes through a view, which is a snapshot seen with the rights of a listener:
 * entities without a track in the allowed libraries do not exist.  No function allocates or blocks.
 * Lists: `offset` entries are skipped, at most `max` numbers written to `ret`, the count returned.
 */
struct catalog;

struct catalog *catalog_ref(struct catalog *catalog);
void catalog_unref(struct catalog **catalog); /* accepts NULL inside */

struct catalog_view {
    const struct catalog *catalog; /* borrowed */
    uint32_t libraries;            /* bit (id - 1) for each allowed musicFolder id */
};
#define CATALOG_ALL_LIBRARIES UINT32_MAX
static inline uint32_t catalog_library_bit(unsigned library_id)
{
    return library_id >= 1 && library_id <= 32 ? UINT32_C(1) << (library_id - 1) : 0;
}
uint32_t catalog_libraries(const struct catalog *catalog); /* those that have a track */

/* --- one entity --- */
uint32_t catalog_find(struct catalog_view view, enum catalog_kind kind,
                      const struct catalog_id *id);
bool catalog_sees(struct catalog_view view, enum catalog_kind kind, uint32_t number);
/* Numbers must come from this snapshot; a number out of range is our bug (assert). */
void catalog_track(const struct catalog *catalog, uint32_t number, struct track_row *ret);
void catalog_album(const struct catalog *catalog, uint32_t number, struct album_row *ret);
void catalog_artist(const struct catalog *catalog, uint32_t number, struct artist_row *ret);
void catalog_folder(const struct catalog *catalog, uint32_t number, struct folder_row *ret);
/* What the view sees of them (rows carry the figures for all libraries). */
struct catalog_figures {
    uint32_t songs, albums; /* albums: of an artist, as album artist; of an album, 1 */
    uint64_t duration_ms;
};
struct catalog_figures catalog_figures(struct catalog_view view, enum catalog_kind kind,
                                       uint32_t number);
/* The picture of an entity of any kind, looking further when it has none (track: its album); none
 * when nothing. */
struct catalog_id catalog_artwork(struct catalog_view view, enum catalog_kind kind,
                                  uint32_t number);

/* --- everything, in order; offset in O(1) when the view sees all libraries --- */
uint32_t catalog_count(struct catalog_view view, enum catalog_kind kind);
size_t catalog_all(struct catalog_view view, enum catalog_kind kind, size_t offset, uint32_t *ret,
                   size_t max);

/* --- relations --- */
size_t catalog_album_tracks(struct catalog_view view, uint32_t album, size_t offset, uint32_t *ret,
                            size_t max);
/* By year, then name.  As album artist; or those where the artist is only credited on tracks. */
size_t catalog_artist_albums(struct catalog_view view, uint32_t artist, size_t offset,
                             uint32_t *ret, size_t max);
size_t catalog_artist_appearances(struct catalog_view view, uint32_t artist, size_t offset,
                                  uint32_t *ret, size_t max);
/* Credited in any role on the track or as album artist; in track order. */
size_t catalog_artist_tracks(struct catalog_view view, uint32_t artist, size_t offset,
                             uint32_t *ret, size_t max);
/* Artists in order that have one of `roles` (bits; 0: any). */
size_t catalog_artists(struct catalog_view view, uint32_t roles, size_t offset, uint32_t *ret,
                       size_t max);
/* The heading an artist stands under: a capital letter, or "#" for all that begins with none. */
struct catalog_heading {
    char digits[8];
};
struct text catalog_artist_heading(const struct catalog *catalog, uint32_t artist,
                                   struct catalog_heading *storage);
size_t catalog_folder_children(struct catalog_view view, uint32_t folder, size_t offset,
                               uint32_t *ret, size_t max);
size_t catalog_folder_tracks(struct catalog_view view, uint32_t folder, size_t offset,
                             uint32_t *ret, size_t max);
/* Root folders, by library id. */
size_t catalog_folder_roots(struct catalog_view view, size_t offset, uint32_t *ret, size_t max);

/* --- genres: numbers too, in order of name; names equal but for case and diacritics are one --- */
struct catalog_genre {
    struct text name;
    uint32_t songs, albums; /* in this view */
};
uint32_t catalog_genres(const struct catalog *catalog); /* how many; some may be empty in a view */
void catalog_genre(struct catalog_view view, uint32_t genre, struct catalog_genre *ret);
uint32_t catalog_find_genre(const struct catalog *catalog, struct text name);
size_t catalog_genre_tracks(struct catalog_view view, uint32_t genre, size_t offset, uint32_t *ret,
                            size_t max);

/* --- lists of albums and songs --- */
enum catalog_order {
    CATALOG_BY_NAME,
    CATALOG_BY_ARTIST, /* first album artist, then year, then name */
    CATALOG_BY_YEAR,   /* then name; unknown years are not listed */
    CATALOG_NEWEST,    /* created, latest first */
    CATALOG_RANDOM,    /* a shuffle that `seed` decides, so that pages fit together */
};
struct catalog_album_query {
    enum catalog_order order;
    uint32_t genre;              /* CATALOG_NONE: any */
    uint16_t from_year, to_year; /* both 0: any; from > to: latest first (OpenSubsonic's byYear) */
    uint64_t seed;
};
size_t catalog_albums(struct catalog_view view, const struct catalog_album_query *query,
                      size_t offset, uint32_t *ret, size_t max);
struct catalog_song_query {
    uint32_t genre;              /* CATALOG_NONE: any */
    uint16_t from_year, to_year; /* 0: open at that end */
    uint64_t seed;
};
size_t catalog_random_songs(struct catalog_view view, const struct catalog_song_query *query,
                            size_t offset, uint32_t *ret, size_t max);

/* --- search: catalog/search.h --- */

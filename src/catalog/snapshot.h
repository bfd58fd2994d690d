// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/catalog.h"
#include "catalog/segment.h"

/*
 * catalog/snapshot: how a catalogue lies in memory: its segments, who won, and every order and
 * relation, made once when it is opened.  Private to the catalogue's own sources; others see
 * catalog/catalog.h.
 *
 * A row is named by a ref, part << 24 | row; an entity by its number.  Of several rows with one id
 * the row of the last part wins; tracks that a later part of the same library removes are dead.
 * Albums, artists and folders without a living track get no number.  Memory comes from one
 * allocator and is given back at once. Freestanding.
 */
enum { CATALOG_MAX_PARTS = 256 };
#define NOBODY UINT32_MAX

/* malloc and free, or what stands in for them; alloc never returns NULL and aligns to 16. */
struct catalog_memory {
    void *(*alloc)(void *context, size_t size);
    void (*free)(void *context, void *block);
    void *context;
};

/* Relation: owner i has items[start[i]] to items[start[i + 1]], ascending numbers unless said
 * otherwise. */
struct relation {
    uint32_t *start, *items;
};

struct catalog_part {
    const struct segment *segment;
    uint32_t *track_number, *album_number, *artist_number, *folder_number,
        *genre_number;    /* by row; NOBODY: dead */
    bool tracks_are_rows; /* every track's number is its row: one segment, nothing dead */
};

enum catalog_extent { CATALOG_LIVING, CATALOG_EVERY };

struct catalog {
    int32_t references;
    enum catalog_extent extent;
    struct catalog_memory memory;
    void *blocks; /* all memory of the snapshot, chained */
    void (*on_free)(void *context);
    void *on_free_context;
    struct catalog_part *parts;
    uint32_t part_count;
    uint32_t libraries;
    uint32_t counts[CATALOG_KINDS]; /* entities of each kind */
    uint32_t genres;
    uint32_t *refs[CATALOG_KINDS];  /* winning row of each entity */
    uint32_t *slots[CATALOG_KINDS]; /* hash table of ids: number + 1, or 0 */
    uint32_t slot_mask[CATALOG_KINDS];
    uint32_t *seen_in[CATALOG_KINDS]; /* libraries of each entity, as bits */
    uint32_t *genre_refs;

    uint32_t *track_album, *track_folder;
    uint32_t *album_first; /* first track; counts + 1 */
    uint64_t *album_duration_ms;
    uint32_t *album_order_artist, *album_order_year, *album_order_newest, known_years;
    uint32_t *artist_roles;
    struct relation artist_albums, artist_appearances,
        artist_tracks; /* albums by year, then number */
    uint32_t *folder_parent;
    struct relation folder_children, folder_tracks;
    struct relation genre_tracks, genre_albums;
    struct relation roots; /* one owner */
};

/*
 * Segments in order of age, oldest first, outliving the snapshot; one reference for the caller.
 * CATALOG_EVERY also numbers albums, artists and folders without a living track: what a merge must
 * carry on.
 */
struct catalog *catalog_open(const struct segment *const *segments, uint32_t count,
                             enum catalog_extent extent, struct catalog_memory memory,
                             void (*on_free)(void *context), void *on_free_context) MUST_USE;

/* --- a row by ref --- */
static inline const struct segment *snapshot_segment(const struct catalog *catalog, uint32_t ref)
{
    return catalog->parts[ref >> 24].segment;
}
static inline uint32_t snapshot_row(uint32_t ref) { return ref & 0xffffff; }
static inline struct text snapshot_text(const struct catalog *catalog, enum segment_column column,
                                        uint32_t ref)
{
    return segment_text(snapshot_segment(catalog, ref), column, snapshot_row(ref));
}
const struct catalog_id *snapshot_id(const struct catalog *catalog, enum catalog_kind kind,
                                     uint32_t number);
/* The slot of this id in a kind's table, or the empty one where it belongs; `refs` says whose ids
 * the slots hold. */
uint32_t snapshot_id_slot(const struct catalog *catalog, enum catalog_kind kind,
                          const uint32_t *refs, const struct catalog_id *id);
/* Album's year, as it is ordered by. */
uint16_t snapshot_album_year(const struct catalog *catalog, uint32_t album);
uint16_t snapshot_track_year(const struct catalog *catalog, uint32_t track);

/* --- memory and sorting, for the sources that make a snapshot --- */
void *snapshot_alloc(struct catalog *catalog, size_t size); /* freed with the snapshot */
void *scratch_alloc(const struct catalog *catalog, size_t size);
void scratch_free(const struct catalog *catalog, void *block); /* in reverse order of alloc */

/* Sorts `items` by `keys` (both are moved), stable; scratch is borrowed from `catalog`. */
void sort_by_key(const struct catalog *catalog, uint64_t *keys, uint32_t *items, uint32_t count);

/* Whether a is to stand before b. */
typedef bool sort_before(const void *context, uint32_t a, uint32_t b);
/* Merge sort, stable; quick when the items are a few ascending runs. */
void sort_by_rule(const struct catalog *catalog, uint32_t *items, uint32_t count,
                  sort_before *before, const void *context);

/* --- the steps of opening, in order; each fills its part of the catalogue --- */
void snapshot_resolve(struct catalog *catalog); /* snapshot_resolve.c: refs, numbers, ids */
void snapshot_relate(struct catalog *catalog);  /* snapshot_relate.c: relations, orders, figures */

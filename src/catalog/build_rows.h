// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/build.h"
#include "catalog/pool.h"

/*
 * catalog/build_rows: a build's rows as they are kept until it is finished: texts and ids replaced
 * by pool numbers. Shared by build.c (takes rows) and build_write.c (puts them in order and writes
 * them); private to both.
 */
struct kept_list {
    uint32_t first, count;
};

struct kept_track {
    uint64_t size, version, created_ms, modified_ms;
    uint32_t album, folder, artwork, title, folded, display_artist;
    uint32_t sort_title, display_composer, path, suffix, content_type, comment, musicbrainz_id;
    uint32_t duration_ms, bit_rate, sampling_rate, peak, album_peak;
    struct kept_list credits, genres, notes;
    uint16_t number, disc, year, bpm, gain, album_gain, base_gain, fallback_gain;
    uint8_t bit_depth, channels, flags;
    bool is_given;
};

struct kept_album {
    uint64_t created_ms;
    uint32_t name, folded, order, display_artist, artwork, original_date, release_date, track_count;
    uint32_t sort_name, version, musicbrainz_id;
    struct kept_list credits, genres, notes, discs;
    uint16_t year;
    uint8_t flags, explicit_status;
    bool is_given;
};

struct kept_artist {
    uint32_t name, folded, order, artwork, sort_name, musicbrainz_id, disambiguation;
    bool is_given;
};

struct kept_folder {
    uint32_t name, order, parent, artwork;
    bool is_given;
};

struct kept_credit {
    uint32_t artist, name, sub_role;
    uint8_t role;
};

struct kept_note {
    uint32_t text;
    uint8_t kind;
};

struct kept_disc {
    uint32_t title;
    uint16_t number;
};

/* A growing array of one of the above. */
struct rows {
    void *data;
    uint32_t count, capacity;
};

struct build {
    uint8_t library;
    uint64_t number;
    char articles[256]; /* folded */
    size_t articles_size;
    struct string_pool strings, notes, genres;
    struct id_pool ids[CATALOG_KINDS]; /* a kept row of a kind has the number of its id */
    struct id_pool removals;
    struct rows tracks, albums, artists, folders;
    struct rows track_credits, album_credits, track_genres, album_genres, track_notes, album_notes,
        discs;
    uint32_t tracks_given;
};

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/id.h"

/*
 * catalog/rows: a track, an album, an artist, a folder as one value each: what the builder takes
 * and what reading gives.
 *
 * All texts are UTF-8 and borrowed: of the caller when building, of the snapshot when reading.  A
 * list is read with its _at() function; when building, set `items` and `count` and leave the rest
 * zero.  Rows name each other by id. 0, "", and the id of zero bytes mean "unknown" unless said
 * otherwise.  Freestanding.
 */
struct segment; /* inside of a list that was read */
struct catalog;

enum { CATALOG_NONE = -1 }; /* no number: compare with (uint32_t)CATALOG_NONE */

struct catalog_texts {
    const struct text *items; /* when building */
    uint32_t count;
    uint32_t _first;
    const struct segment *_segment;
    uint16_t _column;
};
struct text catalog_texts_at(const struct catalog_texts *texts, uint32_t index);

/* OpenSubsonic's contributor roles; ARTIST and ALBUM_ARTIST are those of the credits proper. */
enum catalog_role {
    CATALOG_ROLE_ARTIST,
    CATALOG_ROLE_ALBUM_ARTIST,
    CATALOG_ROLE_COMPOSER,
    CATALOG_ROLE_CONDUCTOR,
    CATALOG_ROLE_PERFORMER, /* sub_role: the instrument */
    CATALOG_ROLE_LYRICIST,
    CATALOG_ROLE_ARRANGER,
    CATALOG_ROLE_PRODUCER,
    CATALOG_ROLE_ENGINEER,
    CATALOG_ROLE_MIXER,
    CATALOG_ROLE_DJMIXER,
    CATALOG_ROLE_REMIXER,
    CATALOG_ROLE_DIRECTOR,
    CATALOG_ROLES,
};
struct text catalog_role_name(
    enum catalog_role role); /* "albumartist", "composer"… as OpenSubsonic spells them */

struct catalog_credit {
    struct catalog_id artist; /* an artist row of the same build */
    enum catalog_role role;
    struct text name; /* as credited here; building: "" for the artist's own name.  Reading: never
                         "" by that rule */
    struct text sub_role;   /* "guitar" */
    uint32_t artist_number; /* reading only */
};

struct catalog_credits {
    const struct catalog_credit *items; /* when building */
    uint32_t count;
    uint32_t _first;
    const struct catalog *_catalog;
    uint8_t _part;
    uint16_t _column;
};
struct catalog_credit catalog_credits_at(const struct catalog_credits *credits, uint32_t index);

/* Gains in hundredths of a dB, peaks in millionths of full scale (1000000 is 0 dBFS). */
enum { CATALOG_NO_GAIN = INT16_MIN };
struct catalog_gain {
    int16_t track_cdb, album_cdb, base_cdb, fallback_cdb; /* CATALOG_NO_GAIN when unknown */
    uint32_t track_peak_ppm, album_peak_ppm;              /* 0 unknown */
};

struct catalog_date {
    uint16_t year;      /* 0 unknown */
    uint8_t month, day; /* 0 unknown */
};

enum catalog_explicit { CATALOG_EXPLICIT_UNKNOWN, CATALOG_EXPLICIT, CATALOG_CLEAN };

struct track_row {
    struct catalog_id id, album, folder; /* album and folder: rows of the same build, required */
    struct catalog_id artwork;
    struct text title, sort_title;
    struct text display_artist, display_composer;
    struct catalog_credits
        credits; /* in order of importance; without album artists: those are the album's */
    struct catalog_texts genres, moods, isrcs, works, movements;
    uint16_t track_number, disc_number, year, bpm;
    uint32_t duration_ms, bit_rate_kbps, sampling_rate_hz;
    uint8_t bit_depth, channels;
    enum catalog_explicit explicit_status;
    bool has_lyrics;
    uint64_t size_bytes;
    uint64_t version; /* of the file's bytes, for /m/{track}/original.{version}.{ext} */
    int64_t created_ms, modified_ms; /* first seen; the file's mtime */
    struct text path;                /* relative to the library's root */
    struct text suffix, content_type, comment, musicbrainz_id;
    struct catalog_gain gain;
    uint8_t library;                              /* reading only: musicFolder id */
    uint32_t number, album_number, folder_number; /* reading only */
};

struct disc_title {
    uint16_t disc;
    struct text title;
};
struct catalog_discs {
    const struct disc_title *items; /* when building */
    uint32_t count;
    uint32_t _first;
    const struct segment *_segment;
};
struct disc_title catalog_discs_at(const struct catalog_discs *discs, uint32_t index);

struct album_row {
    struct catalog_id id, artwork;
    struct text name, sort_name, version, display_artist, musicbrainz_id;
    struct catalog_credits credits; /* album artists, role CATALOG_ROLE_ALBUM_ARTIST, in order */
    struct catalog_texts genres, moods, release_types, labels;
    struct catalog_discs disc_titles;
    struct catalog_date original_date, release_date;
    uint16_t year;
    bool is_compilation;
    enum catalog_explicit explicit_status;
    int64_t created_ms;
    uint32_t number, song_count,
        first_track;      /* reading only; counts are those of all libraries, see album_facts */
    uint64_t duration_ms; /* reading only */
    uint32_t libraries;   /* reading only: bit (id - 1) for each library with a track of it */
};

struct artist_row {
    struct catalog_id id, artwork;
    struct text name, sort_name, musicbrainz_id, disambiguation;
    uint32_t number, album_count, song_count; /* reading only: as album artist; in any role */
    uint32_t roles;                           /* reading only: bit (1 << enum catalog_role) */
    uint32_t libraries;                       /* reading only */
};

struct folder_row {
    struct catalog_id id, parent; /* parent none: the library's root folder */
    struct catalog_id artwork;
    struct text name;               /* last part of the path; of the root, the library's name */
    uint8_t library;                /* reading only */
    uint32_t number, parent_number; /* reading only; CATALOG_NONE above a root */
};

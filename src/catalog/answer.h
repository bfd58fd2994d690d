// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/catalog.h"

/*
 * catalog/answer: questions to a catalogue as bytes, and their answers as bytes: how a browser
 * talks to the WebAssembly build, where no C struct crosses the border.  The same bytes come out
 * everywhere (a test compares).
 *
 * Integers are little-endian; text is u32 size and bytes; numbers are those of the open catalogue;
 * max is at most ANSWER_MAX_NUMBERS.  Every question begins with u8 what, u32 libraries (bits).
 *
 *   SEARCH  3 times (artists, albums, songs): u32 offset, u32 max; rest: the words
 *           -> 3 times: u32 total, u32 count, count u32 numbers
 *   LIST    u8 enum answer_list, u32 owner, u32 offset, u32 max, u64 detail (seed; from_year |
 * to_year << 16)
 *           -> u32 count, count u32 numbers
 *   ROW     u8 kind, u32 number -> 16 id, 16 artwork, text name, text artist, u32 by kind
 * (answer.c, put_row) FIND    u8 kind, 16 id -> u32 number or 0xffffffff COUNTS  -> u32 tracks,
 * albums, artists, folders, genres GENRE   u32 number -> text name, u32 songs, u32 albums
 *
 * A question that is cut, unknown or out of range has the empty answer.
 */
enum answer_what {
    ANSWER_SEARCH = 1,
    ANSWER_LIST,
    ANSWER_ROW,
    ANSWER_FIND,
    ANSWER_COUNTS,
    ANSWER_GENRE
};

enum answer_list {
    ANSWER_ALL_TRACKS,
    ANSWER_ALL_ALBUMS,
    ANSWER_ALL_ARTISTS,
    ANSWER_ALBUM_TRACKS,
    ANSWER_ARTIST_ALBUMS,
    ANSWER_ARTIST_APPEARANCES,
    ANSWER_ARTIST_TRACKS,
    ANSWER_FOLDER_ROOTS,
    ANSWER_FOLDER_CHILDREN,
    ANSWER_FOLDER_TRACKS,
    ANSWER_GENRE_TRACKS,
    ANSWER_GENRE_ALBUMS,
    ANSWER_ALBUMS_BY_ARTIST,
    ANSWER_ALBUMS_BY_YEAR,
    ANSWER_ALBUMS_NEWEST,
    ANSWER_ALBUMS_RANDOM,
    ANSWER_SONGS_RANDOM,
    ANSWER_ARTISTS_WITH_ROLES, /* owner: role bits */
    ANSWER_LISTS,
};

enum { ANSWER_MAX_NUMBERS = 1000, ANSWER_MAX_BYTES = 256 * 1024 };

/* Into `out` of ANSWER_MAX_BYTES; returns the size. */
size_t catalog_answer(const struct catalog *catalog, struct text question, uint8_t *out);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "catalog/build.h"

/*
 * catalog_rows: an invented library of any size, the same for the same seed: albums of ten tracks,
 * artists and words drawn by Zipf's law, one name in twelve with diacritics, one in fifty Cyrillic,
 * one in fifty Japanese.
 */
struct rows_sample;

struct rows_track {
    struct text title, album, artist;
    uint32_t album_number, artist_number, number;
    uint16_t year;
};

struct rows_sample *rows_new(uint64_t seed, uint32_t tracks);
void rows_free(struct rows_sample **rows);
uint32_t rows_tracks(const struct rows_sample *rows);
uint32_t rows_albums(const struct rows_sample *rows);
struct catalog_id rows_album_id(uint32_t album);
struct catalog_id rows_track_id(uint32_t track);
struct rows_track rows_track(const struct rows_sample *rows, uint32_t track);
void rows_give(const struct rows_sample *rows, struct build *build);
/* One album as a scan gives it again after its tags were changed so often. */
void rows_give_album(const struct rows_sample *rows, struct build *build, uint32_t album,
                     uint32_t times_retagged);

/* A query as people type them; `kind` cycles through the kinds, whose name is returned. */
enum { ROWS_QUERY_KINDS = 10 };
const char *rows_query(const struct rows_sample *rows, uint64_t seed, unsigned kind, char out[256]);

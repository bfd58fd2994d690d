// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/gain.h"

enum { MAX_ALBUM_TRACKS = 256, REFERENCE_MLUFS = -18000, BLOCK_MS = 100 /* one begins each */ };

static int16_t gain_of(int32_t mlufs)
{
    int32_t cdb = (REFERENCE_MLUFS - mlufs + (REFERENCE_MLUFS >= mlufs ? 5 : -5)) / 10;
    return cdb > CATALOG_NO_GAIN && cdb <= INT16_MAX ? (int16_t)cdb : CATALOG_NO_GAIN;
}

/* A track's loudness, from its tags or measured. */
static bool loudness_of(struct loudness_book *book, const struct track_row *row,
                        struct loudness *ret)
{
    if (row->gain.track_cdb == CATALOG_NO_GAIN)
        return loudness_find(book, row->id.bytes, ret);
    *ret = (struct loudness){REFERENCE_MLUFS - row->gain.track_cdb * 10, row->gain.track_peak_ppm};
    return true;
}

/* Adds one track's blocks; false when nothing is known of it. */
static bool add_track(struct loudness_book *book, const struct track_row *row, struct gating *sum,
                      uint32_t *peak_ppm)
{
    struct loudness one;
    if (!loudness_of(book, row, &one))
        return false;
    bool is_tagged = row->gain.track_cdb != CATALOG_NO_GAIN;
    if (is_tagged || !loudness_add_blocks(book, row->id.bytes, sum))
        gating_put(sum, one.mlufs / 1000.0, row->duration_ms / BLOCK_MS + 1);
    if (one.peak_ppm > *peak_ppm)
        *peak_ppm = one.peak_ppm;
    return true;
}

/* False when something of it is not known, or it is too long to look at for one song. */
static bool album_of(struct loudness_book *book, struct catalog_view view,
                     const struct catalog_id *id, struct loudness *ret)
{
    uint32_t tracks[MAX_ALBUM_TRACKS], peak_ppm = 0;
    struct gating sum = {0};
    uint32_t album = catalog_find(view, CATALOG_ALBUM, id);
    size_t count = album == (uint32_t)CATALOG_NONE
                       ? 0
                       : catalog_album_tracks(view, album, 0, tracks, MAX_ALBUM_TRACKS);
    if (count == MAX_ALBUM_TRACKS)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct track_row row;
        catalog_track(view.catalog, tracks[i], &row);
        if (!add_track(book, &row, &sum, &peak_ppm))
            return false;
    }
    ret->peak_ppm = peak_ppm;
    return gating_loudness(&sum, &ret->mlufs);
}

static bool remember_album(struct loudness_book *book, struct catalog_view view,
                           const struct track_row *row, struct gain_memo *memo)
{
    if (!memo->is_set || memcmp(&memo->album, &row->album, sizeof memo->album) != 0) {
        memo->is_set = true;
        memo->album = row->album;
        memo->is_known = album_of(book, view, &row->album, &memo->loudness);
    }
    return memo->is_known;
}

bool gain_complete(struct loudness_book *book, struct catalog_view view,
                   const struct track_row *row, struct gain_memo *memo, struct catalog_gain *ret)
{
    struct loudness own;
    *ret = row->gain;
    if (!book || row->gain.track_cdb != CATALOG_NO_GAIN ||
        !loudness_find(book, row->id.bytes, &own))
        return false;
    ret->track_cdb = gain_of(own.mlufs);
    ret->track_peak_ppm = own.peak_ppm;
    if (row->gain.album_cdb == CATALOG_NO_GAIN && remember_album(book, view, row, memo)) {
        ret->album_cdb = gain_of(memo->loudness.mlufs);
        ret->album_peak_ppm = memo->loudness.peak_ppm;
    }
    return true;
}

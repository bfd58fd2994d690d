// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/gain.h"

#include <math.h>

enum { MAX_ALBUM_TRACKS = 256, REFERENCE_MLUFS = -18000 };

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

/* False when something of it is not known, or it is too long to look at for one song. */
static bool album_of(struct loudness_book *book, struct catalog_view view,
                     const struct track_row *row, struct loudness *ret)
{
    uint32_t tracks[MAX_ALBUM_TRACKS], peak_ppm = 0;
    double power = 0, duration = 0;
    uint32_t album = catalog_find(view, CATALOG_ALBUM, &row->album);
    size_t count = album == (uint32_t)CATALOG_NONE
                       ? 0
                       : catalog_album_tracks(view, album, 0, tracks, MAX_ALBUM_TRACKS);
    if (count == MAX_ALBUM_TRACKS)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct track_row other;
        struct loudness one;
        catalog_track(view.catalog, tracks[i], &other);
        if (!loudness_of(book, &other, &one))
            return false;
        power += other.duration_ms * pow(10, one.mlufs / 10000.0);
        duration += other.duration_ms;
        peak_ppm = one.peak_ppm > peak_ppm ? one.peak_ppm : peak_ppm;
    }
    if (!(power > 0))
        return false;
    *ret = (struct loudness){(int32_t)lround(log10(power / duration) * 10000), peak_ppm};
    return true;
}

bool gain_complete(struct loudness_book *book, struct catalog_view view,
                   const struct track_row *row, struct catalog_gain *ret)
{
    struct loudness own, album;
    *ret = row->gain;
    if (!book || row->gain.track_cdb != CATALOG_NO_GAIN ||
        !loudness_find(book, row->id.bytes, &own))
        return false;
    ret->track_cdb = gain_of(own.mlufs);
    ret->track_peak_ppm = own.peak_ppm;
    if (row->gain.album_cdb == CATALOG_NO_GAIN && album_of(book, view, row, &album)) {
        ret->album_cdb = gain_of(album.mlufs);
        ret->album_peak_ppm = album.peak_ppm;
    }
    return true;
}

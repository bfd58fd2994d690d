// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/catalog.h"
#include "library/loudness.h"

/*
 * gain: ReplayGain 2.0 of a song as its tags say, and where they say nothing, as it was measured.
 *
 * What is measured never stands beside or instead of a tag of the same track.  An album's gain is
 * given when the loudness of all its tracks in the view is known: what one measurement over the
 * whole would find (EBU R 128, gated over all of its blocks; media/gating.h).  A track of which
 * only the loudness is known, from its tags, counts as if all of it were that loud.
 */

/* The album that was asked about last, within one answer; zeroed: none. */
struct gain_memo {
    struct catalog_id album;
    bool is_set, is_known;
    struct loudness loudness;
};

/* True when what *ret says of the track was measured.  `book` may be NULL. */
bool gain_complete(struct loudness_book *book, struct catalog_view view,
                   const struct track_row *row, struct gain_memo *memo, struct catalog_gain *ret);

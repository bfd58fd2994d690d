// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/catalog.h"
#include "library/loudness.h"

/*
 * gain: ReplayGain 2.0 of a song as its tags say, and where they say nothing, as it was measured.
 *
 * What is measured never stands beside or instead of a tag of the same track.  An album's gain is
 * given when the loudness of all its tracks in the view is known: their mean power by duration,
 * which is what one measurement over the whole would find but for the pauses that it leaves out.
 */

/* True when what *ret says of the track was measured.  `book` may be NULL. */
bool gain_complete(struct loudness_book *book, struct catalog_view view,
                   const struct track_row *row, struct catalog_gain *ret);

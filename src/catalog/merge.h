// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/build.h"
#include "catalog/list.h"
#include "catalog/segment.h"

/*
 * catalog/merge: several segments into one, so that a catalogue stays a handful of segments.
 *
 * The rule: the newest segment is merged with its elder while the elder has at most MERGE_RATIO
 * times the tracks and removals of all newer ones together.  So every segment left is much larger
 * than what follows it, a library of n tracks has about log3(n) segments, and a track is rewritten
 * as often.
 */
enum { MERGE_RATIO = 2 };

/* Index of the first segment that should be merged with all newer ones; count - 1: nothing to do.
 */
uint32_t merge_first(const struct list *list);

/*
 * Gives every winning row of `segments` (oldest first) to the build.  Unless it `is_all` of the
 * catalogue, removals and rows without a living track are carried on: they still rule over older
 * segments.
 */
void merge_segments(const struct segment *const *segments, uint32_t count, bool is_all,
                    struct build *build);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/catalog.h"
#include "media/manifest.h"

/*
 * renditions: what a track may be had as, with the indexes of what is encoded, read by a worker
 * where they are not in memory.  On the home loop.
 */
struct api;
struct renditions_gathering;
/* FINISHES the gathering: release it. */
typedef void renditions_on_gathered(struct renditions_gathering *gathering);

/* Embedded in what its owner needs afterwards, not in an exchange's arena. */
struct renditions_gathering {
    struct api *api;
    struct catalog_id track;
    struct catalog_id_text track_text;
    struct manifest manifest; /* everything of it is set */
    renditions_on_gathered *on_gathered;
    bool was_read;
    bool is_away;    /* its file is (api/kept.h) */
    bool is_unknown; /* nobody gave the manifest: of a node that follows nothing is offered, of an
                        origin whose file is away nothing is encoded */
};

/* Source and loudness from the row; then calls on_gathered, now or later.  False: too busy, and it
 * will not be called. */
bool renditions_gather(struct renditions_gathering *gathering, struct api *api,
                       const struct track_row *row, renditions_on_gathered *on_gathered) MUST_USE;
void renditions_release(struct renditions_gathering *gathering);

/* The track's row when a proof opens it; it borrows from the catalogue. */
struct hot_proof;
bool renditions_find_row(const struct catalog *catalog, const struct hot_proof *proof,
                         const struct catalog_id *id, struct track_row *ret) MUST_USE;

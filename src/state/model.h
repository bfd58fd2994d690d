// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/clock.h"
#include "state/effects.h"
#include "state/views.h"

/*
 * model: the whole state in memory, and the one rule by which an operation changes it.  No I/O,
 * no clock, no threads; the property test runs five of them against each other.
 *
 * merge: an operation becomes changes (payload.c), each change meets its cell (cells.c), what won
 * goes to the views and to the effects.  Only plays are counted, once per operation id; all else
 * is idempotent by itself.  A deleted playlist swallows what is still said about it.
 */
struct model {
    struct cells *cells;
    struct seen *seen;
    struct accounts *accounts;
    struct passkeys *passkeys;
    struct requests *requests;
    struct listeners *listeners;
    struct playlists *playlists;
    struct changes changes; /* scratch */
};

struct model_limits {
    size_t max_cells, max_cells_per_account, max_devices, max_ranges_per_device;
};

void model_init(struct model *model, const struct model_limits *limits);
void model_release(struct model *model);
/* After loading, before the first merge or read: puts lists in order. */
void model_settle(struct model *model);

/* Loading, from the database: as merged before. */
bool model_load_cell(struct model *model, const struct cell_name *name,
                     const struct cell *cell) MUST_USE;
void model_load_count(struct model *model, struct uid account, struct subject subject,
                      struct plays plays);

enum model_verdict {
    MODEL_MERGED,
    MODEL_BEFORE,   /* seen before: nothing counted twice */
    MODEL_CONFLICT, /* this id was something else */
    MODEL_INVALID,  /* *ret_why says what */
    MODEL_FULL,     /* a bound of model_limits; nothing changed */
};

/* Whether merging would be accepted now.  Changes nothing but scratch. */
enum model_verdict model_check(struct model *model, const struct operation *operation,
                               const char **ret_why);
/* Of one that was seen before, right after model_check(): whether merging it again would change a
 * cell.  Two nodes may have stamped it differently, and the greater order counts everywhere. */
bool model_would_change(const struct model *model, const struct operation *operation);
/* `effects` may be NULL.  accepted_ms must be set. */
enum model_verdict model_merge(struct model *model, const struct operation *operation,
                               struct effects *effects, const char **ret_why);

/*
 * What other nodes merged, as rows that came by way of the state of record: one cell, play, range,
 * digest or kept operation.  Plays come before the ranges that cover them.  What is new goes to
 * `effects`, as from model_merge().  False when nothing changed that anybody can see.
 */
bool model_learn(struct model *model, const struct effect *learnt, struct effects *effects);

/* Puts another value in a cell's place, here alone and whatever its order: what another node may
 * not have any more.  It comes back with the next delivery. */
void model_replace(struct model *model, const struct cell_name *name, const struct cell *cell,
                   struct effects *effects);

/*
 * What an operation says, for a state of record that merges by itself: all its cells whether or not
 * they win here, its play, its id.  Depends on nothing but the operation; `scratch` is
 * changes_init()ed. False when the operation is not valid.
 */
bool model_project(struct changes *scratch, const struct operation *operation,
                   struct effects *effects);

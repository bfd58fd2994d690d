// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/payload.h"

/*
 * cells: the merged state itself: (account, space, key) → (value, order of the operation that
 * wrote it).
 *
 * Merging keeps the greatest (order, value), so it is commutative, associative and idempotent:
 * any delivery of any operation any number of times in any order gives the same cells.
 * Everything else in memory (accounts, listeners, playlists) is a view that follows from these.
 */
struct cells;

struct cell {
    struct operation_order order;
    struct text value; /* empty: not there (any more) */
};

/* Bounds for all and for one account, so that nobody can use up everybody's. */
struct cells *cells_new(size_t max_cells, size_t max_per_account) MUST_USE;
void cells_free(struct cells **cells);

enum cells_verdict { CELLS_WON, CELLS_LOST, CELLS_FULL };
/* WON: the cell now has this value.  Copies. */
enum cells_verdict cells_merge(struct cells *cells, struct uid account, enum space space,
                               struct text key, struct text value,
                               const struct operation_order *order) MUST_USE;
/* NULL when never written; valid until the cell changes. */
const struct cell *cells_get(const struct cells *cells, struct uid account, enum space space,
                             struct text key);
void cells_drop(struct cells *cells, struct uid account, enum space space, struct text key);
/* Whether `count` new ones of this account would fit. */
bool cells_has_room(const struct cells *cells, struct uid account, size_t count);
size_t cells_count(const struct cells *cells);

/* Walks in no order, as map_next(). */
struct cell_name {
    struct uid account;
    enum space space;
    struct text key;
};
bool cells_next(const struct cells *cells, size_t *cursor, struct cell_name *ret_name,
                const struct cell **ret_cell);
/* The same through those of one account alone. */
bool cells_next_of(const struct cells *cells, struct uid account, size_t *cursor,
                   struct cell_name *ret_name, const struct cell **ret_cell);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/effects.h"
#include "state/postgres_rows.h"

/*
 * postgres_merge: what effects say, as arrays of rows, one for each statement of
 * postgres_merge.def.  PostgreSQL does the merging.  Internal to state/database_postgres.c.
 */
enum merge {
#define MERGE(id, shape, sql) MERGE_##id,
#include "state/postgres_merge.def"
#undef MERGE
    MERGES
};

struct postgres_merge {
    struct postgres_rows rows[MERGES];
};

void postgres_merge_init(struct postgres_merge *merge);
void postgres_merge_release(struct postgres_merge *merge);
void postgres_merge_put(struct postgres_merge *merge, const struct effect *effect);
/* Those that have rows, in order, borrowing them; returns how many, at most MERGES. */
size_t postgres_merge_statements(struct postgres_merge *merge,
                                 struct postgres_statement *ret_statements);

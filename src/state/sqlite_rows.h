// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/uid.h"

#include <sqlite3.h>

/* sqlite_rows: values into a statement in the order of its question marks, and out of its columns.
 * Texts are borrowed: bound ones until sqlite_run() has returned, columns until the next step.
 * Internal to state/database_sqlite*. */
struct sqlite_row {
    sqlite3_stmt *statement;
    int next;
};

void sqlite_bind_words(struct sqlite_row *row, struct text t);
void sqlite_bind_uid(struct sqlite_row *row, const struct uid *uid);
void sqlite_bind_integer(struct sqlite_row *row, uint64_t value);
/* Steps once and is ready to be filled again; SQLITE_OK, or what went wrong. */
int sqlite_run(struct sqlite_row *row) MUST_USE;

struct text sqlite_column_words(sqlite3_stmt *statement, int column);
uint64_t sqlite_column_integer(sqlite3_stmt *statement, int column);
/* False when the column is not of that size. */
bool sqlite_column_exactly(sqlite3_stmt *statement, int column, void *ret, size_t size) MUST_USE;

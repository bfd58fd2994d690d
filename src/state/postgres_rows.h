// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "state/postgres.h"

/*
 * postgres_rows: rows on their way into a statement, gathered column by column as the arrays that
 * unnest() takes apart again: one statement for any number of rows.  Internal to
 * state/database_postgres.
 */
struct postgres_rows {
    struct postgres_column {
        struct buffer bytes;
        Oid type; /* of the array */
    } columns[POSTGRES_MAX_PARAMETERS];
    int column_count, next; /* the column that the next value is for */
    uint32_t row_count;
};

/* `shape`: a letter for each column, 'i' an integer, 'b' bytes. */
void postgres_rows_init(struct postgres_rows *rows, const char *shape);
void postgres_rows_release(struct postgres_rows *rows);
/* The next value of the row; after the last column the next row begins. */
void postgres_rows_integer(struct postgres_rows *rows, uint64_t value);
void postgres_rows_bytes(struct postgres_rows *rows, struct text bytes);
/* A statement with the columns as its parameters, valid until the rows change. */
struct postgres_statement postgres_rows_statement(struct postgres_rows *rows, const char *sql);

// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/sqlite_rows.h"

#include <string.h>

void sqlite_bind_words(struct sqlite_row *row, struct text t)
{
    sqlite3_bind_blob64(row->statement, row->next++, t.data ? t.data : "", t.size, SQLITE_STATIC);
}

void sqlite_bind_uid(struct sqlite_row *row, const struct uid *uid)
{
    sqlite_bind_words(row, uid_view(uid));
}

void sqlite_bind_integer(struct sqlite_row *row, uint64_t value)
{
    sqlite3_bind_int64(row->statement, row->next++, (sqlite3_int64)value);
}

int sqlite_run(struct sqlite_row *row)
{
    int result = sqlite3_step(row->statement);
    sqlite3_reset(row->statement);
    sqlite3_clear_bindings(row->statement);
    return result == SQLITE_DONE || result == SQLITE_ROW ? SQLITE_OK : result;
}

struct text sqlite_column_words(sqlite3_stmt *statement, int column)
{
    const char *data = sqlite3_column_blob(statement, column); /* first: it may convert */
    return text_make(data, (size_t)sqlite3_column_bytes(statement, column));
}

uint64_t sqlite_column_integer(sqlite3_stmt *statement, int column)
{
    return (uint64_t)sqlite3_column_int64(statement, column);
}

bool sqlite_column_exactly(sqlite3_stmt *statement, int column, void *ret, size_t size)
{
    struct text t = sqlite_column_words(statement, column);
    if (t.size == size)
        memcpy(ret, t.data, size);
    return t.size == size;
}

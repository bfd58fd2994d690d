// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/database.h"

struct sqlite3;

/* database_sqlite_load: everything that state.db holds, table by table.  The caller holds a
 * transaction, so that it is all as of one moment.  SQLITE_OK, or what went wrong; SQLITE_CORRUPT
 * also when the sink refuses a row. */
int database_sqlite_load(struct sqlite3 *sqlite, const struct database_sink *sink,
                         struct database_mark *ret_mark) MUST_USE;

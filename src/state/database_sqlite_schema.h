// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"

/*
 * database_sqlite_schema: the tables of state.db, as numbered steps.  Step n leads from version n-1
 * to n; PRAGMA user_version is the version.  A step that was released is never edited.  Internal to
 * state/database_sqlite.
 */
struct sqlite3;

/* Each step in a transaction of its own.  An SQLite result code; SQLITE_MISMATCH when the file is
 * newer than we are. */
int database_migrate(struct sqlite3 *sqlite, int to_version) MUST_USE;

// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/database_sqlite_schema.h"

#include "state/database_sqlite.h"

#include <assert.h>
#include <sqlite3.h>

/* 1: the merged state */
static const char MERGED_STATE[] =
    "CREATE TABLE mark (id INTEGER PRIMARY KEY CHECK (id = 0), journal BLOB NOT NULL, lsn INTEGER "
    "NOT NULL,"
    " epoch INTEGER NOT NULL);"
    "INSERT INTO mark VALUES (0, zeroblob(16), 0, 1);"
    "CREATE TABLE cells (account BLOB NOT NULL, space INTEGER NOT NULL, key BLOB NOT NULL, value "
    "BLOB NOT NULL,"
    " final INTEGER NOT NULL, hlc INTEGER NOT NULL, device BLOB NOT NULL, seq INTEGER NOT NULL,"
    " PRIMARY KEY (account, space, key)) WITHOUT ROWID;"
    "CREATE TABLE counts (account BLOB NOT NULL, subject BLOB NOT NULL, plays INTEGER NOT NULL, "
    "last_ms INTEGER NOT NULL,"
    " PRIMARY KEY (account, subject)) WITHOUT ROWID;"
    "CREATE TABLE seen (device BLOB NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
    " PRIMARY KEY (device, first)) WITHOUT ROWID;"
    "CREATE TABLE digests (device BLOB NOT NULL, slot INTEGER NOT NULL, seq INTEGER NOT NULL, "
    "digest INTEGER NOT NULL,"
    " PRIMARY KEY (device, slot)) WITHOUT ROWID;";

/* 2: the plays themselves, for listening history */
static const char PLAYS[] =
    "CREATE TABLE plays (device BLOB NOT NULL, seq INTEGER NOT NULL, account BLOB NOT NULL, track "
    "BLOB NOT NULL,"
    " at_ms INTEGER NOT NULL, accepted_ms INTEGER NOT NULL, payload TEXT NOT NULL,"
    " PRIMARY KEY (device, seq)) WITHOUT ROWID;"
    "CREATE INDEX plays_by_time ON plays (account, at_ms);";

/* 3: operations of kinds that this version does not know, whole */
static const char KEPT_OPERATIONS[] =
    "CREATE TABLE kept (device BLOB NOT NULL, seq INTEGER NOT NULL, operation BLOB NOT NULL,"
    " PRIMARY KEY (device, seq)) WITHOUT ROWID;";

/* 4: whose replica this is (database_sqlite.h); none: nobody's */
static const char FOLLOWS[] =
    "CREATE TABLE follows (id INTEGER PRIMARY KEY CHECK (id = 0), record BLOB NOT NULL, cursor "
    "INTEGER NOT NULL);"
    "INSERT INTO follows VALUES (0, zeroblob(16), 0);";

/* 5: the stamp of a play, without which it is not the whole operation; 0: not known */
static const char STAMPS[] = "ALTER TABLE plays ADD COLUMN hlc INTEGER NOT NULL DEFAULT 0;";

static const char *const steps[DATABASE_VERSION] = {MERGED_STATE, PLAYS, KEPT_OPERATIONS, FOLLOWS,
                                                    STAMPS};

static int version_of(sqlite3 *sqlite, int *ret_version)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(sqlite, "PRAGMA user_version", -1, &statement, NULL);
    if (result == SQLITE_OK && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        *ret_version = sqlite3_column_int(statement, 0);
        result = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return result;
}

static int take_step(sqlite3 *sqlite, int version)
{
    assert(version >= 1 && version <= DATABASE_VERSION);
    char mark[64];
    snprintf(mark, sizeof mark, "PRAGMA user_version = %d; COMMIT", version);
    int result = sqlite3_exec(sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_exec(sqlite, steps[version - 1], NULL, NULL, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_exec(sqlite, mark, NULL, NULL, NULL);
    if (result != SQLITE_OK)
        sqlite3_exec(sqlite, "ROLLBACK", NULL, NULL, NULL);
    return result;
}

int database_migrate(struct sqlite3 *sqlite, int to_version)
{
    int version = 0, result = version_of(sqlite, &version);
    if (result == SQLITE_OK && version > DATABASE_VERSION)
        return SQLITE_MISMATCH;
    while (result == SQLITE_OK && version < to_version)
        result = take_step(sqlite, ++version);
    return result;
}

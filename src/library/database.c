// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * database: the schema of library.db and the thin, sticky-error layer over SQLite.
 *
 * Invariants of `files` (one row per audio file, also of those that are gone for now):
 *   present   folder, audio_id, track_id set; a `reason` says what is wrong now (say, unreadable),
 * it stays listed unsettled folder, audio_id set, track_id NULL: another row has this audio id;
 * settle.c decides whether this is that track moved, or a duplicate with an ordinal of its own
 *   problem   folder and reason set, no ids: in the scan report, not read again until its stat
 * changes missing   folder NULL, track_id set: kept so that a restored file gets its ids, album and
 * date back
 *
 * track_id is derived from (audio_id, ordinal) (docs/formats/assigned-ids.md).  `info` is what the
 * worker said, encoded (media/info.h), `art` the digest of the embedded picture, `artists` the row
 * numbers in `groups` of the artists credited, 8 bytes each, in the order of grouping_credits().  A
 * folder's path is relative to its root, "" for the root itself; names and paths are the file
 * system's bytes.  `groups` holds albums and artists (groups.h), `loudness` what was measured
 * (loudness.h), `digests` those of whole files (digests.h).
 */
#include "library/database.h"
#include "base/mem.h"
#include "io/fault_point.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What makes version n of the schema out of n - 1; the last is what we write. */
static const char first_schema[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE folders(id INTEGER PRIMARY KEY, root INTEGER NOT NULL, path BLOB NOT NULL, "
    "parent INTEGER,"
    " cover_name BLOB, cover_size INTEGER, cover_mtime_ns INTEGER, cover_digest BLOB,"
    " artist_name BLOB, artist_size INTEGER, artist_mtime_ns INTEGER, artist_digest BLOB, reason "
    "TEXT);"
    "CREATE UNIQUE INDEX folders_by_path ON folders(root, path);"
    "CREATE INDEX folders_by_cover ON folders(cover_digest) WHERE cover_digest IS NOT NULL;"
    "CREATE INDEX folders_by_artist ON folders(artist_digest) WHERE artist_digest IS NOT NULL;"
    "CREATE INDEX folders_by_parent ON folders(parent);"
    "CREATE INDEX folders_problems ON folders(id) WHERE reason IS NOT NULL;"
    "CREATE TABLE files(id INTEGER PRIMARY KEY, folder INTEGER, name BLOB NOT NULL, dev INTEGER "
    "NOT NULL,"
    " ino INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, audio_id BLOB, "
    "ordinal INTEGER,"
    " track_id BLOB, created_ms INTEGER, missing_ms INTEGER, art BLOB, album INTEGER, artists BLOB,"
    " sidecar INTEGER NOT NULL DEFAULT 0, reason TEXT, info BLOB);"
    "CREATE UNIQUE INDEX files_by_place ON files(folder, name) WHERE folder IS NOT NULL;"
    "CREATE UNIQUE INDEX files_by_track ON files(track_id) WHERE track_id IS NOT NULL;"
    "CREATE INDEX files_by_ino ON files(ino) WHERE audio_id IS NOT NULL;"
    "CREATE INDEX files_by_art ON files(art) WHERE art IS NOT NULL;"
    "CREATE INDEX files_by_album ON files(album) WHERE album IS NOT NULL;"
    "CREATE INDEX files_copies ON files(audio_id, ordinal) WHERE ordinal > 0;"
    "CREATE INDEX files_unsettled ON files(id) WHERE audio_id IS NOT NULL AND track_id IS NULL;"
    "CREATE INDEX files_missing ON files(audio_id, ordinal) WHERE folder IS NULL AND track_id IS "
    "NOT NULL;"
    "CREATE INDEX files_problems ON files(folder) WHERE reason IS NOT NULL;"
    "CREATE TABLE groups(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, group_id BLOB NOT NULL "
    "UNIQUE,"
    " key BLOB NOT NULL, name_key BLOB, mbid TEXT, members INTEGER NOT NULL, created_ms INTEGER "
    "NOT NULL, name TEXT,"
    " art BLOB);"
    "CREATE INDEX groups_by_key ON groups(kind, key);"
    "CREATE INDEX groups_by_name ON groups(name_key) WHERE name_key IS NOT NULL;";
static const char *const schema_steps[] = {
    first_schema,
    "CREATE TABLE loudness(track_id BLOB PRIMARY KEY, mlufs INTEGER NOT NULL, peak_ppm INTEGER NOT "
    "NULL) WITHOUT ROWID;",
    "CREATE TABLE digests(track_id BLOB PRIMARY KEY, version INTEGER NOT NULL, changed_ns INTEGER "
    "NOT NULL, sha256 BLOB NOT NULL) WITHOUT ROWID;",
    "ALTER TABLE loudness ADD COLUMN blocks BLOB;",
};
enum { SCHEMA_VERSION = ARRAY_SIZE(schema_steps) };

static const char *const statements[STATEMENT_COUNT] = {
#define STATEMENT(name, sql) [STATEMENT_##name] = (sql),
#include "library/statements.def"
#undef STATEMENT
};

struct database {
    sqlite3 *handle;
    sqlite3_stmt *prepared[STATEMENT_COUNT];
    int error;
};

static int errno_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EBADMSG;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return -EACCES;
    case SQLITE_CONSTRAINT:
        return -EEXIST;
    default:
        return -EIO;
    }
}

static void stick(struct database *database, int code)
{
    if (!database->error)
        database->error = errno_of(code);
}

static void execute(struct database *database, const char *sql)
{
    if (database->error)
        return;
    int code = sqlite3_exec(database->handle, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        stick(database, code);
}

static int64_t user_version(struct database *database)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database->handle, "PRAGMA user_version", -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    int64_t version = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    if (code != SQLITE_ROW)
        stick(database, code);
    sqlite3_finalize(statement);
    return version;
}

static void migrate(struct database *database)
{
    int64_t version = user_version(database);
    if (database->error || version == SCHEMA_VERSION)
        return;
    if (version > SCHEMA_VERSION) {
        database->error = -EPROTO;
        return;
    }
    char set_version[48];
    snprintf(set_version, sizeof set_version, "PRAGMA user_version = %d", SCHEMA_VERSION);
    if (version < 0) {
        database->error = -EBADMSG;
        return;
    }
    execute(database, "BEGIN IMMEDIATE");
    version = user_version(database); /* another connection may have been first */
    for (; !database->error && version < SCHEMA_VERSION; version++)
        execute(database, schema_steps[version]);
    execute(database, set_version);
    execute(database, "COMMIT");
}

int library_database_open(const char *path, enum database_mode mode, struct database **ret,
                          char ret_why[256])
{
    struct database *database = MEM_NEW(struct database);
    int flags =
        mode == DATABASE_READ ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int code = sqlite3_open_v2(path, &database->handle,
                               flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (code != SQLITE_OK)
        stick(database, code);
    else
        sqlite3_busy_timeout(database->handle, 5000);
    if (mode == DATABASE_MAKE) {
        execute(database, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                          "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -65536;"
                          "PRAGMA temp_store = MEMORY");
        migrate(database);
    } else if (mode != DATABASE_READ) {
        /* NORMAL in WAL never damages the file; a scan ends with a checkpoint, which syncs. */
        execute(
            database,
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384;"
            "PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 8192");
        if (mode == DATABASE_WRITE_BESIDE)
            execute(database, "PRAGMA cache_size = -512");
        migrate(database);
    } else {
        execute(database, "PRAGMA query_only = 1; PRAGMA cache_size = -2048");
    }
    int error = database->error;
    if (error == -EPROTO)
        snprintf(ret_why, 256, "%s was written by a newer version of sostenuto", path);
    else if (error)
        snprintf(ret_why, 256, "%s: %s", path, sqlite3_errmsg(database->handle));
    if (error)
        library_database_close(&database);
    else
        *ret = database;
    return error;
}

void library_database_close(struct database **database)
{
    if (!*database)
        return;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize((*database)->prepared[i]);
    sqlite3_close((*database)->handle);
    mem_free(*database);
    *database = NULL;
}

void database_begin(struct database *database) { execute(database, "BEGIN IMMEDIATE"); }

void database_rollback(struct database *database)
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        if (database->prepared[i])
            sqlite3_reset(database->prepared[i]);
    if (!sqlite3_get_autocommit(database->handle))
        sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
    database->error = 0;
}

int database_commit(struct database *database)
{
    if (fault_point_disk() != 0)
        database->error = database->error ? database->error : -EIO;
    execute(database, "COMMIT");
    int error = database->error;
    if (error)
        database_rollback(database);
    return error;
}

int database_error(const struct database *database) { return database->error; }

void database_checkpoint(struct database *database)
{
    sqlite3_wal_checkpoint_v2(database->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

sqlite3_stmt *database_use(struct database *database, enum statement statement)
{
    sqlite3_stmt **prepared = &database->prepared[statement];
    if (*prepared) {
        sqlite3_reset(*prepared);
        return *prepared;
    }
    int code = sqlite3_prepare_v3(database->handle, statements[statement], -1,
                                  SQLITE_PREPARE_PERSISTENT, prepared, NULL);
    if (code != SQLITE_OK)
        stick(database, code);
    return *prepared; /* NULL is harmless to bind and to step */
}

void bind_i64(sqlite3_stmt *statement, int at, int64_t value)
{
    sqlite3_bind_int64(statement, at, value);
}

void bind_bytes(sqlite3_stmt *statement, int at, const void *data, size_t size)
{
    sqlite3_bind_blob64(statement, at, data ? data : "", size, SQLITE_STATIC);
}

void bind_null(sqlite3_stmt *statement, int at) { sqlite3_bind_null(statement, at); }

bool database_step(struct database *database, sqlite3_stmt *statement)
{
    if (database->error || !statement)
        return false;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return true;
    sqlite3_reset(statement);
    if (code != SQLITE_DONE)
        stick(database, code);
    return false;
}

int64_t database_run(struct database *database, sqlite3_stmt *statement)
{
    while (database_step(database, statement))
        continue;
    return database->error ? 0 : sqlite3_last_insert_rowid(database->handle);
}

struct text column_bytes(sqlite3_stmt *statement, int at)
{
    const char *data = sqlite3_column_blob(statement, at);
    return text_make(data, (size_t)sqlite3_column_bytes(statement, at));
}

void column_id(sqlite3_stmt *statement, int at, uint8_t id[16])
{
    struct text bytes = column_bytes(statement, at);
    memset(id, 0, 16);
    if (bytes.size == 16)
        memcpy(id, bytes.data, 16);
}

int64_t database_meta(struct database *database, const char *name)
{
    sqlite3_stmt *get = database_use(database, STATEMENT_META_GET);
    sqlite3_bind_text(get, 1, name, -1, SQLITE_STATIC);
    int64_t value = database_step(database, get) ? sqlite3_column_int64(get, 0) : 0;
    sqlite3_reset(get);
    return value;
}

void database_set_meta(struct database *database, const char *name, int64_t value)
{
    sqlite3_stmt *set = database_use(database, STATEMENT_META_SET);
    sqlite3_bind_text(set, 1, name, -1, SQLITE_STATIC);
    bind_i64(set, 2, value);
    database_run(database, set);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* SQLite: WAL, synchronous=FULL because the journal is trimmed on our word. */
#include "state/database_sqlite.h"

#include "base/mem.h"
#include "io/fault_point.h"
#include "state/database_engine.h"
#include "state/database_sqlite_load.h"
#include "state/database_sqlite_schema.h"
#include "state/sqlite_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum statement {
    PUT_CELL,
    DROP_CELL,
    PUT_COUNT,
    PUT_PLAY,
    PUT_RANGE,
    DROP_RANGE,
    PUT_DIGEST,
    PUT_KEPT,
    PUT_MARK,
    PUT_CURSOR,
    BEGIN,
    COMMIT,
    ROLLBACK,
    STATEMENTS,
};

static const char *const sql[STATEMENTS] = {
    [PUT_CELL] =
        ("INSERT OR REPLACE INTO cells (account, space, key, value, final, hlc, device, seq)"
         " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
    [DROP_CELL] = "DELETE FROM cells WHERE account = ? AND space = ? AND key = ?",
    [PUT_COUNT] =
        "INSERT OR REPLACE INTO counts (account, subject, plays, last_ms) VALUES (?, ?, ?, ?)",
    [PUT_PLAY] = ("INSERT OR IGNORE INTO plays (device, seq, account, track, at_ms, accepted_ms, "
                  "payload, hlc)"
                  " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
    [PUT_RANGE] = "INSERT OR REPLACE INTO seen (device, first, last) VALUES (?, ?, ?)",
    [DROP_RANGE] = "DELETE FROM seen WHERE device = ? AND first = ?",
    [PUT_DIGEST] = "INSERT OR REPLACE INTO digests (device, slot, seq, digest) VALUES (?, ?, ?, ?)",
    [PUT_KEPT] = "INSERT OR IGNORE INTO kept (device, seq, operation) VALUES (?, ?, ?)",
    [PUT_MARK] = "UPDATE mark SET journal = ?, lsn = ?",
    [PUT_CURSOR] = "UPDATE follows SET cursor = ?",
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
};

struct sqlite {
    struct database database;
    sqlite3 *sqlite;
    sqlite3_stmt *statements[STATEMENTS];
};

static struct sqlite *of(struct database *database)
{
    return CONTAINER_OF(database, struct sqlite, database);
}

const char *database_sqlite_words(int result)
{
    switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "is locked by another program: close whatever else has it open (a shell, a backup "
               "tool)";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return "is damaged: stop the server and put a backup back with 'sostenuto restore'";
    case SQLITE_FULL:
        return "cannot grow: the disk is full";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return "cannot be opened for writing: check its owner and mode, and those of its folder";
    case SQLITE_IOERR:
        return "cannot be read or written: the disk reports an error";
    case SQLITE_MISMATCH:
        return "was written by a newer sostenuto: run that one, or restore an older backup";
    default:
        return "cannot be used";
    }
}

static int errno_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
        return 0;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return -EACCES;
    case SQLITE_MISMATCH:
        return -EPROTONOSUPPORT;
    default:
        return -EIO;
    }
}

static int fail(int result, const char *path, sqlite3 *sqlite, struct state_error *ret_error)
{
    const char *theirs = sqlite && sqlite3_errcode(sqlite) != SQLITE_OK ? sqlite3_errmsg(sqlite)
                                                                        : sqlite3_errstr(result);
    bool is_ours =
        result ==
        SQLITE_MISMATCH; /* database_migrate's own word for "newer": SQLite has nothing to add */
    snprintf(ret_error->words, sizeof ret_error->words, is_ours ? "%s %s" : "%s %s (SQLite: %s)",
             path, database_words(result), theirs);
    return errno_of(result);
}

/* --- life --- */

static int connect_to(const char *path, sqlite3 **ret)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                  0600); /* SQLite's own would be 0644 */
    if (fd < 0)
        return SQLITE_CANTOPEN;
    close(fd);
    int result = sqlite3_open_v2(path, ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    sqlite3_extended_result_codes(*ret, 1);
    sqlite3_busy_timeout(*ret, 2000);
    if (result == SQLITE_OK)
        result = sqlite3_exec(
            *ret,
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;"
            "PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -4096;",
            NULL, NULL, NULL);
    return result;
}

int database_make_version(const char *path, int version, struct state_error *ret_error)
{
    sqlite3 *sqlite = NULL;
    int result = connect_to(path, &sqlite);
    if (result == SQLITE_OK)
        result = database_migrate(sqlite, version);
    int error = result == SQLITE_OK ? 0 : fail(result, path, sqlite, ret_error);
    sqlite3_close(sqlite);
    return error;
}

static void close_sqlite(struct database *database)
{
    struct sqlite *self = of(database);
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(self->statements[i]);
    sqlite3_close(self->sqlite);
    mem_free(self);
}

/* --- writing: bind in order, step, reset --- */

static struct sqlite_row row_of(struct sqlite *self, enum statement which)
{
    return (struct sqlite_row){self->statements[which], 1};
}

static int run_plain(struct sqlite *self, enum statement which)
{
    struct sqlite_row row = row_of(self, which);
    return sqlite_run(&row);
}

static int write_cell(struct sqlite *self, const struct effect *effect)
{
    bool is_put = effect->kind == EFFECT_CELL;
    struct sqlite_row row = row_of(self, is_put ? PUT_CELL : DROP_CELL);
    sqlite_bind_uid(&row, &effect->cell.account);
    sqlite_bind_integer(&row, effect->cell.space);
    sqlite_bind_words(&row, effect->cell.key);
    if (is_put) {
        sqlite_bind_words(&row, effect->cell.value);
        sqlite_bind_integer(&row, effect->cell.order.is_final);
        sqlite_bind_integer(&row, effect->cell.order.hlc);
        sqlite_bind_uid(&row, &effect->cell.order.device);
        sqlite_bind_integer(&row, effect->cell.order.seq);
    }
    return sqlite_run(&row);
}

static int write_count(struct sqlite *self, const struct effect *effect)
{
    struct sqlite_row row = row_of(self, PUT_COUNT);
    sqlite_bind_uid(&row, &effect->count.account);
    sqlite_bind_words(&row, subject_view(&effect->count.subject));
    sqlite_bind_integer(&row, effect->count.count);
    sqlite_bind_integer(&row, (uint64_t)effect->count.last_ms);
    return sqlite_run(&row);
}

static int write_play(struct sqlite *self, const struct effect *effect)
{
    struct sqlite_row row = row_of(self, PUT_PLAY);
    sqlite_bind_uid(&row, &effect->play.device);
    sqlite_bind_integer(&row, effect->play.seq);
    sqlite_bind_uid(&row, &effect->play.account);
    sqlite_bind_words(&row, subject_view(&effect->play.track));
    sqlite_bind_integer(&row, (uint64_t)effect->play.at_ms);
    sqlite_bind_integer(&row, (uint64_t)effect->play.accepted_ms);
    sqlite3_bind_text64(row.statement, row.next++, effect->play.payload.data,
                        effect->play.payload.size, SQLITE_STATIC, SQLITE_UTF8);
    sqlite_bind_integer(&row, effect->play.hlc);
    return sqlite_run(&row);
}

static int write_digest(struct sqlite *self, const struct effect *effect)
{
    struct sqlite_row digest = row_of(self, PUT_DIGEST);
    sqlite_bind_uid(&digest, &effect->seen.device);
    sqlite_bind_integer(&digest, effect->seen.seq % SEEN_REMEMBERED);
    sqlite_bind_integer(&digest, effect->seen.seq);
    sqlite_bind_integer(&digest, effect->seen.digest);
    return sqlite_run(&digest);
}

static int write_seen(struct sqlite *self, const struct effect *effect)
{
    int result = SQLITE_OK;
    if (effect->seen.range.gone) {
        struct sqlite_row gone = row_of(self, DROP_RANGE);
        sqlite_bind_uid(&gone, &effect->seen.device);
        sqlite_bind_integer(&gone, effect->seen.range.gone);
        result = sqlite_run(&gone);
    }
    struct sqlite_row range = row_of(self, PUT_RANGE);
    sqlite_bind_uid(&range, &effect->seen.device);
    sqlite_bind_integer(&range, effect->seen.range.first);
    sqlite_bind_integer(&range, effect->seen.range.last);
    result = result == SQLITE_OK ? sqlite_run(&range) : result;
    return result == SQLITE_OK && effect->seen.digest ? write_digest(self, effect) : result;
}

static int write_kept(struct sqlite *self, const struct effect *effect)
{
    struct sqlite_row row = row_of(self, PUT_KEPT);
    sqlite_bind_uid(&row, &effect->kept.device);
    sqlite_bind_integer(&row, effect->kept.seq);
    sqlite_bind_words(&row, effect->kept.bytes);
    return sqlite_run(&row);
}

static int (*const writers[])(struct sqlite *self, const struct effect *effect) = {
    [EFFECT_CELL] = write_cell, [EFFECT_CELL_DROP] = write_cell, [EFFECT_COUNT] = write_count,
    [EFFECT_PLAY] = write_play, [EFFECT_SEEN] = write_seen,      [EFFECT_DIGEST] = write_digest,
    [EFFECT_KEPT] = write_kept,
};

static int write_marks(struct sqlite *self, const struct effects *effects, struct uid journal)
{
    int result = SQLITE_OK;
    if (effects->lsn) {
        struct sqlite_row mark = row_of(self, PUT_MARK);
        sqlite_bind_uid(&mark, &journal);
        sqlite_bind_integer(&mark, effects->lsn);
        result = sqlite_run(&mark);
    }
    if (effects->cursor && result == SQLITE_OK) {
        struct sqlite_row cursor = row_of(self, PUT_CURSOR);
        sqlite_bind_integer(&cursor, effects->cursor);
        result = sqlite_run(&cursor);
    }
    return result;
}

static int write_sqlite(struct database *database, const struct effects *effects,
                        struct uid journal)
{
    struct sqlite *self = of(database);
    int result = run_plain(self, BEGIN);
    if (result != SQLITE_OK)
        return result;
    for (size_t i = 0; i < effects->count && result == SQLITE_OK; i++)
        result = writers[effects->items[i].kind](self, &effects->items[i]);
    result = result == SQLITE_OK ? write_marks(self, effects, journal) : result;
    if (fault_point_disk() != 0)
        result = SQLITE_IOERR;
    result = result == SQLITE_OK ? run_plain(self, COMMIT) : result;
    if (result != SQLITE_OK)
        (void)!run_plain(self, ROLLBACK);
    return result;
}

/* --- loading --- */

static int load_sqlite(struct database *database, const struct database_sink *sink,
                       struct database_mark *ret_mark, struct state_error *ret_error)
{
    sqlite3 *sqlite = of(database)->sqlite;
    int result = sqlite3_exec(sqlite, "BEGIN", NULL, NULL, NULL); /* all as of one moment */
    if (result == SQLITE_OK)
        result = database_sqlite_load(sqlite, sink, ret_mark);
    int error = result == SQLITE_OK
                    ? 0
                    : fail(result, sqlite3_db_filename(sqlite, "main"), sqlite, ret_error);
    (void)sqlite3_exec(sqlite, "COMMIT", NULL, NULL, NULL);
    return error;
}

/* --- copies and upkeep --- */

int database_copy(struct database *database, const char *path)
{
    sqlite3 *copy = NULL;
    int result = sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (result == SQLITE_OK) {
        sqlite3_backup *backup = sqlite3_backup_init(copy, "main", of(database)->sqlite, "main");
        result = backup ? sqlite3_backup_step(backup, -1) : sqlite3_errcode(copy);
        result = result == SQLITE_DONE ? SQLITE_OK : result;
        int finished = backup ? sqlite3_backup_finish(backup) : SQLITE_OK;
        result = result == SQLITE_OK ? finished : result;
    }
    if (result == SQLITE_OK) /* one plain file, no -wal beside it */
        result = sqlite3_exec(copy, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    sqlite3_close(copy);
    return result;
}

/* One statement that is run seldom: prepared, filled by whoever calls, run and forgotten. */
static int prepare(struct database *database, const char *words, struct sqlite_row *ret)
{
    ret->next = 1;
    return sqlite3_prepare_v2(of(database)->sqlite, words, -1, &ret->statement, NULL);
}

static int run_once(struct sqlite_row *row)
{
    int result = sqlite_run(row);
    sqlite3_finalize(row->statement);
    return result;
}

static int set_mark(struct database *database, const struct database_mark *mark)
{
    struct sqlite_row row;
    int result = prepare(database, "UPDATE mark SET journal = ?, lsn = ?, epoch = ?", &row);
    if (result != SQLITE_OK)
        return result;
    sqlite_bind_uid(&row, &mark->journal);
    sqlite_bind_integer(&row, mark->lsn);
    sqlite_bind_integer(&row, mark->epoch);
    return run_once(&row);
}

static int forget_sessions(struct database *database, int64_t before_ms)
{
    struct sqlite_row row;
    int result = prepare(database, "DELETE FROM cells WHERE space = ? AND hlc < ?", &row);
    if (result != SQLITE_OK)
        return result;
    sqlite_bind_integer(&row, SPACE_SESSION);
    sqlite_bind_integer(&row, (uint64_t)before_ms << 16);
    return run_once(&row);
}

int database_follow(struct database *database, const struct database_follow *follow)
{
    struct sqlite_row row;
    int result = prepare(database, "UPDATE follows SET record = ?, cursor = ?", &row);
    if (result != SQLITE_OK)
        return result;
    sqlite_bind_uid(&row, &follow->record);
    sqlite_bind_integer(&row, follow->cursor);
    return run_once(&row);
}

int database_following(struct database *database, struct database_follow *ret)
{
    struct sqlite_row row;
    int result = prepare(database, "SELECT record, cursor FROM follows", &row);
    if (result == SQLITE_OK)
        result = sqlite3_step(row.statement);
    if (result == SQLITE_ROW) {
        result = sqlite_column_exactly(row.statement, 0, &ret->record, UID_BYTES) ? SQLITE_OK
                                                                                  : SQLITE_CORRUPT;
        ret->cursor = sqlite_column_integer(row.statement, 1);
    }
    sqlite3_finalize(row.statement);
    return result;
}

static int clear(struct database *database)
{
    return sqlite3_exec(of(database)->sqlite,
                        "BEGIN IMMEDIATE; DELETE FROM cells; DELETE FROM counts; DELETE FROM seen;"
                        "DELETE FROM digests; DELETE FROM plays; DELETE FROM kept;"
                        "UPDATE mark SET journal = zeroblob(16), lsn = 0;"
                        "UPDATE follows SET record = zeroblob(16), cursor = 0; COMMIT",
                        NULL, NULL, NULL);
}

/* --- opening --- */

static const struct database_engine engine = {
    .close = close_sqlite,
    .load = load_sqlite,
    .write = write_sqlite,
    .set_mark = set_mark,
    .forget_sessions = forget_sessions,
    .clear = clear,
};

int database_sqlite_open(const char *path, struct database **ret, struct state_error *ret_error)
{
    struct sqlite *self = MEM_NEW(struct sqlite);
    self->database.engine = &engine;
    int result = connect_to(path, &self->sqlite);
    if (result == SQLITE_OK)
        result = database_migrate(self->sqlite, DATABASE_VERSION);
    for (int i = 0; i < STATEMENTS && result == SQLITE_OK; i++)
        result = sqlite3_prepare_v3(self->sqlite, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &self->statements[i], NULL);
    if (result == SQLITE_OK) {
        *ret = &self->database;
        return 0;
    }
    int error = fail(result, path, self->sqlite, ret_error);
    close_sqlite(&self->database);
    return error;
}

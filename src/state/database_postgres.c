// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/database_postgres.h"

#include "base/mem.h"
#include "state/database_engine.h"
#include "state/postgres_merge.h"
#include "state/postgres_schema.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

struct record {
    struct database database;
    struct postgres postgres;
};

static struct record *of(struct database *database)
{
    return CONTAINER_OF(database, struct record, database);
}

/* A server that we hold waiting lets go of us: a stopped origin must not hold the others' lock.
 * Sooner than we give up, so that what it says arrives. */
static void write_setup(const struct postgres *postgres, char ret[400])
{
    long long answer_ms = postgres->bounds.answer_ms;
    snprintf(ret, 400,
             "SELECT set_config('lock_timeout', '%lldms', false),"
             " set_config('statement_timeout', '%lldms', false),"
             " set_config('idle_in_transaction_session_timeout', '%lldms', false),"
             " set_config('synchronous_commit', 'on', false),"
             " set_config('client_encoding', 'UTF8', false)",
             answer_ms * 6 / 10, answer_ms * 9 / 10, answer_ms * 8 / 10);
}

static int revive(struct record *record)
{
    if (record->postgres.connection && PQstatus(record->postgres.connection) == CONNECTION_OK)
        return 0;
    char setup[400];
    write_setup(&record->postgres, setup);
    int error = postgres_revive(&record->postgres, setup);
    error = error ? error : postgres_migrate(&record->postgres);
    error = error ? error : postgres_run(&record->postgres, "LISTEN sostenuto_state");
    if (error)
        postgres_drop(&record->postgres);
    return error;
}

/* --- writing --- */

/* The row of meta is ours from the first statement to the commit: whoever comes meanwhile waits. */
static const struct postgres_statement take_number = {
    .sql = "UPDATE sostenuto.meta SET number = number + 1 RETURNING number"};
static const struct postgres_statement tell_others = {.sql = "NOTIFY sostenuto_state"};

static int transact(struct record *record, struct postgres_merge *merge, uint64_t lsn,
                    const struct uid *journal, uint64_t *ret_number)
{
    struct postgres_statement statements[MERGES + 3] = {take_number};
    PGresult *results[MERGES + 3] = {0};
    uint64_t storage;
    size_t count = 1 + postgres_merge_statements(merge, statements + 1);
    const struct postgres_statement note_mark = {
        .sql = "INSERT INTO sostenuto.marks AS m VALUES ($1, $2) ON CONFLICT (journal) DO UPDATE"
               " SET lsn = greatest(m.lsn, excluded.lsn)",
        .values = {postgres_bytes(uid_view(journal)), postgres_integer(&storage, lsn)},
        .count = 2};
    if (lsn)
        statements[count++] = note_mark;
    statements[count++] = tell_others;
    int error = postgres_transact(&record->postgres, statements, count, results);
    if (!error)
        *ret_number = postgres_get_integer(results[0], 0, 0);
    for (size_t i = 0; i < count; i++)
        PQclear(results[i]);
    return error;
}

int database_push(struct database *database, const struct effects *effects, struct uid journal,
                  uint64_t *ret_number)
{
    struct record *record = of(database);
    struct postgres_merge merge;
    int error = revive(record);
    if (error)
        return error;
    postgres_merge_init(&merge);
    for (size_t i = 0; i < effects->count; i++)
        postgres_merge_put(&merge, &effects->items[i]);
    error = transact(record, &merge, effects->lsn, &journal, ret_number);
    postgres_merge_release(&merge);
    return error;
}

static int write_record(struct database *database, const struct effects *effects,
                        struct uid journal)
{
    uint64_t number;
    return database_push(database, effects, journal, &number);
}

/* --- reading --- */

static bool get(const PGresult *row, int i, int column, void *ret, size_t size)
{
    struct text bytes = postgres_get_bytes(row, i, column);
    if (bytes.size == size)
        memcpy(ret, bytes.data, size);
    return bytes.size == size;
}

static bool read_cell(const PGresult *row, int i, const struct database_sink *sink)
{
    struct cell_name name = {.space = (enum space)postgres_get_integer(row, i, 1),
                             .key = postgres_get_bytes(row, i, 2)};
    struct cell cell = {.value = postgres_get_bytes(row, i, 3),
                        .order = {.is_final = postgres_get_integer(row, i, 4) != 0,
                                  .hlc = postgres_get_integer(row, i, 5),
                                  .seq = postgres_get_integer(row, i, 7)}};
    return get(row, i, 0, &name.account, UID_BYTES) &&
           get(row, i, 6, &cell.order.device, UID_BYTES) && sink->cell(sink->context, &name, &cell);
}

static bool read_count(const PGresult *row, int i, const struct database_sink *sink)
{
    struct uid account;
    struct subject subject;
    return get(row, i, 0, &account, UID_BYTES) && get(row, i, 1, &subject, SUBJECT_BYTES) &&
           sink->count(sink->context, account, subject,
                       (struct plays){postgres_get_integer(row, i, 2),
                                      (int64_t)postgres_get_integer(row, i, 3)});
}

static bool read_range(const PGresult *row, int i, const struct database_sink *sink)
{
    struct uid device;
    return get(row, i, 0, &device, UID_BYTES) &&
           sink->range(sink->context, device, postgres_get_integer(row, i, 1),
                       postgres_get_integer(row, i, 2));
}

static bool read_digest(const PGresult *row, int i, const struct database_sink *sink)
{
    struct uid device;
    return get(row, i, 0, &device, UID_BYTES) &&
           sink->digest(sink->context, device, postgres_get_integer(row, i, 1),
                        postgres_get_integer(row, i, 2));
}

static bool read_kept(const PGresult *row, int i, const struct database_sink *sink)
{
    return sink->kept(sink->context, postgres_get_bytes(row, i, 0));
}

static bool read_play(const PGresult *row, int i, const struct database_sink *sink)
{
    struct database_play play = {.seq = postgres_get_integer(row, i, 1),
                                 .hlc = postgres_get_integer(row, i, 4),
                                 .at_ms = (int64_t)postgres_get_integer(row, i, 5),
                                 .accepted_ms = (int64_t)postgres_get_integer(row, i, 6),
                                 .payload = postgres_get_bytes(row, i, 7)};
    return get(row, i, 0, &play.device, UID_BYTES) && get(row, i, 2, &play.account, UID_BYTES) &&
           get(row, i, 3, &play.track, SUBJECT_BYTES) && sink->play(sink->context, &play);
}

/* Plays first: in a pull they count as operations, which the ranges after them would say were seen.
 */
static const struct {
    const char *sql, *order;
    bool (*read)(const PGresult *row, int i, const struct database_sink *sink);
} tables[] = {
    {"SELECT device, seq, account, track, hlc, at_ms, accepted_ms, payload FROM sostenuto.plays",
     "device, seq", read_play},
    {"SELECT account, subject, plays, last_ms FROM sostenuto.counts", "account, subject",
     read_count},
    {"SELECT device, first, last FROM sostenuto.seen", "device, first", read_range},
    {"SELECT device, seq, digest FROM sostenuto.digests", "device, slot", read_digest},
    {"SELECT account, space, key, value, final, hlc, device, seq FROM sostenuto.cells",
     "account, space, key", read_cell},
    {"SELECT operation FROM sostenuto.kept", "device, seq", read_kept},
};

static int read_rows(struct record *record, size_t which, const struct database_sink *sink)
{
    int rows = 1, error = 0;
    while (rows && !error) {
        PGresult *some = NULL;
        error = postgres_ask(&record->postgres,
                             &(struct postgres_statement){.sql = "FETCH 4000 FROM sostenuto_rows"},
                             &some);
        rows = error ? 0 : PQntuples(some);
        for (int i = 0; i < rows && !error; i++)
            error = tables[which].read(some, i, sink) ? 0 : DATABASE_FOREIGN;
        PQclear(some);
    }
    return error;
}

static int read_table(struct record *record, size_t which, const char *where,
                      const struct database_sink *sink)
{
    char sql[400];
    snprintf(sql, sizeof sql, "DECLARE sostenuto_rows NO SCROLL CURSOR FOR %s %s ORDER BY %s",
             tables[which].sql, where, tables[which].order);
    int error = postgres_run(&record->postgres, sql);
    error = error ? error : read_rows(record, which, sink);
    return error ? error : postgres_run(&record->postgres, "CLOSE sostenuto_rows");
}

static bool is_wanted(size_t which, const struct database_sink *sink)
{
    return (tables[which].read != read_play || sink->play) &&
           (tables[which].read != read_count || sink->count);
}

static int read_meta(struct record *record, struct database_record *ret)
{
    PGresult *row = NULL;
    int error = postgres_ask(
        &record->postgres,
        &(struct postgres_statement){.sql = "SELECT record, number, epoch FROM sostenuto.meta"},
        &row);
    if (!error && (PQntuples(row) != 1 || !get(row, 0, 0, &ret->id, UID_BYTES)))
        error = DATABASE_FOREIGN;
    if (!error) {
        ret->number = postgres_get_integer(row, 0, 1);
        ret->epoch = postgres_get_integer(row, 0, 2);
    }
    PQclear(row);
    return error;
}

/* All as of one moment. */
static int read_all(struct record *record, uint64_t after, const struct database_sink *sink,
                    struct database_record *ret)
{
    char where[64] = "";
    int error = revive(record);
    if (after)
        snprintf(where, sizeof where, "WHERE change > %" PRIu64, after);
    error =
        error ? error
              : postgres_run(&record->postgres, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    error = error ? error : read_meta(record, ret);
    for (size_t i = 0; i < ARRAY_SIZE(tables) && !error; i++)
        if (is_wanted(i, sink))
            error = read_table(record, i, where, sink);
    error = error ? error : postgres_run(&record->postgres, "COMMIT");
    if (error)
        postgres_drop(&record->postgres); /* with its transaction */
    return error;
}

int database_changes(struct database *database, uint64_t after, const struct database_sink *sink,
                     uint64_t *ret_number)
{
    struct database_record meta;
    assert(!sink->count);
    int error = read_all(of(database), after, sink, &meta);
    if (!error)
        *ret_number = meta.number;
    return error;
}

/* --- words --- */

static int errno_of(int result)
{
    return result == DATABASE_UNREACHABLE ? -ECONNREFUSED
           : result == DATABASE_SLOW      ? -ETIMEDOUT
                                          : -EIO;
}

static int fail(const struct record *record, int result, struct state_error *ret_error)
{
    char place[100];
    postgres_place(record->postgres.url, place, sizeof place);
    snprintf(ret_error->words, sizeof ret_error->words, "%s %s (%s)", place, database_words(result),
             record->postgres.words);
    return errno_of(result);
}

const char *database_detail(const struct database *database)
{
    return ((const struct record *)database)->postgres.words;
}

static int load_record(struct database *database, const struct database_sink *sink,
                       struct database_mark *ret_mark, struct state_error *ret_error)
{
    struct database_record meta;
    int error = read_all(of(database), 0, sink, &meta);
    if (error)
        return fail(of(database), error, ret_error);
    *ret_mark = (struct database_mark){.epoch = meta.epoch, .lsn = meta.number};
    return 0;
}

/* --- the small questions --- */

/* One row or none; *ret is the caller's to PQclear(). */
static int ask(struct database *database, const struct postgres_statement *statement,
               PGresult **ret)
{
    int error = revive(of(database));
    return error ? error : postgres_ask(&of(database)->postgres, statement, ret);
}

static int tell(struct database *database, const struct postgres_statement *statement)
{
    PGresult *result = NULL;
    int error = ask(database, statement, &result);
    PQclear(result);
    return error;
}

int database_record(struct database *database, struct database_record *ret)
{
    int error = revive(of(database));
    return error ? error : read_meta(of(database), ret);
}

int database_check_keys(struct database *database, struct text check, bool *ret_is_same)
{
    const struct postgres_statement statement = {
        .sql = "UPDATE sostenuto.meta SET key_check = coalesce(key_check, $1) RETURNING key_check "
               "= $1",
        .values = {postgres_bytes(check)},
        .count = 1};
    PGresult *row = NULL;
    int error = ask(database, &statement, &row);
    if (!error)
        *ret_is_same = PQntuples(row) == 1 && PQgetvalue(row, 0, 0)[0] == 1;
    PQclear(row);
    return error;
}

int database_mark_of(struct database *database, struct uid journal, uint64_t *ret_lsn)
{
    const struct postgres_statement statement = {
        .sql = "SELECT lsn FROM sostenuto.marks WHERE journal = $1",
        .values = {postgres_bytes(uid_view(&journal))},
        .count = 1};
    PGresult *row = NULL;
    int error = ask(database, &statement, &row);
    if (!error)
        *ret_lsn = PQntuples(row) ? postgres_get_integer(row, 0, 0) : 0;
    PQclear(row);
    return error;
}

int database_claim_name(struct database *database, struct text folded, struct uid account,
                        bool *ret_is_ours)
{
    const struct postgres_statement statement = {
        .sql =
            "INSERT INTO sostenuto.names AS n VALUES ($1, $2) ON CONFLICT (name) DO UPDATE"
            " SET account = excluded.account, claimed = now() WHERE n.account = excluded.account"
            " OR (n.claimed < now() - interval '1 minute' AND NOT EXISTS (SELECT FROM"
            " sostenuto.cells c WHERE c.account = n.account AND c.space = 12 AND c.final = 0"
            " AND convert_to(lower(convert_from(c.value, 'UTF8') COLLATE \"C\"), 'UTF8') = n.name))"
            " RETURNING true",
        .values = {postgres_bytes(folded), postgres_bytes(uid_view(&account))},
        .count = 2};
    PGresult *row = NULL;
    int error = ask(database, &statement, &row);
    if (!error)
        *ret_is_ours = PQntuples(row) == 1;
    PQclear(row);
    return error;
}

int database_await_change(struct database *database, int wake_fd, int64_t wait_ms,
                          bool *ret_is_changed)
{
    int error = revive(of(database));
    return error ? error
                 : postgres_listen(&of(database)->postgres, wake_fd, wait_ms, ret_is_changed);
}

static int set_mark(struct database *database, const struct database_mark *mark)
{
    uint64_t storage[2];
    int error =
        tell(database,
             &(struct postgres_statement){.sql = "UPDATE sostenuto.meta SET epoch = $1",
                                          .values = {postgres_integer(&storage[0], mark->epoch)},
                                          .count = 1});
    if (error || uid_is_none(mark->journal))
        return error;
    return tell(database, &(struct postgres_statement){
                              .sql = "INSERT INTO sostenuto.marks VALUES ($1, $2)"
                                     " ON CONFLICT (journal) DO UPDATE SET lsn = excluded.lsn",
                              .values = {postgres_bytes(uid_view(&mark->journal)),
                                         postgres_integer(&storage[1], mark->lsn)},
                              .count = 2});
}

static int forget_sessions(struct database *database, int64_t before_ms)
{
    uint64_t storage[2];
    return tell(database, &(struct postgres_statement){
                              .sql = "DELETE FROM sostenuto.cells WHERE space = $1 AND hlc < $2",
                              .values = {postgres_integer(&storage[0], SPACE_SESSION),
                                         postgres_integer(&storage[1], (uint64_t)before_ms << 16)},
                              .count = 2});
}

static int clear(struct database *database)
{
    static const struct postgres_statement statements[] = {
        {.sql = "UPDATE sostenuto.meta SET number = number + 1,"
                " record = uuid_send(gen_random_uuid()), key_check = NULL"},
        {.sql = "TRUNCATE sostenuto.marks, sostenuto.names, sostenuto.cells, sostenuto.counts,"
                " sostenuto.seen, sostenuto.digests, sostenuto.plays, sostenuto.kept"}};
    int error = revive(of(database));
    return error ? error
                 : postgres_transact(&of(database)->postgres, statements, ARRAY_SIZE(statements),
                                     NULL);
}

/* --- opening --- */

static void close_record(struct database *database)
{
    struct record *record = of(database);
    postgres_release(&record->postgres);
    mem_free(record);
}

static const struct database_engine engine = {
    .close = close_record,
    .load = load_record,
    .write = write_record,
    .set_mark = set_mark,
    .forget_sessions = forget_sessions,
    .clear = clear,
};

struct database *database_postgres_new(const char *url, const struct database_bounds *bounds)
{
    struct record *record = MEM_NEW(struct record);
    record->database.engine = &engine;
    postgres_init(&record->postgres, url, bounds);
    return &record->database;
}

int database_postgres_open(const char *url, struct database **ret, struct state_error *ret_error)
{
    struct database *database = database_postgres_new(url, &(struct database_bounds){0});
    int error = revive(of(database));
    if (!error) {
        *ret = database;
        return 0;
    }
    error = fail(of(database), error, ret_error);
    close_record(database);
    return error;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/database_sqlite_load.h"

#include "state/sqlite_rows.h"

static bool load_cell(sqlite3_stmt *row, const struct database_sink *sink)
{
    struct cell_name name;
    struct cell cell;
    if (!sqlite_column_exactly(row, 0, &name.account, UID_BYTES) ||
        !sqlite_column_exactly(row, 6, &cell.order.device, UID_BYTES))
        return false;
    name.space = (enum space)sqlite3_column_int(row, 1);
    name.key = sqlite_column_words(row, 2);
    cell.value = sqlite_column_words(row, 3);
    cell.order.is_final = sqlite3_column_int(row, 4) != 0;
    cell.order.hlc = sqlite_column_integer(row, 5);
    cell.order.seq = sqlite_column_integer(row, 7);
    return sink->cell(sink->context, &name, &cell);
}

static bool load_count(sqlite3_stmt *row, const struct database_sink *sink)
{
    struct uid account;
    struct subject subject;
    return sqlite_column_exactly(row, 0, &account, UID_BYTES) &&
           sqlite_column_exactly(row, 1, &subject, SUBJECT_BYTES) &&
           sink->count(sink->context, account, subject,
                       (struct plays){sqlite_column_integer(row, 2), sqlite3_column_int64(row, 3)});
}

static bool load_range(sqlite3_stmt *row, const struct database_sink *sink)
{
    struct uid device;
    return sqlite_column_exactly(row, 0, &device, UID_BYTES) &&
           sink->range(sink->context, device, sqlite_column_integer(row, 1),
                       sqlite_column_integer(row, 2));
}

static bool load_digest(sqlite3_stmt *row, const struct database_sink *sink)
{
    struct uid device;
    return sqlite_column_exactly(row, 0, &device, UID_BYTES) &&
           sink->digest(sink->context, device, sqlite_column_integer(row, 1),
                        sqlite_column_integer(row, 2));
}

static bool load_kept(sqlite3_stmt *row, const struct database_sink *sink)
{
    return sink->kept(sink->context, sqlite_column_words(row, 0));
}

static bool load_play(sqlite3_stmt *row, const struct database_sink *sink)
{
    struct database_play play = {.at_ms = sqlite3_column_int64(row, 4),
                                 .accepted_ms = sqlite3_column_int64(row, 5)};
    play.seq = sqlite_column_integer(row, 1);
    play.hlc = sqlite_column_integer(row, 7);
    if (play.hlc == 0) /* written before version 5: what it means is its time */
        play.hlc = (uint64_t)play.at_ms << 16;
    play.payload = sqlite_column_words(row, 6);
    return sqlite_column_exactly(row, 0, &play.device, UID_BYTES) &&
           sqlite_column_exactly(row, 2, &play.account, UID_BYTES) &&
           sqlite_column_exactly(row, 3, &play.track, SUBJECT_BYTES) &&
           sink->play(sink->context, &play);
}

/* In the order of an export file (export.h), all by their keys. */
static const struct {
    const char *sql;
    bool (*load)(sqlite3_stmt *row, const struct database_sink *sink);
} tables[] = {
    {"SELECT device, seq, account, track, at_ms, accepted_ms, payload, hlc FROM plays"
     " ORDER BY device, seq",
     load_play},
    {"SELECT account, subject, plays, last_ms FROM counts ORDER BY account, subject", load_count},
    {"SELECT device, first, last FROM seen ORDER BY device, first", load_range},
    {"SELECT device, seq, digest FROM digests ORDER BY device, slot", load_digest},
    {"SELECT account, space, key, value, final, hlc, device, seq FROM cells"
     " ORDER BY account, space, key",
     load_cell},
    {"SELECT operation FROM kept ORDER BY device, seq", load_kept},
};

static int load_table(sqlite3 *sqlite, size_t which, const struct database_sink *sink)
{
    sqlite3_stmt *statement = NULL;
    if (tables[which].load == load_play && !sink->play)
        return SQLITE_OK; /* a start does not read the history */
    int result = sqlite3_prepare_v2(sqlite, tables[which].sql, -1, &statement, NULL);
    while (result == SQLITE_OK || result == SQLITE_ROW) {
        result = sqlite3_step(statement);
        if (result == SQLITE_ROW && !tables[which].load(statement, sink))
            result = SQLITE_CORRUPT;
    }
    sqlite3_finalize(statement);
    return result == SQLITE_DONE ? SQLITE_OK : result;
}

static int load_mark(sqlite3 *sqlite, struct database_mark *ret_mark)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(sqlite, "SELECT journal, lsn, epoch FROM mark WHERE id = 0", -1,
                                    &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        bool is_whole = sqlite_column_exactly(statement, 0, &ret_mark->journal, UID_BYTES);
        ret_mark->lsn = sqlite_column_integer(statement, 1);
        ret_mark->epoch = sqlite_column_integer(statement, 2);
        result = is_whole ? SQLITE_OK : SQLITE_CORRUPT;
    } else if (result == SQLITE_DONE) {
        result = SQLITE_CORRUPT;
    }
    sqlite3_finalize(statement);
    return result;
}

int database_sqlite_load(sqlite3 *sqlite, const struct database_sink *sink,
                         struct database_mark *ret_mark)
{
    int result = load_mark(sqlite, ret_mark);
    for (size_t i = 0; i < ARRAY_SIZE(tables) && result == SQLITE_OK; i++)
        result = load_table(sqlite, i, sink);
    return result;
}

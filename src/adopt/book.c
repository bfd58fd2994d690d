// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/book.h"

#include "base/mem.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { BUSY_MS = 5000 };

static const char schema[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "CREATE TABLE IF NOT EXISTS value(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS document(kind TEXT, id TEXT, json TEXT, walk INTEGER,"
    " PRIMARY KEY(kind, id)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS artist(id TEXT PRIMARY KEY, folded TEXT, json TEXT, walk INTEGER);"
    "CREATE TABLE IF NOT EXISTS album(id TEXT PRIMARY KEY, folded TEXT, artist TEXT, genre TEXT,"
    " year INTEGER, created TEXT, json TEXT, walk INTEGER);"
    "CREATE TABLE IF NOT EXISTS song(id TEXT PRIMARY KEY, album TEXT, folded TEXT, genre TEXT,"
    " year INTEGER, json TEXT, walk INTEGER);"
    "CREATE INDEX IF NOT EXISTS song_album ON song(album);"
    "CREATE TABLE IF NOT EXISTS own(listener TEXT, kind TEXT, id TEXT, json TEXT,"
    " PRIMARY KEY(listener, kind, id)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS remembered(number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " question TEXT UNIQUE, type TEXT, body BLOB, at INTEGER);"
    "CREATE TABLE IF NOT EXISTS listener(name TEXT PRIMARY KEY, is_whole INTEGER) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS verifier(number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " listener TEXT, kind TEXT, hash TEXT);"
    "CREATE TABLE IF NOT EXISTS write(number INTEGER PRIMARY KEY AUTOINCREMENT, listener TEXT,"
    " endpoint TEXT, parameters TEXT, at INTEGER, state INTEGER, note TEXT, credential BLOB);"
    "CREATE INDEX IF NOT EXISTS write_state ON write(state);"
    "CREATE INDEX IF NOT EXISTS write_listener ON write(listener);"
    "CREATE TABLE IF NOT EXISTS ended(number INTEGER PRIMARY KEY AUTOINCREMENT, listener TEXT,"
    " endpoint TEXT, parameters TEXT, at INTEGER, ended INTEGER, how TEXT, code INTEGER);"
    "CREATE INDEX IF NOT EXISTS ended_listener ON ended(listener);"
    "CREATE TABLE IF NOT EXISTS playlist_id(here TEXT PRIMARY KEY, there TEXT) WITHOUT ROWID;";

static int open_at(const char *path, struct book *ret)
{
    int error =
        sqlite3_open_v2(path, &ret->database,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (error == SQLITE_OK)
        error = sqlite3_busy_timeout(ret->database, BUSY_MS);
    if (error == SQLITE_OK)
        error = sqlite3_exec(ret->database, schema, NULL, NULL, NULL);
    return error;
}

int book_open(const char *folder, struct book *ret)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/adopt.db", folder);
    int error = open_at(path, ret);
    (void)chmod(path, 0600);
    return error;
}

int book_open_memory(struct book *ret) { return open_at(":memory:", ret); }

void book_close(struct book *book)
{
    (void)sqlite3_close(book->database);
    book->database = NULL;
}

const char *book_why(const struct book *book)
{
    return book->database ? sqlite3_errmsg(book->database) : "out of memory";
}

static void bind_text(sqlite3_stmt *statement, int at, struct text t)
{
    (void)sqlite3_bind_text(statement, at, t.data ? t.data : "", (int)t.size, SQLITE_TRANSIENT);
}

static void bind(sqlite3_stmt *statement, const char *types, va_list values)
{
    for (int at = 1; *types; types++, at++) {
        if (*types == 't') {
            bind_text(statement, at, va_arg(values, struct text));
        } else if (*types == 'b') {
            struct text t = va_arg(values, struct text);
            (void)sqlite3_bind_blob(statement, at, t.data ? t.data : "", (int)t.size,
                                    SQLITE_TRANSIENT);
        } else if (*types == 's') {
            bind_text(statement, at, text_of(va_arg(values, const char *)));
        } else if (*types == 'i') {
            (void)sqlite3_bind_int64(statement, at, va_arg(values, int64_t));
        } else {
            char *json = json_dumps(va_arg(values, json_t *), JSON_COMPACT | JSON_ENCODE_ANY);
            bind_text(statement, at, text_of(json ? json : "null"));
            free(json); /* jansson's */
        }
    }
}

static sqlite3_stmt *prepare(struct book *book, const char *sql, const char *types, va_list values)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(book->database, sql, -1, &statement, NULL) != SQLITE_OK)
        return NULL;
    bind(statement, types, values);
    return statement;
}

sqlite3_stmt *book_query(struct book *book, const char *sql, const char *types, ...)
{
    va_list values;
    va_start(values, types);
    sqlite3_stmt *statement = prepare(book, sql, types, values);
    va_end(values);
    return statement;
}

bool book_do(struct book *book, const char *sql, const char *types, ...)
{
    va_list values;
    va_start(values, types);
    sqlite3_stmt *statement = prepare(book, sql, types, values);
    va_end(values);
    int result = SQLITE_ERROR;
    while (statement && (result = sqlite3_step(statement)) == SQLITE_ROW)
        ;
    (void)sqlite3_finalize(statement);
    return result == SQLITE_DONE;
}

struct text book_text(sqlite3_stmt *row, int column)
{
    const char *data = sqlite3_column_blob(row, column);
    return text_make(data, (size_t)sqlite3_column_bytes(row, column));
}

json_t *book_json(sqlite3_stmt *row, int column)
{
    struct text t = book_text(row, column);
    return t.size ? json_loadb(t.data, t.size, JSON_DECODE_ANY, NULL) : NULL;
}

json_t *book_one_json(struct book *book, const char *sql, const char *types, ...)
{
    va_list values;
    va_start(values, types);
    sqlite3_stmt *row = prepare(book, sql, types, values);
    va_end(values);
    json_t *found = row && sqlite3_step(row) == SQLITE_ROW ? book_json(row, 0) : NULL;
    (void)sqlite3_finalize(row);
    return found;
}

int64_t book_one_number(struct book *book, int64_t otherwise, const char *sql, const char *types,
                        ...)
{
    va_list values;
    va_start(values, types);
    sqlite3_stmt *row = prepare(book, sql, types, values);
    va_end(values);
    int64_t found = otherwise;
    if (row && sqlite3_step(row) == SQLITE_ROW && sqlite3_column_type(row, 0) != SQLITE_NULL)
        found = sqlite3_column_int64(row, 0);
    (void)sqlite3_finalize(row);
    return found;
}

void book_keep_value(struct book *book, const char *name, struct text value)
{
    (void)book_do(book, "REPLACE INTO value VALUES(?, ?)", "st", name, value);
}

json_t *book_value_json(struct book *book, const char *name)
{
    return book_one_json(book, "SELECT value FROM value WHERE name = ?", "s", name);
}

int64_t book_value_number(struct book *book, const char *name)
{
    return book_one_number(book, 0, "SELECT value FROM value WHERE name = ?", "s", name);
}

struct text book_member(const json_t *object, const char *name, char room[BOOK_NUMBER_BYTES])
{
    const json_t *value = json_object_get(object, name);
    if (json_is_string(value))
        return text_make(json_string_value(value), json_string_length(value));
    if (!json_is_integer(value))
        return TEXT_NONE;
    int size =
        snprintf(room, BOOK_NUMBER_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return text_make(room, (size_t)size);
}

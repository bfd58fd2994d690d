// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

#include <jansson.h>
#include <sqlite3.h>

/*
 * book: what an edge keeps of a foreign server (docs/decisions/038-adoption.md), in
 * STATE/adopt.db: that server's own answers by its own ids, rows to list and search them by, what
 * listeners signed in with, and writes that it has not been told of.
 *
 *     document   the answer of one question as it came: ("album", id), ("artists", "") …
 *     artist, album, song   what lists and searches are made of; `folded` is catalog/fold's form
 *     own        of one listener: starred, starred2, playlists, playlist
 *     remembered answers to anything else, byte for byte, to be given again to who asks the same
 *     verifier   Argon2id of what a listener proved to the foreign server
 *     listener, write, playlist_id   see writes.h
 *     ended      see ended.h
 *
 * One connection, one thread; several books of one file may be open at once (WAL).  A failure of
 * the database is logged by nobody here: functions say false or NULL, and `book_why` has words.
 */
struct book {
    sqlite3 *database;
};

/* Opens or makes it, mode 0600.  0 or an SQLite code. */
int book_open(const char *folder, struct book *ret) MUST_USE;
int book_open_memory(struct book *ret) MUST_USE; /* for tests */
void book_close(struct book *book);
const char *book_why(const struct book *book);

/*
 * One statement.  `types` has a letter for each value that follows: t `struct text`, b the same
 * as a blob, s a string, i
 * an int64_t, j a json_t * (borrowed, written as text).  NULL when it cannot be prepared.
 */
sqlite3_stmt *book_query(struct book *book, const char *sql, const char *types, ...) MUST_USE;
bool book_do(struct book *book, const char *sql, const char *types, ...); /* and runs it */
struct text book_text(sqlite3_stmt *row, int column);                     /* until the next step */
json_t *book_json(sqlite3_stmt *row, int column); /* new reference, NULL when it is none */
/* The first column of the first row. */
json_t *book_one_json(struct book *book, const char *sql, const char *types, ...) MUST_USE;
int64_t book_one_number(struct book *book, int64_t otherwise, const char *sql, const char *types,
                        ...);

/* A value by name, such as the envelope of the foreign server's answers. */
void book_keep_value(struct book *book, const char *name, struct text value);
json_t *book_value_json(struct book *book, const char *name) MUST_USE;
int64_t book_value_number(struct book *book, const char *name);

/* JSON's text member, or the decimal form of its integer: servers send ids as either.  `room` for
 * the latter; data NULL when there is neither. */
enum { BOOK_NUMBER_BYTES = 24 };
struct text book_member(const json_t *object, const char *name, char room[BOOK_NUMBER_BYTES]);

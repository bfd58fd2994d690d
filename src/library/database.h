// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include <sqlite3.h>

/*
 * database: library.db, what the node knows about people's files (schema in database.c, statements
 * in statements.def).
 *
 * One connection belongs to one thread at a time; the scan thread has the writing one, look-ups
 * share another under the library's lock (WAL: neither waits for the other).
 *
 * The first failure of a statement sticks: later statements do nothing, reads find no rows, and
 * database_commit() rolls back and returns it.  So a scan is written straight down and checked once
 * per transaction.
 */
struct database;

enum statement {
#define STATEMENT(name, sql) STATEMENT_##name,
#include "library/statements.def"
#undef STATEMENT
    STATEMENT_COUNT
};

enum database_mode {
    DATABASE_WRITE,
    DATABASE_WRITE_BESIDE, /* a little, beside the scan's: keeps few pages in memory */
    DATABASE_MAKE, /* a file of nobody's yet: no log, nothing is durable before its maker syncs it
                    */
    DATABASE_READ
};

/* 0 or -errno with a line for people in `ret_why`. -EBADMSG damaged, -EPROTO written by a newer
 * version. */
int library_database_open(const char *path, enum database_mode mode, struct database **ret,
                          char ret_why[256]) MUST_USE;
void library_database_close(struct database **database);

void database_begin(struct database *database);
int database_commit(struct database *database) MUST_USE;
void database_rollback(struct database *database);
int database_error(const struct database *database); /* the sticky failure, 0 when none */
/* Moves the log into the database file: durable after power loss from here on. */
void database_checkpoint(struct database *database);

/* A statement ready to bind: parameters are numbered from 1 and are borrowed until the next step or
 * use. */
sqlite3_stmt *database_use(struct database *database, enum statement statement);
void bind_i64(sqlite3_stmt *statement, int at, int64_t value);
void bind_bytes(sqlite3_stmt *statement, int at, const void *data, size_t size);
void bind_null(sqlite3_stmt *statement, int at);
/* True: a row stands ready, until the next step or use.  False: the end, or a failure (sticky). */
bool database_step(struct database *database, sqlite3_stmt *statement);
/* Steps to the end and gives back the inserted row's number. */
int64_t database_run(struct database *database, sqlite3_stmt *statement);
struct text column_bytes(sqlite3_stmt *statement, int at); /* borrowed; data NULL for NULL */
/* Copies exactly `size` bytes; a value of another size gives zeros. */
void column_id(sqlite3_stmt *statement, int at, uint8_t id[16]);

/* Small named integers that outlive a scan. */
int64_t database_meta(struct database *database, const char *name);
void database_set_meta(struct database *database, const char *name, int64_t value);

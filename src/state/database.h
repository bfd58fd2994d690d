// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/effects.h"
#include "state/listener.h"
#include "state/state.h"

/*
 * database: where the merged state lies at rest, in one of two engines:
 *
 *   a path                 SQLite, one file: an origin's own state.db
 *   postgresql://…         PostgreSQL, schema "sostenuto": the state of record of several origins
 *
 * What only one of them can do is in database_sqlite.h and database_postgres.h; everything that
 * knows SQL is behind these three.  One thread at a time uses a database.
 *
 * A write is one transaction together with the mark "everything up to this LSN of this journal is
 * in here", and is on the medium when it returns; writing the same effects again changes nothing.
 * SQLite takes effects as the absolute values that they are, so only one writer may have merged
 * them.  PostgreSQL merges them with what others wrote: cells by their order, ranges by union,
 * plays by their ids, so that any writers in any order give the same rows.
 */
struct database;

struct database_mark {
    struct uid journal; /* none: nothing was ever applied, or it is PostgreSQL, which has a mark per
                         * journal; `lsn` is then the number of the last change */
    uint64_t lsn;
    uint64_t epoch; /* raised by each restore, from 1 */
};

/* Result codes that are not SQLite's: below 0x10000 a code is one of SQLite's. */
enum database_result {
    DATABASE_UNREACHABLE = 0x10000, /* no connection, or it broke */
    DATABASE_SLOW,                  /* no answer within the deadline: the connection was given up */
    DATABASE_REFUSED,               /* the server said no */
    DATABASE_FOREIGN,               /* rows that this code did not write */
};

/* Opens or makes it and migrates it to today's schema.  0, or -errno with *ret_error filled;
 * -ETIMEDOUT or -ECONNREFUSED when there is no talking to it now. */
int database_open(const char *location, struct database **ret,
                  struct state_error *ret_error) MUST_USE;
void database_close(struct database **database);
bool database_is_remote(const char *location); /* postgresql://… or postgres://… */

/* Rows; borrowed.  A callback that returns false ends the reading with -EINVAL; NULL ones skip. */
struct database_play {
    struct uid device, account;
    uint64_t seq, hlc;
    struct subject track;
    int64_t at_ms, accepted_ms;
    struct text payload;
};
struct database_sink {
    bool (*cell)(void *context, const struct cell_name *name, const struct cell *cell);
    bool (*count)(void *context, struct uid account, struct subject subject, struct plays plays);
    bool (*range)(void *context, struct uid device, uint64_t first, uint64_t last);
    bool (*digest)(void *context, struct uid device, uint64_t seq, uint64_t digest);
    bool (*kept)(void *context, struct text operation);
    bool (*play)(void *context, const struct database_play *play);
    void *context;
};
/* Everything there is, each row once, as of one moment; plays first, kept operations last. */
int database_load(struct database *database, const struct database_sink *sink,
                  struct database_mark *ret_mark, struct state_error *ret_error) MUST_USE;

/* 0, or a result code; then nothing was written. */
int database_write(struct database *database, const struct effects *effects,
                   struct uid journal) MUST_USE;
int database_set_mark(struct database *database, const struct database_mark *mark) MUST_USE;
/* Session cells last written before this are forgotten: such sessions ended long ago. */
int database_forget_sessions(struct database *database, int64_t before_ms) MUST_USE;
/* Removes every row, keeps the tables. */
int database_clear(struct database *database) MUST_USE;
/* Words about a result code: what it means here and what to do.  Static. */
const char *database_words(int result);

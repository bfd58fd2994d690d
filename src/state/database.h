// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/effects.h"
#include "state/listener.h"
#include "state/state.h"

/*
 * database: where the merged state lies at rest.  Everything that knows SQL is behind this
 * header, so that another engine can stand beside SQLite.
 *
 * One thread at a time: whoever opened it, then the apply thread, then whoever closes it.  A
 * write is one transaction together with the mark "everything up to this LSN of this journal is
 * in here", and is on the medium when it returns. Tables and migrations: database_schema.c.
 */
struct database;

struct database_mark {
    struct uid journal; /* none: nothing was ever applied */
    uint64_t lsn;
    uint64_t epoch; /* raised by each restore, from 1 */
};

/* Opens or makes it (mode 0600) and migrates it to today's schema.  0, or -errno with *ret_error
 * filled. */
int database_open(const char *path, struct database **ret, struct state_error *ret_error) MUST_USE;
void database_close(struct database **database);

/* Everything there is, each row once; borrowed.  A callback that returns false ends it with
 * -EINVAL. */
struct database_sink {
    bool (*cell)(void *context, const struct cell_name *name, const struct cell *cell);
    bool (*count)(void *context, struct uid account, struct subject subject, struct plays plays);
    bool (*range)(void *context, struct uid device, uint64_t first, uint64_t last);
    bool (*digest)(void *context, struct uid device, uint64_t seq, uint64_t digest);
    bool (*kept)(void *context, struct text operation);
    void *context;
};
int database_load(struct database *database, const struct database_sink *sink,
                  struct database_mark *ret_mark, struct state_error *ret_error) MUST_USE;

/* 0, or an SQLite result code; then nothing was written. */
int database_write(struct database *database, const struct effects *effects,
                   struct uid journal) MUST_USE;
/* A consistent copy in a new file. */
int database_copy(struct database *database, const char *path) MUST_USE;
int database_set_mark(struct database *database, const struct database_mark *mark) MUST_USE;
/* Words about a result code: what it means here and what to do.  Static. */
const char *database_words(int result);

/* Session cells last written before this are forgotten: such sessions ended long ago. */
int database_forget_sessions(struct database *database, int64_t before_ms) MUST_USE;

/* For tests: makes or migrates only up to that version. */
int database_make_version(const char *path, int version, struct state_error *ret_error) MUST_USE;
enum { DATABASE_VERSION = 3 };

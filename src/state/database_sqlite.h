// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/database.h"

/*
 * database_sqlite: what only an origin's own file can do.  WAL, synchronous=FULL because the
 * journal is trimmed on its word.  Tables and migrations: database_sqlite_schema.c.
 */

/* A consistent copy in a new file. */
int database_copy(struct database *database, const char *path) MUST_USE;

/* Whose replica the file is, and up to which change; record none: nobody's. */
struct database_follow {
    struct uid record;
    uint64_t cursor;
};
int database_following(struct database *database, struct database_follow *ret) MUST_USE;
int database_follow(struct database *database, const struct database_follow *follow) MUST_USE;

/* For tests: makes or migrates only up to that version. */
int database_make_version(const char *path, int version, struct state_error *ret_error) MUST_USE;
enum { DATABASE_VERSION = 5 };

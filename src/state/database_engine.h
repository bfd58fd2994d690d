// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/database.h"

/* database_engine: what an engine brings; each embeds struct database as its first member.
 * Contracts are those of database.h.  Internal to state/database*. */
struct database_engine {
    void (*close)(struct database *database);
    int (*load)(struct database *database, const struct database_sink *sink,
                struct database_mark *ret_mark, struct state_error *ret_error);
    int (*write)(struct database *database, const struct effects *effects, struct uid journal);
    int (*set_mark)(struct database *database, const struct database_mark *mark);
    int (*forget_sessions)(struct database *database, int64_t before_ms);
    int (*clear)(struct database *database);
};

struct database {
    const struct database_engine *engine;
};

int database_sqlite_open(const char *path, struct database **ret,
                         struct state_error *ret_error) MUST_USE;
int database_postgres_open(const char *url, struct database **ret,
                           struct state_error *ret_error) MUST_USE;
const char *database_sqlite_words(int result);

// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/database.h"

#include "state/database_engine.h"

bool database_is_remote(const char *location)
{
    struct text whole = text_of(location);
    return text_starts(whole, TEXT("postgresql://")) || text_starts(whole, TEXT("postgres://"));
}

int database_open(const char *location, struct database **ret, struct state_error *ret_error)
{
    return database_is_remote(location) ? database_postgres_open(location, ret, ret_error)
                                        : database_sqlite_open(location, ret, ret_error);
}

void database_close(struct database **database)
{
    if (*database)
        (*database)->engine->close(*database);
    *database = NULL;
}

int database_load(struct database *database, const struct database_sink *sink,
                  struct database_mark *ret_mark, struct state_error *ret_error)
{
    return database->engine->load(database, sink, ret_mark, ret_error);
}

int database_write(struct database *database, const struct effects *effects, struct uid journal)
{
    return database->engine->write(database, effects, journal);
}

int database_set_mark(struct database *database, const struct database_mark *mark)
{
    return database->engine->set_mark(database, mark);
}

int database_forget_sessions(struct database *database, int64_t before_ms)
{
    return database->engine->forget_sessions(database, before_ms);
}

int database_clear(struct database *database) { return database->engine->clear(database); }

const char *database_words(int result)
{
    switch (result) {
    case DATABASE_UNREACHABLE:
        return "cannot be reached: check that PostgreSQL runs, its address and who may connect";
    case DATABASE_SLOW:
        return "does not answer in time: check PostgreSQL, its disk and the network to it";
    case DATABASE_REFUSED:
        return "refuses: see what PostgreSQL says, here and in its own log";
    case DATABASE_FOREIGN:
        return "holds rows that are not sostenuto's: restore a backup of it";
    default:
        return database_sqlite_words(result);
    }
}

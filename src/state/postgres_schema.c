// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/postgres_schema.h"

#include <assert.h>

/* 1: the merged state, as in state.db, and the number of the change that touched each row last */
static const char *const merged_state[] = {
    "CREATE SCHEMA IF NOT EXISTS sostenuto",
    "CREATE TABLE sostenuto.meta (is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),"
    " version bigint NOT NULL, record bytea NOT NULL, epoch bigint NOT NULL, number bigint NOT "
    "NULL,"
    " key_check bytea)",
    "INSERT INTO sostenuto.meta SELECT true, 0, uuid_send(gen_random_uuid()), 1, 0, NULL",
    "CREATE TABLE sostenuto.marks (journal bytea PRIMARY KEY, lsn bigint NOT NULL)",
    "CREATE TABLE sostenuto.names (name bytea PRIMARY KEY, account bytea NOT NULL,"
    " claimed timestamptz NOT NULL DEFAULT now())",
    "CREATE INDEX names_by_account ON sostenuto.names (account)",
    "CREATE TABLE sostenuto.cells (account bytea NOT NULL, space bigint NOT NULL, key bytea NOT "
    "NULL,"
    " value bytea NOT NULL, final bigint NOT NULL, hlc bigint NOT NULL, device bytea NOT NULL,"
    " seq bigint NOT NULL, change bigint NOT NULL, PRIMARY KEY (account, space, key))",
    "CREATE INDEX cells_by_change ON sostenuto.cells (change)",
    "CREATE TABLE sostenuto.counts (account bytea NOT NULL, subject bytea NOT NULL,"
    " plays bigint NOT NULL, last_ms bigint NOT NULL, PRIMARY KEY (account, subject))",
    "CREATE TABLE sostenuto.seen (device bytea NOT NULL, first bigint NOT NULL, last bigint NOT "
    "NULL,"
    " change bigint NOT NULL, PRIMARY KEY (device, first))",
    "CREATE INDEX seen_by_change ON sostenuto.seen (change)",
    "CREATE TABLE sostenuto.digests (device bytea NOT NULL, slot bigint NOT NULL, seq bigint NOT "
    "NULL,"
    " digest bigint NOT NULL, change bigint NOT NULL, PRIMARY KEY (device, slot))",
    "CREATE INDEX digests_by_change ON sostenuto.digests (change)",
    "CREATE TABLE sostenuto.plays (device bytea NOT NULL, seq bigint NOT NULL, account bytea NOT "
    "NULL,"
    " track bytea NOT NULL, hlc bigint NOT NULL, at_ms bigint NOT NULL, accepted_ms bigint NOT "
    "NULL,"
    " payload bytea NOT NULL, change bigint NOT NULL, PRIMARY KEY (device, seq))",
    "CREATE INDEX plays_by_change ON sostenuto.plays (change)",
    "CREATE INDEX plays_by_time ON sostenuto.plays (account, at_ms)",
    "CREATE TABLE sostenuto.kept (device bytea NOT NULL, seq bigint NOT NULL,"
    " operation bytea NOT NULL, change bigint NOT NULL, PRIMARY KEY (device, seq))",
    "CREATE INDEX kept_by_change ON sostenuto.kept (change)",
    "UPDATE sostenuto.meta SET version = 1",
    NULL,
};

static const char *const *const steps[POSTGRES_VERSION] = {merged_state};

/* 0 for a database without the schema. */
static int version_of(struct postgres *postgres, uint64_t *ret_version)
{
    PGresult *result = NULL;
    int error = postgres_ask(
        postgres,
        &(struct postgres_statement){.sql = "SELECT to_regclass('sostenuto.meta') IS NOT NULL"},
        &result);
    bool is_there = !error && PQntuples(result) == 1 && PQgetvalue(result, 0, 0)[0] == 1;
    PQclear(result);
    *ret_version = 0;
    if (error || !is_there)
        return error;
    error = postgres_ask(postgres,
                         &(struct postgres_statement){.sql = "SELECT version FROM sostenuto.meta"},
                         &result);
    if (!error && PQntuples(result) == 1)
        *ret_version = postgres_get_integer(result, 0, 0);
    PQclear(result);
    return error;
}

static int take_steps(struct postgres *postgres, uint64_t version)
{
    int error = 0;
    assert(version <= POSTGRES_VERSION);
    for (; version < POSTGRES_VERSION && !error; version++)
        for (const char *const *sql = steps[version]; *sql && !error; sql++)
            error = postgres_run(postgres, *sql);
    return error;
}

int postgres_migrate(struct postgres *postgres)
{
    uint64_t version;
    int error = version_of(postgres, &version);
    if (error || version == POSTGRES_VERSION)
        return error;
    if (version > POSTGRES_VERSION)
        return DATABASE_FOREIGN;
    error = postgres_run(postgres, "BEGIN");
    /* the one who waited finds it done; the number is ours alone ("sostenut") */
    error =
        error ? error : postgres_run(postgres, "SELECT pg_advisory_xact_lock(8317410970862156148)");
    error = error ? error : version_of(postgres, &version);
    error = error ? error : take_steps(postgres, version);
    error = error ? error : postgres_run(postgres, "COMMIT");
    if (error == DATABASE_REFUSED)
        postgres_drop(postgres); /* with its transaction */
    return error;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include "state/database_postgres.h"

#include <libpq-fe.h>

/*
 * postgres: one connection to PostgreSQL on which nothing waits longer than its deadline.
 *
 * libpq reads the URL, finds passwords (PGPASSFILE, ~/.pgpass, sslmode and the rest of its
 * variables) and speaks TLS.  Statements take and give binary values: 8-byte integers (BIGINT) and
 * bytes (BYTEA), alone or in arrays.  After DATABASE_SLOW or DATABASE_UNREACHABLE the connection is
 * closed; postgres_revive() makes another.  Internal to state/database_postgres*.
 */
enum {
    POSTGRES_MAX_PARAMETERS = 10,
    POSTGRES_MAX_STATEMENTS = 16,
};

struct postgres {
    char *url;
    struct database_bounds bounds;
    unsigned first_host; /* with which the next connection begins (postgres_hosts.h) */
    PGconn *connection;  /* NULL: closed */
    char words[240];     /* what the server or libpq said last, one line */
};

/* Does not connect.  The URL is copied. */
void postgres_init(struct postgres *postgres, const char *url,
                   const struct database_bounds *bounds);
void postgres_release(struct postgres *postgres);
/* 0 at once when connected.  A new connection runs `setup` (may be NULL) first. */
int postgres_revive(struct postgres *postgres, const char *setup) MUST_USE;
void postgres_drop(struct postgres *postgres);

struct postgres_value {
    Oid type;
    struct text bytes; /* binary form */
};
enum {
    POSTGRES_INTEGER = 20,
    POSTGRES_BYTES = 17,
    POSTGRES_INTEGERS = 1016,
    POSTGRES_BYTES_ARRAY = 1001
};

struct postgres_statement {
    const char *sql; /* one statement */
    struct postgres_value values[POSTGRES_MAX_PARAMETERS];
    int count;
};

/* Runs one; *ret is the caller's to PQclear(), NULL on failure. */
int postgres_ask(struct postgres *postgres, const struct postgres_statement *statement,
                 PGresult **ret) MUST_USE;
/* Without parameters, result thrown away. */
int postgres_run(struct postgres *postgres, const char *sql) MUST_USE;
/* Runs all as one transaction in one round trip.  ret_results[i], where not NULL, is the i-th
 * statement's result. Any failure: nothing was done (or, when the connection broke, nobody knows).
 */
int postgres_transact(struct postgres *postgres, const struct postgres_statement *statements,
                      size_t count, PGresult **ret_results) MUST_USE;
/* Waits for a notification, at most until `wake_fd` is readable or the time is over; takes all
 * there are. */
int postgres_listen(struct postgres *postgres, int wake_fd, int64_t wait_ms,
                    bool *ret_is_notified) MUST_USE;

/* An integer as PostgreSQL's eight bytes; the storage is the caller's. */
struct postgres_value postgres_integer(uint64_t *storage, uint64_t value);
struct postgres_value postgres_bytes(struct text bytes);
/* A column of a row; zero or empty when NULL or of another size. */
uint64_t postgres_get_integer(const PGresult *result, int row, int column);
struct text postgres_get_bytes(const PGresult *result, int row, int column);

/* "host/name" of a URL, for logs: never the password. */
void postgres_place(const char *url, char *ret, size_t capacity);
/* Whether the URL itself carries a password. */
bool postgres_has_password(const char *url);

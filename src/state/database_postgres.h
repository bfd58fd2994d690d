// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/database.h"

/* How long anything may take; 0 is the default. */
struct database_bounds {
    int64_t connect_ms, answer_ms;
};
enum { DATABASE_CONNECT_MS = 5000, DATABASE_ANSWER_MS = 10000 };

/*
 * database_postgres: what only the state of record of several origins can do.
 *
 * Every transaction that writes takes the next *change number* under a row lock, and marks the rows
 * it touches with it; so numbers become visible in their order, and "what is greater than my
 * number" is all that an origin has missed, whoever wrote it and however long it was away.
 *
 * Nothing here waits longer than connect_ms + answer_ms; a broken connection is
 * made anew by the next call.  Results are 0 or an enum database_result.
 */
struct database_record {
    struct uid id;   /* drawn when the schema was made or cleared: which record this is */
    uint64_t number; /* of the last change */
    uint64_t epoch;
};
int database_record(struct database *database, struct database_record *ret) MUST_USE;

/* Remembers `check` (a hash of the keys that seal the secrets within) when it is the first; false
 * when another is remembered: origins on one record need the same keys. */
int database_check_keys(struct database *database, struct text check, bool *ret_is_same) MUST_USE;

/* What was applied of a journal; 0 when it is unknown. */
int database_mark_of(struct database *database, struct uid journal, uint64_t *ret_lsn) MUST_USE;
/* As database_write(); `ret_number` is the number of this change, whose rows all carry it. */
int database_push(struct database *database, const struct effects *effects, struct uid journal,
                  uint64_t *ret_number) MUST_USE;

/* Everything with a number greater than `after` as of one moment, as database_load() but without
 * counts: they follow from the plays.  *ret_number is then what was reached. */
int database_changes(struct database *database, uint64_t after, const struct database_sink *sink,
                     uint64_t *ret_number) MUST_USE;

/* Whether `account` may have this name (folded to lower case), asked before anybody is told so.  A
 * claim that no account came of is free again after a minute. */
int database_claim_name(struct database *database, struct text folded, struct uid account,
                        bool *ret_is_ours) MUST_USE;

/* Waits for word of a change, at most `wait_ms`, or until wake_fd is readable. */
int database_await_change(struct database *database, int wake_fd, int64_t wait_ms,
                          bool *ret_is_changed) MUST_USE;

/* A database that connects when it is first used; database_open() waits for it. */
struct database *database_postgres_new(const char *url,
                                       const struct database_bounds *bounds) MUST_USE;

/* What the server or libpq said last; "" when all is well. */
const char *database_detail(const struct database *database);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/database.h"
#include "store/journal.h"

/*
 * record: the thread between an origin and the state of record that it shares with others
 * (--database postgresql://…).
 *
 *   journal ─tail─▶ push ─▶ PostgreSQL ─changes─▶ learn, on the loop ─▶ memory, state.db
 *
 * Whatever is acknowledged here is in the journal; this thread passes it on, in its own time, and
 * the journal keeps it until it has arrived.  What others wrote comes back by number, is merged
 * like any delivery, and is written to state.db with the number reached: so state.db is a replica
 * of the record from which the origin starts and serves when there is no record.  While PostgreSQL
 * is down or does not answer, nothing waits for it but this thread and the naming of accounts, and
 * nothing grows but the journal, which has its limit.  PostgreSQL knows per device what it has of
 * its journal, so nothing is pushed twice with effect; an answer that was lost is asked for again.
 */
struct record;
struct loop;

/* What came, to be merged on the loop; borrowed.  False: not now, it comes again. */
typedef bool record_learn(void *context, const struct effects *learnt);

enum { RECORD_MAX_NAMES = 256 };

struct record_config {
    struct journal *journal;
    struct loop *loop;
    const struct logger *logger;
    struct uid device; /* of this journal; what has arrived is remembered under it */
    struct uid id;     /* the record that state.db follows; another one is refused */
    uint64_t cursor;   /* its number up to which state.db has it */
    size_t max_names;  /* claims that wait for an answer; 0: RECORD_MAX_NAMES */
    record_learn *learn;
    void *context;
};

/* Takes the database over, connected or not.  The journal must be held (journal_hold) at 0. */
struct record *record_start(struct database *database, const struct record_config *config) MUST_USE;
/* Ends the thread, within the deadlines of database_postgres.h; what did not arrive is in the
 * journal. */
void record_stop(struct record **record);
/* Something is in the journal. */
void record_wake(struct record *record);

struct record_status {
    int error; /* 0, or a result code while there is no talking to it */
    uint64_t pushed_lsn, cursor;
};
struct record_status record_status(struct record *record); /* from any thread */

/*
 * Asks for a name before an account is told that it has it.  `done` is called once, on the loop, in
 * time of the deadlines: error 0 and whose it is, or a result code.  The claim is the caller's
 * until then.
 */
struct record_claim {
    struct text folded;
    struct uid account;
    void (*done)(struct record_claim *claim);
    int error;
    bool is_ours;
    struct record_claim *_next;
    struct record *_record;
};
void record_claim(struct record *record, struct record_claim *claim);

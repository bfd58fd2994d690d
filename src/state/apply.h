// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include "state/database.h"
#include "store/journal.h"

/*
 * apply: the thread that carries effects from memory into the database, then lets the journal
 * forget them.
 *
 * The loop fills one set of effects under the lock while the thread writes the other: what
 * gathers during a transaction is the next transaction.  While the database fails the thread
 * tries again each second and what gathers is bounded: apply_has_room() turns false and new
 * operations are refused, reads go on.
 */
struct apply;

/* Borrows database, journal and logger until apply_stop(); takes over `pending` (from replay; may
 * be NULL). */
struct apply *apply_start(struct database *database, struct journal *journal, struct uid journal_id,
                          const struct logger *logger, struct effects *pending) MUST_USE;
/* Writes what is left, trying once more if the database fails: the journal still has it. */
void apply_stop(struct apply **apply);

/* The effects to add to, locked until apply_end(), which says up to which LSN they reach. */
struct effects *apply_begin(struct apply *apply);
void apply_end(struct apply *apply, uint64_t lsn);
bool apply_has_room(struct apply *apply, size_t operation_bytes);

struct apply_status {
    uint64_t applied_lsn;
    int error; /* an SQLite result code while it fails */
};
struct apply_status apply_status(struct apply *apply);

/* Runs `work` on the thread once everything that was there before is in the database (or has failed
 * to be). */
struct apply_job {
    void (*work)(struct apply_job *job, struct database *database, int database_error);
    struct apply_job *_next;
};
void apply_run(struct apply *apply, struct apply_job *job);

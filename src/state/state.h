// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include "state/accounts.h"
#include "state/batch.h"
#include "state/listener.h"
#include "state/playlists.h"

/*
 * state: accounts and what listeners do, in memory, durable through the journal, kept in a
 * database.
 *
 * One write path: batch_submit() → journal (group commit, fdatasync) → merge into memory → the
 * batch's callback; later the apply thread writes what changed to the database, in one
 * transaction with the mark "applied up to here", and the journal is trimmed.  A crash anywhere
 * loses nothing acknowledged and doubles nothing.  With a database of record (config.database) the
 * same journal is also passed on to PostgreSQL, and what other origins wrote there is merged in
 * (record.h). Owned by one loop: every function here is
 * called on its thread, unless it says otherwise. While the disk or the database fails, reads go
 * on; writes are answered OUTCOME_FULL or OUTCOME_FAILED.
 */
struct state;
struct loop;
struct keys;
struct disk;

/* Of a node that forwards what it accepts to an origin (state/arrival.h), as it was left. */
struct state_forwarded {
    struct uid journal;     /* whose LSN it is; another one: nothing has been forwarded */
    uint64_t lsn;           /* all up to here has arrived */
    int64_t max_waiting_ms; /* new operations are refused while one waits for longer; 0: never */
};

struct state_config {
    const char *folder; /* STATE: holds state.db and journal/; must exist */
    const struct keys *keys;
    struct loop *loop;
    const struct logger *logger; /* of the apply thread and of damage found; may be NULL */
    const char *database; /* NULL or "": state.db alone; postgresql://…: the record it follows */
    struct state_record_bounds {
        int64_t connect_ms, answer_ms; /* 0: those of database_postgres.h */
        size_t max_names;              /* accounts that wait for a name; 0: record.h's */
    } record_bounds;
    const struct state_forwarded *forwarded; /* NULL: this node forwards nothing */
    /* NULL, or of an origin that may have to forward after all (sostenuto demote): what is behind
     * it stays in the journal, until that holds more than half of what it may. */
    const struct state_forwarded *kept;
    bool kept_for_offers; /* it cannot have to: no longer than until the last offer (offer.h) */
    uint64_t max_journal_bytes; /* 0: 1 GiB */
    int64_t now_ms;             /* Unix time */
    const struct disk *disk;    /* NULL: the real one; tests give a failing one */
};

struct state_error {
    char words[400]; /* what is wrong, where, and what to do */
};

/* Loads the database, replays the journal behind its mark.  Blocks.  0, or -errno with *ret_error
 * filled. */
int state_open(const struct state_config *config, struct state **ret,
               struct state_error *ret_error) MUST_USE;
/* Waits until everything is in the database.  Batches under way must have been answered before. */
void state_close(struct state **state);
/* True when nothing is under way: every batch and backup has been told to its owner. */
bool state_is_idle(const struct state *state);

struct state_health {
    int journal_error;  /* 0 or the -errno of the last batch that was not taken */
    int database_error; /* 0 or an SQLite result code, while applying fails */
    int record_error;   /* 0 or an enum database_result, while the state of record is away */
    bool has_record;
    uint64_t pushed_lsn; /* what it has of our journal */
    uint64_t durable_lsn, applied_lsn, journal_bytes;
    uint64_t
        damaged_records; /* found when the journal was opened; quarantined under journal/damaged */
    struct uid device;
    uint64_t epoch;
};
struct state_health state_health(const struct state *state);
/* From now on every write is answered OUTCOME_FULL: another node is the record's owner. */
void state_give_way(struct state *state);
/* The last operation that is in memory and was told to state_on_change(); on the loop. */
uint64_t state_merged_lsn(const struct state *state);

/*
 * For who was told of changes up to `lsn` by a process before: calls `each` for the account of
 * every operation behind it that the start found in the journal (one may come several times).
 * False: some are not known any more, since they were in the database already, or were too many.
 */
typedef void state_replayed(void *context, struct uid account);
bool state_replayed_since(const struct state *state, uint64_t lsn, state_replayed *each,
                          void *context) MUST_USE;

/*
 * Called on the loop when the state of an account changed in memory, with a number that grows: for
 * "state" events.  It comes from within the merging, with locks held: take note, ask nothing but
 * state_merged_lsn(), and act in a later turn.
 */
typedef void state_changed(void *context, struct uid account, uint64_t version);
/* In the same way, when state_merged_lsn() is another: all accounts up to there were told of, and
 * nothing of it is in the database yet.  Who writes down here how far he was told loses nothing by
 * a crash.  May be NULL. */
typedef void state_merged(void *context, uint64_t lsn);
void state_on_change(struct state *state, state_changed *changed, state_merged *merged,
                     void *context);

/*
 * Writes a consistent copy (database and keys) to `path`, which must not exist; mode 0600.  Runs
 * on the apply thread, then `done` on the loop.  The file is as secret as the state folder.
 */
typedef void state_backup_done(void *context, int error, const char *why);
void state_backup(struct state *state, const char *path, state_backup_done *done, void *context);

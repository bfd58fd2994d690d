// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/apply.h"
#include "state/frozen.h"
#include "state/model.h"
#include "state/record.h"
#include "state/state.h"
#include "state/uncounted.h"

/* state_internal: what a state is made of, for state.c, submit.c and batch*.c alone. */
enum { NOW_PLAYING_MAX = 256, NOW_PLAYING_CLIENT_BYTES = 64 };

struct state {
    const struct keys *keys;
    struct loop *loop;
    const struct logger *logger;
    char *folder;
    struct model model;
    struct clock clock;
    struct database *database;
    struct journal *journal;
    struct apply *apply;
    struct record *record; /* NULL: none */
    struct uid device, journal_id;
    uint64_t next_seq; /* of our own device */
    uint64_t epoch, damaged_records;
    uint64_t merged_lsn;
    struct replayed *replayed; /* state_replayed_since() */
    bool gave_way;             /* state_give_way() */
    uint64_t kept_lsn;         /* state_config.kept: what is behind it was not the lost origin's */
    bool kept_for_offers;      /* as configured */
    uint64_t keeps_bytes; /* state_config.kept: until the journal is greater; 0: nothing is kept */
    int64_t stamp_ms;     /* the last that a copy or a receipt was given */
    size_t in_flight;     /* batches whose callback is still to come */
    bool is_closed;       /* the last batch in flight frees it */

    bool forwards;               /* arrival.h; what follows is of such a node */
    struct uncounted *uncounted; /* of an origin: while it expects offers (offer.h) */
    struct frozen *frozen;       /* while this node makes offers; NULL: it cannot tell */
    int64_t waiting_since_ms, max_waiting_ms;
    void (*grown)(void *context);
    void *grown_context;

    state_changed *changed;
    state_merged *merged;
    void *changed_context;
    uint64_t version;

    struct playing {
        struct now_playing now;
        char client[NOW_PLAYING_CLIENT_BYTES];
    } playing[NOW_PLAYING_MAX];
    size_t playing_count;
};

const struct keys *state_keys(const struct state *state);
/* An account's state changed: tells whoever wants to know. */
void state_touch(struct state *state, struct uid account);
void state_set_merged(struct state *state, uint64_t lsn);
/* Takes one durable operation, live or from the journal at the start; the same rules for both. */
enum outcome state_take(struct state *state, const struct operation *operation,
                        struct effects *effects, const char **ret_why);
/* Lets the journal go when what is kept in it (state_config.kept) has become too much. */
void state_keep_within(struct state *state);
void state_keep_no_more(struct state *state);
/* arrival.c: counts what the journal holds and the origin does not; and a play that was just merged
 * (model.changes has it). */
int arrival_open(struct state *state, const struct state_forwarded *forwarded) MUST_USE;
void arrival_note_play(struct state *state, const struct operation *operation);
/* The count of plays is about to be what an origin says now. */
void arrival_freeze(struct state *state, struct uid account, struct subject subject);
/* Something that was posted has run; frees a closed state after the last. */
void state_landed(struct state *state);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "state/batch.h"
#include "store/journal.h"

/*
 * batch_internal: what a batch is made of, for batch*.c and submit.c alone.
 *
 *   building: items gather, texts in the arena           batch.c, batch_json.c
 *   submitting: each item is judged; what may go on is encoded into records and appended   submit.c
 *   durable: merged in order, outcomes told, freed        submit.c
 */
struct batch_item {
    struct operation operation; /* texts in the arena */
    bool is_ours;    /* born here: gets our device, seq and clock (unless derived) when submitted */
    bool is_derived; /* has a derived id */
    bool is_from_player; /* from POST /ops: fewer kinds */
    bool is_forwarded;   /* accepted by another node, which stamped it */
    bool is_sent;        /* has a record in the journal entry */
};

struct batch {
    struct state *state;
    struct batch_author author; /* client in the arena */
    struct uid account;         /* whose the next operations are */
    struct arena *arena;
    struct batch_item *items;
    struct batch_outcome *outcomes; /* side by side with items */
    size_t count, capacity;
    bool is_all_or_none;
    struct buffer payload; /* scratch for builders */

    struct buffer encoded;
    struct text *records;
    size_t *record_ends;
    struct journal_entry entry;
    batch_done *done;
    void *context;
};

/* The next item, or NULL when the batch is full; its outcome starts as ACCEPTED. */
struct batch_item *batch_add(struct batch *batch);
void batch_refuse(struct batch *batch, size_t item, enum outcome outcome, const char *why);

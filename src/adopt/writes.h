// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "adopt/book.h"

/*
 * writes: what listeners changed and the foreign server has not been told of yet: kept durably
 * before it is acknowledged, told in the order of their numbers (replay.h).
 *
 *     accepted ─▶ WRITE_WAITS ─▶ WRITE_SENDING, with a note of what was there before ─▶ WRITE_TOLD
 *                      ▲               │ no answer, or we died: asked first           │
 *                      └───────────────┘ what has come of it              gone, in one transaction
 *                                                                with the lists that show it
 *
 * A refused one is gone at once.
 *
 * A playlist that is made gets an id of ours until the server gives it one; playlist_id keeps the
 * pair for apps that remember ours.
 */
enum write_state { WRITE_WAITS, WRITE_SENDING, WRITE_TOLD };

struct write_wish {
    struct text endpoint, listener;
    json_t *parameters;     /* {name: [value …]}; borrowed, and completed */
    struct text credential; /* sealed */
    int64_t at_ms;
    int64_t most; /* how many may wait; of one listener half of what the others leave */
};

enum write_end {
    WRITE_TAKEN,
    WRITE_FULL,    /* too many wait, of all or of this listener */
    WRITE_MISSING, /* it names what is not there, or nothing */
    WRITE_FAILED,  /* the database */
};
/* Durable when it returns WRITE_TAKEN, with its number. */
enum write_end writes_take(struct book *book, const struct write_wish *wish,
                           int64_t *ret_number) MUST_USE;
bool writes_know(struct text endpoint) MUST_USE;

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/copy.h"
#include "state/outcome.h"

/*
 * arrival: at a node that forwards (state_config.forwarded), what became of its operations when
 * they arrived at the origin.
 *
 * The journal keeps what has not arrived; who reads it behind its writer (store/journal_tail.h)
 * passes it on, hears the origin's word, and tells it here before he lets go of it.
 */
struct state;
struct journal;

struct state_outbox {
    struct journal *journal;
    struct uid journal_id, device;
};
struct state_outbox state_outbox(const struct state *state);
/* Called on the loop when something was journalled. */
void state_on_journalled(struct state *state, void (*grown)(void *context), void *context);

struct arrival {
    struct text operation; /* as bytes */
    enum outcome outcome;  /* ACCEPTED, DUPLICATE, CONFLICT; anything else: never */
};
/*
 * Merges what the origin said: `at_ms` is its clock, `lsn` of the last of them.  What was a
 * conflict there gets another id, the same however often, and is journalled anew.  `done` on the
 * loop, once all of that is durable (true) or could not be made so: it shall be told again then.
 */
void state_arrived(struct state *state, const struct arrival *arrivals, size_t count, uint64_t lsn,
                   int64_t at_ms, state_applied *done, void *context);

/* The oldest operation that has not arrived was accepted then, or a little later; 0: all have. */
int64_t state_waiting_since_ms(const struct state *state);

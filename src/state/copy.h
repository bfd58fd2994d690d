// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "trust/signed.h"
#include "trust/uid.h"

/*
 * copy: one account's state as another node may hold it (docs/formats/listeners.md): an export
 * (state-export.md) with rows of that account alone, cells and counts.
 *
 * What opens anything is left out or made useless elsewhere: hashes of passwords and passkeys are
 * not in it, app secrets are not sealed in it and are found by secret_hash() instead of this node's
 * keyed index, and what renews a session without the browser's key is blanked.  Merging is as of
 * any delivery, so a copy may come any number of times, late, or from another node, and never
 * undoes what is newer here.
 */
struct state;

/*
 * What copies and receipts of this node are stamped with, so that whoever holds both can tell
 * whether a copy has what a receipt was about: the clock, but it never goes back while the process
 * lives.  A receipt is later than every copy that was made before it, and earlier than or as late
 * as every copy after it.
 */
int64_t state_copy_stamp(struct state *state);
int64_t state_receipt_stamp(struct state *state);

/* Appends the export.  An account that is gone, or was never here, has a copy too. */
void state_copy_write(const struct state *state, struct uid account, int64_t now_ms,
                      struct buffer *out);
/*
 * The same for an edge at which this listener signs in while there is no origin: behind the box, to
 * its key, that holds what is left out of other copies: hashes of password and cookies, passkeys,
 * app secrets.
 */
void state_copy_write_boxed(const struct state *state, struct uid account,
                            const uint8_t node_key[SIGNED_PUBLIC_BYTES], int64_t now_ms,
                            struct buffer *out);

enum state_copy {
    STATE_COPY_LEARNT,
    STATE_COPY_BAD,  /* not such a copy; *ret_why says so, and nothing was learnt */
    STATE_COPY_FULL, /* the database is behind: later */
};
/*
 * Merges a copy of that account into memory, and soon into state.db.  `seed` opens its box; app
 * secrets are then sealed by this node's own keys.  A copy without one says that this node is not,
 * or no longer, where they sign in: what boxes brought before is forgotten.  Without `seed` (NULL)
 * nothing is opened and nothing forgotten.
 */
enum state_copy state_copy_learn(struct state *state, struct uid account, struct text bytes,
                                 const uint8_t *seed, const char **ret_why) MUST_USE;

/* Calls `done` on the loop once everything that was learnt before is in state.db, or could not be
 * written. */
typedef void state_applied(void *context, bool is_durable);
void state_when_applied(struct state *state, state_applied *done, void *context);

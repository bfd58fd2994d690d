// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/state.h"

/*
 * replayed: whose operations the journal held when it was opened, in order.  What somebody kept
 * beside the state may be older than they are.
 *
 * Consecutive operations of one account are one; beyond REPLAYED_MAX nothing is known.
 */
enum { REPLAYED_MAX = 1 << 14 };

struct replayed;

/* `from_lsn`: what came up to it was not replayed, and is not known. */
struct replayed *replayed_new(uint64_t from_lsn) MUST_USE;
void replayed_free(struct replayed **replayed); /* accepts NULL inside */
void replayed_note(struct replayed *replayed, uint64_t lsn, struct uid account); /* `lsn` grows */
/* Calls `each` for those after `lsn`, some of them more than once.  False: that is not known. */
bool replayed_since(const struct replayed *replayed, uint64_t lsn, state_replayed *each,
                    void *context) MUST_USE;

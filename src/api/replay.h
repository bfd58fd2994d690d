// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/hash.h"
#include "trust/uid.h"

/*
 * replay: what may be used once: proofs of a browser's key, challenges of passkeys.  Told only when
 * everything else about them was right, so a flood of wrong ones fills nothing.
 *
 * A table of fixed size that never forgets one before its time: when a set is full of what could
 * still be used, the answer is REPLAY_FULL.  One account holds at most its share of the table, so
 * that a listener who renews without end is refused (REPLAY_CROWDED) and nobody else is.
 */
struct replay;

enum { REPLAY_ID_BYTES = 32, REPLAY_PLACES = 8192 };
enum replay_verdict { REPLAY_FIRST, REPLAY_AGAIN, REPLAY_CROWDED, REPLAY_FULL };

struct replay *replay_new(struct hash_key key, size_t max_per_account) MUST_USE;
void replay_free(struct replay **replay);
/* FIRST: it is taken note of until then.  Looks through the whole table: some microseconds. */
enum replay_verdict replay_use(struct replay *replay, const uint8_t id[REPLAY_ID_BYTES],
                               struct uid account, int64_t now_s, int64_t until_s) MUST_USE;

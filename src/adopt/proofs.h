// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "adopt/credentials.h"

/*
 * proofs: which credentials were proven lately, by the foreign server or by a verifier, as keyed
 * hashes in memory.  Bounded: when it is full all is forgotten, and proven again.  One thread.
 */
struct proofs;
enum { PROOFS_MAX = 10000 };

struct proof {
    int64_t proven_ms;    /* by whoever */
    int64_t refreshed_ms; /* the listener's lists were asked for with it */
    bool is_kept;         /* a verifier was made of it */
    bool is_whole;        /* refresh.h */
};

struct proofs *proofs_new(void) MUST_USE;
void proofs_free(struct proofs **proofs);
struct proof *proofs_find(struct proofs *proofs, const struct credentials_digest *digest);
struct proof *proofs_note(struct proofs *proofs, const struct credentials_digest *digest,
                          int64_t now_ms);
void proofs_forget(struct proofs *proofs, const struct credentials_digest *digest);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/open_files.h"
#include "base/hash.h"
#include "trust/grant.h"
#include "trust/uid.h"

#include <stdatomic.h>

/*
 * hot: what the handlers of /m and /art remember on one loop, so that a hot object needs no other
 * loop, no lock and no look-up on disk: proven grants, the catalogue's snapshot, open files.
 *
 * Accounts and sessions belong to the home loop.  What it found out about a grant is learnt here
 * with the account's mark (state/accounts.h) and believed while that has not moved, so a session
 * that ended, or an account that lost a library, is noticed by the next request on every loop.
 */
struct hot;
struct catalog;

enum { HOT_PROOFS = 1024, HOT_USER_BYTES = 64 };

struct hot_proof {
    char grant[GRANT_TEXT_BYTES];
    struct hot_user {
        char name[HOT_USER_BYTES];
        size_t size;
    } user;
    struct uid account, right;        /* whose answers, and by which session or app */
    uint64_t libraries;               /* that grant and account both allow */
    uint8_t track[GRANT_TRACK_BYTES]; /* zero: any, and artwork (trust/grant.h) */
    int64_t until_ms;                 /* of grant and session, what ends first */
    const atomic_uint *mark;          /* NULL: an empty place */
    unsigned mark_value;              /* read before the account was looked at */
};

struct server_limits;
struct hot *hot_new(struct loop *loop, struct hash_key seed,
                    const struct server_limits *limits) MUST_USE;
void hot_free(struct hot **hot); /* on its loop */

/* NULL when the home loop must be asked.  Borrowed until the next hot_learn(). */
const struct hot_proof *hot_recall(const struct hot *hot, struct text grant, int64_t now_ms);
void hot_learn(struct hot *hot, const struct hot_proof *proof);
void hot_forget_proofs(struct hot *hot);
/* What the proof allows: this track; or anything but one track, artwork too. */
bool hot_proof_opens(const struct hot_proof *proof, const uint8_t track[GRANT_TRACK_BYTES]);
bool hot_proof_opens_art(const struct hot_proof *proof);

void hot_take_catalog(struct hot *hot, struct catalog *catalog); /* takes over the reference */
const struct catalog *hot_catalog(const struct hot *hot);
struct open_files *hot_files(struct hot *hot);

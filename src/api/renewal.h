// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "trust/dpop.h"
#include "trust/uid.h"

/*
 * renewal: the proof that a visitor was at an edge while the origin was away, by the key of their
 * browser: the DPoP proof (RFC 9449) by which their session was renewed there
 * (docs/decisions/047-visitors-on-an-island.md; docs/formats/operations.md, "Proofs").
 *
 *      1  'D'
 *     16  the session
 *      2  n, size of the proof; u16
 *      n  the proof: POST of the renewal, with a nonce that names the edge
 *         the last access token of the session that another node signed; may be missing when the
 *         origin opened the session
 *
 * Judged alike by the edge that keeps it, before it relies on it, and by the origin.  What is
 * signed by the browser is whose key, at which edge, and when by the browser's clock; whose key
 * that is, the session says where it is known, else the token.
 */
struct api;

enum { PROOF_RENEWAL = 'D', RENEWAL_HEAD_BYTES = 1 + UID_BYTES + 2 };
#define RENEWAL_PATH "/api/v1/session/refresh"
#define RENEWAL_HOLDS_S 3600LL /* an operation was accepted at most so long before or after */

struct renewal {
    struct uid session, account;
    int64_t issued_s;  /* by the browser's clock */
    struct text token; /* borrowed of the proof; may be empty */
};

/* Nothing is written that would be longer than an operation's proof may be. */
void renewal_write(struct uid session, struct text dpop, struct text token, struct buffer *out);
/* The proof that was read last, for many operations by one renewal: starts as zeros, borrows. */
struct renewal_memo {
    struct text dpop;
    struct dpop_witness witness;
};
/*
 * Whether `proof` shows that this session was renewed at `edge`, for what was accepted there at
 * `accepted_ms` by the edge's clock.  Not when the session had ended by then, and not by the word
 * of the edge itself: a token that it signed is none.  `memo` may be NULL.
 */
bool renewal_read(const struct api *api, struct text proof, struct uid edge, int64_t accepted_ms,
                  struct renewal_memo *memo, struct renewal *ret) MUST_USE;

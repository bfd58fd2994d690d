// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "trust/uid.h"

/*
 * refresh: the secret in the refresh cookie that renews a session; each use replaces it (rotation).
 *
 * Cookie text: session id (22 characters), ".", 32 random bytes (43 characters), all base64url.
 * State keeps only BLAKE2b hashes of the current and the previous secret.  The previous one is
 * still answered for a short grace (two tabs, a lost answer); after that its use means theft, and
 * the session is revoked.
 */
enum { REFRESH_TEXT_BYTES = 22 + 1 + 43, REFRESH_GRACE_MS = 60 * 1000 };
#define REFRESH_LIFE_MS (30LL * 24 * 60 * 60 * 1000)

struct refresh_hash {
    uint8_t bytes[32];
};
struct refresh {
    char text[REFRESH_TEXT_BYTES + 1]; /* for the cookie, NUL-terminated */
    struct refresh_hash hash;          /* for the state */
};

void refresh_generate(struct uid session, struct refresh *ret);
/* Splits a cookie; false when it is not of that form. */
bool refresh_parse(struct text cookie, struct uid *ret_session,
                   struct refresh_hash *ret_hash) MUST_USE;

enum refresh_verdict {
    REFRESH_GOOD,   /* rotate: make a new one, keep this as previous */
    REFRESH_GRACE,  /* the previous one, just replaced: answer with an access token, rotate nothing
                     */
    REFRESH_REUSED, /* an old one: revoke the session */
    REFRESH_EXPIRED,
};
/* Constant time in the hashes. */
enum refresh_verdict refresh_judge(const struct refresh_hash *presented,
                                   const struct refresh_hash *current,
                                   const struct refresh_hash *previous, int64_t rotated_ms,
                                   int64_t expires_ms, int64_t now_ms) MUST_USE;

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "trust/keys.h"
#include "trust/uid.h"

/*
 * token: the access token of a player session: a JWT (RFC 7519) signed with EdDSA (RFC 8037), 15
 * minutes.
 *
 * Only we issue and read it, so the header must be byte for byte ours (no algorithm to choose)
 * and the signature is checked before anything is parsed.  A good token says that the session was
 * alive when it was issued: the caller still asks state_session() whether it has been revoked
 * since.
 */
enum { TOKEN_LIFE_S = 15 * 60, TOKEN_MAX_BYTES = 512 };

struct token {
    struct uid session, account;
    int64_t issued_s, expires_s; /* Unix time */
};

enum token_verdict {
    TOKEN_GOOD,
    TOKEN_MALFORMED, /* not one of ours */
    TOKEN_FORGED,    /* the signature does not verify */
    TOKEN_EXPIRED,   /* or not yet valid by more than a minute */
};

void token_sign(const struct keys *keys, const struct token *token, struct buffer *out);
enum token_verdict token_verify(const struct keys *keys, struct text t, int64_t now_s,
                                struct token *ret) MUST_USE;

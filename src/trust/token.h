// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "trust/keyring.h"
#include "trust/uid.h"

/*
 * token: the access token of a player session: a JWT (RFC 7519) signed with EdDSA (RFC 8037), 15
 * minutes (docs/formats/tokens.md).
 *
 * Its header must be byte for byte ours but for the key's id (no algorithm to choose), and the
 * signature is checked before a claim is parsed.  A good token says that the session was alive when
 * it was issued: the caller still asks state_session() whether it has been revoked since.  Of a
 * session that is bound to a browser's key it names that key (cnf.jkt, RFC 9449 6.1): who renews it
 * must prove to hold the key, at any node.  Used, it is a bearer token.
 */
enum { TOKEN_LIFE_S = 15 * 60, TOKEN_MAX_BYTES = 640 };

/* Which browser key: SHA-256 of its canonical JWK (RFC 7638). */
struct key_thumb {
    uint8_t bytes[32];
};

struct token {
    struct uid session, account;
    int64_t issued_s, expires_s; /* Unix time */
    bool is_bound;
    struct key_thumb thumb; /* when bound */
    struct uid node;        /* the edge that signed it; none: the origin.  For whom an edge may
                               sign is the caller's to look at */
};

enum token_verdict {
    TOKEN_GOOD,
    TOKEN_MALFORMED, /* not one of ours */
    TOKEN_FORGED,    /* the signature does not verify, or by no key that we believe */
    TOKEN_EXPIRED,   /* or not yet valid by more than a minute */
};

/* Nothing is appended by a ring that cannot sign. */
void token_sign(const struct keyring *ring, const struct token *token, struct buffer *out);
/* As token_verify(), but an expired one is good too, for REFRESH_LIFE_MS (trust/refresh.h): with a
 * proof of its key it renews a session. */
enum token_verdict token_read(const struct keyring *ring, struct text t, int64_t now_s,
                              struct token *ret) MUST_USE;
enum token_verdict token_verify(const struct keyring *ring, struct text t, int64_t now_s,
                                struct token *ret) MUST_USE;

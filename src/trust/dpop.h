// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/nonce.h"
#include "trust/token.h"

/*
 * dpop: a browser's proof that it holds its key (RFC 9449): a JWS by ES256 that names its own key,
 * this request, and a moment or a nonce of ours.
 *
 * Pure but for the time.  Strict: one algorithm, one curve, no member in the key but what names it.
 * A good proof says which key made it, not whose it is: the caller compares `thumb`, and hands `id`
 * to api/replay.h.
 */
enum { DPOP_MAX_BYTES = 1024, DPOP_JTI_MIN_BYTES = 16, DPOP_JTI_MAX_BYTES = 64 };
#define DPOP_WINDOW_S 300LL /* how far iat may be from our clock, either way */
#define DPOP_PURPOSE "dpop"

/* The request that must have been meant. */
struct dpop_request {
    struct text method; /* "POST" */
    struct text host;   /* as in its Host field */
    struct text path;   /* without query */
    int64_t now_s;
};

struct dpop_proof {
    struct key_thumb thumb;
    uint8_t id[32]; /* SHA-256 over thumb and jti */
};

enum dpop_verdict {
    DPOP_GOOD,
    DPOP_MALFORMED,
    DPOP_FORGED,        /* the signature is not that of the key it names */
    DPOP_OTHER_REQUEST, /* htm or htu mean another request */
    DPOP_STALE,         /* iat is far from our clock and there is no good nonce: give one */
};
const char *dpop_verdict_words(enum dpop_verdict verdict); /* for a person */

enum dpop_verdict dpop_verify(const struct keys *keys, struct text proof,
                              const struct dpop_request *request, struct dpop_proof *ret) MUST_USE;

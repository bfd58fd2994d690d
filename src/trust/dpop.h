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
enum { DPOP_NONCE_BYTES = UID_TEXT_BYTES + 1 + NONCE_TEXT_BYTES };

/*
 * The nonce that a node gives (RFC 9449 8): of a node with an id "ID.NONCE", so that a proof says
 * by which node's nonce it was made, also to others (dpop_witness()); else "NONCE".
 */
struct dpop_nonce {
    char text[DPOP_NONCE_BYTES + 1]; /* NUL-terminated */
};
void dpop_nonce_make(const struct keys *keys, struct uid node, int64_t now_s,
                     struct dpop_nonce *ret);

/* The request that must have been meant. */
struct dpop_request {
    struct text method; /* "POST" */
    struct text host;   /* as in its Host field */
    struct text path;   /* without query */
    struct uid node;    /* whose nonces are good; none: of a node without an id */
    int64_t now_s;
};

struct dpop_proof {
    struct key_thumb thumb;
    uint8_t id[32];  /* SHA-256 over thumb and jti */
    bool names_node; /* it was made by a nonce that names request.node */
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

/* What a proof says to a node that it was not made for, at any later time. */
struct dpop_witness {
    struct key_thumb thumb;
    int64_t issued_s; /* by the browser's clock */
    struct uid node;  /* the node whose nonce it names; that the node gave it is the node's word */
};
/* False for a proof that is not signed by the key that it names, is of another method or path, or
 * names no node.  Host and time are not judged. */
bool dpop_witness(struct text proof, struct text method, struct text path,
                  struct dpop_witness *ret) MUST_USE;

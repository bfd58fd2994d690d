// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/delegation.h"

/*
 * edge_signed: was this said by an edge of ours that might say it?  The one place where an edge's
 * signature is judged (docs/formats/joining.md, "The delegation"):
 *
 *     /keys ── verifies ──▶ delegation ── names the key of ──▶ the edge ── signed ──▶ object
 *                            `may` holds what is asked for,     not in /revoked
 *                            and it held when the object was made
 *
 * The delegation comes along with the object, or from /nodes (trust/node_list.h).  One that has
 * ended meanwhile still speaks for what was signed while it held: an island's news arrives late.
 * What is revoked speaks for nothing, whenever it was signed.  Pure.
 */
enum edge_signed_verdict {
    EDGE_SIGNED_GOOD,
    EDGE_SIGNED_MALFORMED,     /* object or delegation */
    EDGE_SIGNED_UNKNOWN_KEY,   /* of the delegation: not in our /keys, which may be old */
    EDGE_SIGNED_FORGED,        /* a signature does not verify */
    EDGE_SIGNED_OTHER,         /* another edge's key, or another object than the one asked for */
    EDGE_SIGNED_NOT_DELEGATED, /* it may not say such things */
    EDGE_SIGNED_OUTSIDE,       /* made before the delegation began or after it ended */
    EDGE_SIGNED_REVOKED,
    EDGE_SIGNED_EARLY,   /* made in the future of this node's clock */
    EDGE_SIGNED_EXPIRED, /* the object itself is over; *ret is filled */
};
const char *edge_signed_words(enum edge_signed_verdict verdict); /* static, for a person */

struct edge_signed_rules {
    const struct keyring *ring; /* of /keys */
    uint32_t may;               /* enum delegated: all of these are wanted */
    int64_t now_s;
    /* By /revoked, or the origin's book. */
    bool (*is_revoked)(void *context, struct uid node);
    void *context;
};

/* A delegation alone, for what was made at `made_s` (a token's iat): everything but a signature by
 * the edge's key, which is the caller's to verify with ret_by->key. */
enum edge_signed_verdict edge_signed_may(const struct edge_signed_rules *rules,
                                         const struct delegation *by, int64_t made_s) MUST_USE;
/* `delegation`: the object /nodes/{id} whole.  On UNKNOWN_KEY … FORGED nothing is filled. */
enum edge_signed_verdict edge_signed_delegation(const struct edge_signed_rules *rules,
                                                struct text delegation, int64_t made_s,
                                                struct delegation *ret) MUST_USE;

/* The object, by an edge whose delegation was read or comes from a list that was verified.  `name`
 * empty: any.  *ret borrows from `object`. */
enum edge_signed_verdict edge_signed_open_by(const struct edge_signed_rules *rules,
                                             const struct delegation *by, struct text object,
                                             struct text name, struct signed_object *ret) MUST_USE;
/* Both as they came. */
enum edge_signed_verdict edge_signed_open(const struct edge_signed_rules *rules,
                                          struct text delegation, struct text object,
                                          struct text name, struct signed_object *ret,
                                          struct delegation *ret_by) MUST_USE;

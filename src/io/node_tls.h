// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * node_tls: mutual TLS 1.3 between the nodes of one service (docs/formats/joining.md).
 *
 * What is believed is one public key, the root's, by its SHA-256: each side shows its whole chain,
 *
 *     leaf (30 days, a node's own Ed25519 key) ◀─ authority ◀─ root, signed by itself
 *
 * and the other looks in it for a certificate of that very key, takes it for the only trusted one,
 * and has the chain verified as usual.  No file of authorities is needed, and a new authority needs
 * no news.  A client moreover wants the name of the role that it came for in the leaf, and either
 * side may ask `admits` whether a key that verifies is still welcome.
 *
 * One for both directions and all loops; it is locked for some ns.  Sessions are never resumed, so
 * that each connection is judged anew; a renewed certificate serves the next connection.
 */
struct node_tls;

enum { NODE_KEY_BYTES = 32, NODE_ROOT_DIGEST_BYTES = 32 };

/* On any thread: whether the node with this public key, whose certificate verifies, is welcome. */
typedef bool node_tls_admits_call(void *context, const uint8_t key[NODE_KEY_BYTES]);

struct node_tls_config {
    const uint8_t *root_digest;   /* NODE_ROOT_DIGEST_BYTES, SHA-256 of the root's public key */
    const char *expects;          /* the name in the leaf of whom we connect to: its role's */
    node_tls_admits_call *admits; /* NULL: everybody that verifies */
    void *context;
};

struct node_tls *node_tls_new(const struct node_tls_config *config) MUST_USE;
void node_tls_free(struct node_tls **tls); /* after the servers and clients that use it */

/*
 * What this node shows from now on: its chain in PEM, leaf first, and the leaf's secret key (the 32
 * bytes of RFC 8032).  Before the first of these a client shows nothing, and a server fails each
 * handshake.  False with words in `why`, changing nothing.
 */
bool node_tls_take(struct node_tls *tls, struct text chain_pem,
                   const uint8_t secret[NODE_KEY_BYTES], char *why, size_t why_size) MUST_USE;

/* Of a node that stayed connected: asked with each of its requests. */
bool node_tls_admits(const struct node_tls *tls, const uint8_t key[NODE_KEY_BYTES]);

/* Why the last handshake that we refused was; and forgets it. */
enum node_tls_problem {
    NODE_TLS_NO_PROBLEM,
    NODE_TLS_OTHER_ROOT, /* `root_digest` of what was shown instead, when there was one */
    NODE_TLS_EARLY,      /* valid only later: one of the clocks is wrong */
    NODE_TLS_EXPIRED,
    NODE_TLS_OTHER_ROLE, /* a node of ours, but not what we came for */
    NODE_TLS_UNWELCOME,  /* `admits` said no */
    NODE_TLS_BROKEN,     /* any other reason */
};
struct node_tls_refusal {
    enum node_tls_problem problem;
    uint8_t root_digest[NODE_ROOT_DIGEST_BYTES]; /* zero: no root was shown */
};
struct node_tls_refusal node_tls_take_refusal(struct node_tls *tls);

/* --- internal to io/ --- */
struct ssl_st;
struct ssl_st *node_tls_accept(struct node_tls *tls);
struct ssl_st *node_tls_connect(struct node_tls *tls);
/* The verified key of the other side; false when it showed none. */
bool node_tls_peer_key(const struct ssl_st *ssl, uint8_t ret[NODE_KEY_BYTES]) MUST_USE;

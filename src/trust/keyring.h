// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/keyring_content.h"
#include "trust/uid.h"

/*
 * keyring: the signing keys that the root key vouches for: what verifies every token, grant and
 * signed object, and, on a node that signs, its secrets.
 *
 * Immutable and counted: any thread may use one that it holds a reference to, without a lock.  A
 * rotation makes another ring (trust/keyfolder.h); what was signed before verifies with both.
 *
 * Its public form is the signed object /keys (docs/formats/keys.md), which a stranger verifies by
 * the root key's fingerprint alone.
 */
struct keyring;

enum { KEYRING_MAX_SECRETS = 4, KEYRING_MAX_NODES = 1024 };

/* The ring of a /keys object signed by `root`; NULL with the verdict, MALFORMED also for a body
 * that is not a list of keys.  An expired one is taken: its keys have times of their own. */
struct keyring *keyring_open(const uint8_t root[SIGNED_PUBLIC_BYTES], struct text object,
                             int64_t now_s, enum signed_verdict *ret) MUST_USE;
/* The same with secrets: seeds of keys that are in it; others are ignored. */
struct keyring *keyring_open_signing(const uint8_t root[SIGNED_PUBLIC_BYTES], struct text object,
                                     int64_t now_s, const uint8_t (*seeds)[KEYRING_SEED_BYTES],
                                     size_t seed_count, enum signed_verdict *ret) MUST_USE;
/* One signing key of its own root, in memory only: tests and fuzzers. */
struct keyring *keyring_ephemeral(int64_t now_s) MUST_USE;
struct keyring *keyring_ref(struct keyring *ring) MUST_USE; /* from any thread */
void keyring_unref(struct keyring **ring);                  /* accepts NULL */

const struct keyring_content *keyring_content(const struct keyring *ring);
struct text keyring_object(const struct keyring *ring); /* the bytes of /keys */

/*
 * Edges that were delegated sessions (trust/delegation.h) sign access tokens and grants, and
 * nothing else that a ring verifies.  Who is one now is known from the book of edges or from
 * /nodes and /revoked; a ring has those that it was given last.
 */
struct ring_node {
    struct uid id;     /* node_id_of(public_key) */
    struct key_id key; /* key_id_of(public_key) */
    uint8_t public_key[SIGNED_PUBLIC_BYTES];
};
void ring_node_init(struct ring_node *node, const uint8_t public_key[SIGNED_PUBLIC_BYTES]);
/* The same keys with these nodes in place of others (copied; those past KEYRING_MAX_NODES are left
 * out), and on an edge the seed of its own key, with which it signs tokens and grants; NULL: none.
 */
struct keyring *keyring_with_nodes(const struct keyring *ring, const struct ring_node *nodes,
                                   size_t count,
                                   const uint8_t own_seed[KEYRING_SEED_BYTES]) MUST_USE;
size_t keyring_node_count(const struct keyring *ring);
/* As keyring_verifying(), edges too; *ret_node says which, or is none for the origin's own. */
const uint8_t *keyring_verifying_session(const struct keyring *ring, struct key_id id,
                                         int64_t now_s, struct uid *ret_node);
/* As keyring_signing(), else the edge's own key. */
const uint8_t *keyring_signing_session(const struct keyring *ring, int64_t now_s,
                                       struct key_id *ret_id);

/* The public key that `id` names, while it may verify; NULL: unknown, revoked, or over.  A node's
 * own newest key has no end here: with its root key away it goes on with what it has. */
const uint8_t *keyring_verifying(const struct keyring *ring, struct key_id id, int64_t now_s);
/* What this node signs with now: the newest key in its time whose secret is here; NULL on a node
 * that cannot sign. */
const uint8_t *keyring_signing(const struct keyring *ring, int64_t now_s, struct key_id *ret_id);

/* Signs with that key; false on a node that cannot. */
bool keyring_seal(const struct keyring *ring, const struct signed_object *object, int64_t now_s,
                  struct buffer *out) MUST_USE;
/* signed_open() with the key that the object names. */
enum signed_verdict keyring_check(const struct keyring *ring, struct text bytes, struct text name,
                                  int64_t now_s, struct signed_object *ret) MUST_USE;

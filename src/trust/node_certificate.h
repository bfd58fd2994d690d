// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "trust/signed.h"
#include "trust/uid.h"

/*
 * node_certificate: the X.509 certificates (RFC 5280) by which nodes know each other
 * (docs/formats/joining.md):
 *
 *     root ── signs ──▶ authority ── signs ──▶ leaf of a node
 *     the root key's own, without end   5 years   30 days
 *
 * All keys are Ed25519 (RFC 8410).  The root's certificate carries the root key of trust/keyfolder
 * and nothing else of meaning: it is found and believed by the SHA-256 of that key.  A leaf names
 * its node's role and id; who it is for people stands in the list of nodes.
 *
 * Functions append PEM and return false when libcrypto failed.  Seeds are the 32 bytes of RFC 8032.
 */
enum { NODE_SEED_BYTES = 32, NODE_CHAIN_MAX_BYTES = 8 << 10 };
#define NODE_CERTIFICATE_LIFE_S (30LL * 24 * 60 * 60)
#define NODE_CERTIFICATE_RENEW_S (20LL * 24 * 60 * 60) /* after so much of it */
#define NODE_CERTIFICATE_EARLY_S (2LL * 60 * 60)       /* begins before it is made: clocks differ */
#define NODE_AUTHORITY_LIFE_S (5LL * 365 * 24 * 60 * 60)
#define NODE_AUTHORITY_RENEW_S (3LL * 365 * 24 * 60 * 60)

enum node_role { NODE_ORIGIN, NODE_EDGE };
/* Names in leaves, by which whoever connects wants to meet that role. */
#define NODE_ORIGIN_NAME "origin.sostenuto.internal"
#define NODE_EDGE_NAME "edge.sostenuto.internal"

/* A node's id: the first 16 bytes of SHA-256 of its public key. */
struct uid node_id_of(const uint8_t key[SIGNED_PUBLIC_BYTES]);
void node_key_of_seed(const uint8_t seed[NODE_SEED_BYTES], uint8_t ret[SIGNED_PUBLIC_BYTES]);

bool node_certificate_root(const uint8_t root_seed[NODE_SEED_BYTES], int64_t now_s,
                           struct buffer *out) MUST_USE;
/* Of the authority with the public key `key`; `root_pem` begins with the root's certificate. */
bool node_certificate_authority(const uint8_t root_seed[NODE_SEED_BYTES], struct text root_pem,
                                const uint8_t key[SIGNED_PUBLIC_BYTES], int64_t now_s,
                                struct buffer *out) MUST_USE;
/* A leaf alone; `authority_pem` begins with the authority's certificate. */
bool node_certificate_leaf(const uint8_t authority_seed[NODE_SEED_BYTES], struct text authority_pem,
                           enum node_role role, const uint8_t key[SIGNED_PUBLIC_BYTES],
                           int64_t now_s, struct buffer *out) MUST_USE;

/* Of the first certificate in `pem`; false when there is none that can be read. */
struct node_certificate_facts {
    int64_t from_s, until_s;
    uint8_t key[SIGNED_PUBLIC_BYTES];
};
bool node_certificate_read(struct text pem, struct node_certificate_facts *ret) MUST_USE;
/* Whether it is time for the next one. */
bool node_certificate_is_due(const struct node_certificate_facts *facts, int64_t now_s);

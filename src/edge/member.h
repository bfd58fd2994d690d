// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/node_tls.h"
#include "trust/joining.h"
#include "trust/key_file.h"

/*
 * member: who this edge is among the nodes of its origin's service (docs/formats/joining.md).
 *
 *   DIR/keys/node.key   32 bytes: seed of the edge's Ed25519 key, made here; it never leaves
 *   DIR/keys/joined     the newest answer of the origin, JSON: root key, /keys, delegation,
 *                       certificates, the origin's addresses for nodes
 *
 * What the folder holds is believed as of the day it was made: an edge that was off for a year
 * still knows its root key, and renews.  The origin need not be there.
 *
 *   struct member *member;                          member_open()
 *   client_new_between_nodes(loop, member_tls(m))   a client that shows and judges certificates
 *   client_origin_named(client, member_url(m, 0))   the origin
 *
 * On the home loop; member_tls() and rings are for any thread, and member_ring() too.
 */
struct member;

enum { MEMBER_URL_BYTES = 300 };

/* The edge's key, made when there is none, and the folder too.  0, or -errno with words. */
int member_prepare(const struct key_place *place, uint8_t ret_seed[NODE_SEED_BYTES],
                   struct keys_error *ret_error) MUST_USE;
/*
 * Verifies an answer to this edge's request by the root's digest, and keeps it; `address`, if any,
 * is the one that it came from, and is tried first from now on.  0, or -errno with words.
 */
int member_found(const struct key_place *place, const uint8_t root_digest[INVITATION_DIGEST_BYTES],
                 struct text answer, struct text address, int64_t now_s,
                 struct keys_error *ret_error) MUST_USE;
/* 0; -ENOENT without words: it has not joined; else -errno with words. */
int member_open(const struct key_place *place, struct member **ret,
                struct keys_error *ret_error) MUST_USE;
void member_close(struct member **member);

/* Takes the answer to a renewal over, on the disk and for the next connection.  0 or -errno. */
int member_renew(struct member *member, struct text answer, struct text address, int64_t now_s,
                 struct keys_error *ret_error) MUST_USE;
/* Whether it is time to ask for that. */
bool member_is_due(const struct member *member, int64_t now_s);
/* Whether it is late: no node talks to this one before it has another. */
bool member_is_over(const struct member *member, int64_t now_s);
/* The request for it, signed. */
void member_write_renewal(const struct member *member, const struct text *urls, size_t url_count,
                          int64_t now_s, struct buffer *out);

/* --- what it is --- */
const struct delegation *member_delegation(const struct member *member); /* id, name, key, may */
struct text member_delegation_object(const struct member *member);       /* to send along */
int64_t member_certificate_until_s(const struct member *member);
const uint8_t *member_root(const struct member *member); /* the root's public key */
/* The keys of /keys, as new as this edge has seen them; the caller's reference. */
struct keyring *member_ring(struct member *member) MUST_USE;
/* A /keys object that was fetched: taken when the root signed it and it is newer. */
enum signed_verdict member_take_keys(struct member *member, struct text object, int64_t now_s);
/* Signs an object with the edge's own key (trust/delegation.h says what it may). */
void member_sign(const struct member *member, const struct signed_object *object,
                 struct buffer *out);

/* The seed of its key, for what others verify or seal by that key (trust/keyring.h, trust/box.h);
 * as long as the member. */
const uint8_t *member_seed(const struct member *member);

/* --- the origin --- */
size_t member_url_count(const struct member *member);          /* at least 1 */
const char *member_url(const struct member *member, size_t i); /* "https://HOST:PORT" */
struct node_tls *member_tls(const struct member *member);      /* as long as the member */
/* The same without showing anything: a renewal proves itself by its signature, so that an edge
 * whose certificate has ended can still ask for one. */
struct node_tls *member_bare_tls(const struct member *member);

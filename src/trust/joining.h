// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/delegation.h"
#include "trust/invitation.h"
#include "trust/node_certificate.h"

/*
 * joining: what an edge asks its origin when it joins or renews its certificate, and the answer
 * (docs/formats/joining.md).  Pure.
 *
 *   POST /nodes/join    signed object of that name, by the edge's own key:
 *                       {"public", "secret", "urls"}
 *   POST /nodes/renew   the same without a secret: the key is known
 *   answer              JSON: {"name", "root", "keys", "delegation", "certificates", "addresses"}
 *
 * The signature proves that who asks has the key; the secret of the invitation that it may join.
 * Everything in the answer is verified by the root key's fingerprint alone.
 */
#define JOINING_JOIN "/nodes/join"
#define JOINING_RENEW "/nodes/renew"
/* How far the clocks of both may be apart. */
#define JOINING_SKEW_S (24LL * 60 * 60)

enum {
    JOINING_URLS_MAX = 16,
    JOINING_URL_MAX_BYTES = 255,
    JOINING_REQUEST_MAX_BYTES = 8 << 10,
    JOINING_ANSWER_MAX_BYTES = 64 << 10,
};

struct joining_request {
    uint8_t key[SIGNED_PUBLIC_BYTES];
    bool has_secret;
    uint8_t secret[INVITATION_SECRET_BYTES];
    size_t url_count; /* where listeners reach the edge; may be none */
    char urls[JOINING_URLS_MAX][JOINING_URL_MAX_BYTES + 1];
    int64_t issued_s;
};

/* Signed with the secret key of `seed`, whose public one is filled in.  JOIN with a secret, else
 * RENEW. */
void joining_request_write(const struct joining_request *request,
                           const uint8_t seed[NODE_SEED_BYTES], struct buffer *out);
/* `name`: which of the two.  False with static words in *ret_why for whoever asked. */
bool joining_request_read(struct text object, struct text name, int64_t now_s,
                          struct joining_request *ret, const char **ret_why) MUST_USE;

/* Texts are borrowed, when read from the arena. */
struct joining_answer {
    uint8_t root[SIGNED_PUBLIC_BYTES];
    struct text keys;         /* the object /keys */
    struct text delegation;   /* the object /nodes/{id} */
    struct text certificates; /* PEM: leaf, authority, root */
    struct text addresses;    /* "HOST:PORT", commas between: the origin's, for nodes */
};
void joining_answer_write(const struct joining_answer *answer, struct buffer *out);

struct arena;
/* The form alone. */
bool joining_answer_parse(struct text json, struct arena *arena,
                          struct joining_answer *ret) MUST_USE;
/*
 * That the root is the one of `root_digest`, vouches for the keys, that one of them signed the
 * delegation for `key`, and that the first certificate is of that key.  The chain itself is
 * verified by whoever it is shown to.  On success the ring is the caller's.  An expired delegation
 * is no fault; else static words in *ret_why.
 */
struct keyring *joining_answer_verify(const struct joining_answer *answer,
                                      const uint8_t root_digest[INVITATION_DIGEST_BYTES],
                                      const uint8_t key[SIGNED_PUBLIC_BYTES], int64_t now_s,
                                      struct delegation *ret, const char **ret_why) MUST_USE;

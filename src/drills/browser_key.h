// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "base/text.h"

/*
 * browser_key: the key of a virtual browser, and its proofs that it has it (DPoP, RFC 9449;
 * docs/formats/player-api.md): what renews a session at any node.  P-256, in memory only.
 */
struct browser_key;

enum { BROWSER_PROOF_BYTES = 1024 + 1, BROWSER_NONCE_BYTES = 80 };

struct browser_key *browser_key_new(void) MUST_USE; /* NULL when OpenSSL makes none */
void browser_key_free(struct browser_key **key);    /* accepts NULL inside */

/* A POST that is about to be sent. */
struct browser_post {
    const char *node, *path; /* "http://127.0.0.1:4747", "/api/v1/session" */
    const char *nonce;       /* that the node gave; empty: none yet */
    int64_t now_s;
};
/* The value of its DPoP field, good once; its size, 0 when there is none of less than `capacity`.
 */
size_t browser_key_prove(const struct browser_key *key, const struct browser_post *post, char *out,
                         size_t capacity) MUST_USE;

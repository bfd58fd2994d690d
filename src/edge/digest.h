// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/response.h"

/*
 * digest: whether a body is what its origin says it is (RFC 9530): Repr-Digest or Content-Digest,
 * sha-256 or sha-512; others are not looked at.  Only of whole representations (200).
 */
struct evp_md_ctx_st;

enum { DIGEST_BYTES_MAX = 64 };

struct digest {
    struct evp_md_ctx_st *state; /* NULL: nothing was stated that is understood */
    uint8_t stated[DIGEST_BYTES_MAX];
    uint8_t size;
};

void digest_begin(struct digest *digest, const struct http_response *response);
void digest_add(struct digest *digest, struct text piece);
/* False when it is another body than was stated. */
bool digest_end(struct digest *digest) MUST_USE;
void digest_release(struct digest *digest); /* an ended one too */

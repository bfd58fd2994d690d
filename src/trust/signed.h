// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

#include <stdint.h>

/*
 * signed: a small object that says who made it, which version it is and how long it holds, so that
 * any node may hold a copy and serve it (docs/formats/signed-objects.md):
 *
 *     sostenuto-signed: 1
 *     name: /nodes
 *     version: EPOCH.NUMBER
 *     issued: UNIX_S
 *     expires: UNIX_S
 *     digest: sha-256=:BASE64:          of the body, RFC 9530
 *     key: KEYID
 *     signature: BASE64URL              Ed25519 over "sostenuto object 1", NUL, every byte above
 *                                       this line
 *     (an empty line, then the body)
 *
 * Each line ends in LF; there is one spelling of each object, and anything else is malformed. Pure:
 * needs a public key and the time, nothing else.
 */
enum {
    KEY_ID_BYTES = 8,
    KEY_ID_TEXT_BYTES = 11,
    SIGNED_PUBLIC_BYTES = 32,
    SIGNED_SECRET_BYTES = 64
};
enum {
    SIGNED_NAME_MAX_BYTES = 200,
    SIGNED_MAX_PREAMBLE_BYTES = 640,
    SIGNED_MAX_BODY_BYTES = 8 << 20
};
#define SIGNED_CONTENT_TYPE "application/vnd.sostenuto.signed"
/* How far a maker's clock may be ahead of the reader's. */
enum { SIGNED_EARLY_S = 300 };

/* Which key: the first 8 bytes of SHA-256 of the public key. */
struct key_id {
    uint8_t bytes[KEY_ID_BYTES];
};
struct key_id_text {
    char characters[KEY_ID_TEXT_BYTES + 1]; /* base64url, NUL-terminated */
};
struct key_id key_id_of(const uint8_t public_key[SIGNED_PUBLIC_BYTES]);
struct text key_id_text(struct key_id_text *storage, struct key_id id);
bool key_id_from_text(struct text t, struct key_id *ret) MUST_USE;
bool key_id_equal(struct key_id a, struct key_id b);

struct signed_object {
    struct text name; /* begins with "/", printable ASCII without spaces */
    uint64_t epoch, number;
    int64_t issued_s, expires_s;
    struct text body;
    struct key_id key; /* signed_seal() sets it */
};

enum signed_verdict {
    SIGNED_GOOD,
    SIGNED_MALFORMED,
    SIGNED_UNKNOWN_KEY, /* not one of those we trust: fetch /keys */
    SIGNED_FORGED,      /* the signature or the body's digest does not verify */
    SIGNED_OTHER,       /* verified, but it is another object than the one asked for */
    SIGNED_EARLY,       /* verified, but from the future */
    SIGNED_EXPIRED,     /* verified, but old; *ret is filled: whether that may be used is policy */
};
const char *signed_verdict_words(enum signed_verdict verdict); /* static, for a person */

/* Appends the object; `secret` is libsodium's Ed25519 secret key.  The fields must be valid
 * (asserted). */
void signed_seal(const uint8_t secret[SIGNED_SECRET_BYTES], const struct signed_object *object,
                 struct buffer *out);

/* The key that an object names, before anything of it is believed; false when it is malformed. */
bool signed_names_key(struct text bytes, struct key_id *ret) MUST_USE;

/* The body of an object that was verified before; false when it is malformed. */
bool signed_body(struct text bytes, struct text *ret) MUST_USE;

/* Verifies everything; *ret borrows from `bytes`.  `name` empty: any. */
enum signed_verdict signed_open(const uint8_t public_key[SIGNED_PUBLIC_BYTES], struct text bytes,
                                struct text name, int64_t now_s,
                                struct signed_object *ret) MUST_USE;

/* Does `candidate` replace `held`?  Greater epoch, then number, then issued; never backwards. */
bool signed_is_newer(const struct signed_object *candidate, const struct signed_object *held);

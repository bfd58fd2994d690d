// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "trust/keys.h"
#include "trust/uid.h"

/*
 * secret: the per-app secret of an OpenSubsonic app, usable as apiKey, as password (p=) and for
 * token+salt.
 *
 * 140 random bits as 28 characters of a base32 alphabet without i, l, o, u, in seven groups:
 * "7kq2-mz4p-…".  People type: upper case, missing dashes and the usual confusions (o for 0, i
 * and l for 1) are forgiven wherever that is possible, for token+salt in the four likely
 * spellings. At rest a secret is sealed (XChaCha20-Poly1305, bound to its app id) and found by a
 * keyed hash.
 */
enum {
    SECRET_TEXT_BYTES = 34,
    SECRET_SEALED_BYTES = 24 + SECRET_TEXT_BYTES + 16,
    SECRET_INDEX_BYTES = 32
};

struct secret {
    char text[SECRET_TEXT_BYTES + 1]; /* canonical, NUL-terminated */
};
struct secret_sealed {
    uint8_t bytes[SECRET_SEALED_BYTES]; /* nonce, ciphertext, tag */
};
struct secret_index {
    uint8_t bytes[SECRET_INDEX_BYTES]; /* keyed BLAKE2b of the canonical text: the key to look an
                                          app up by */
};

void secret_generate(struct secret *ret);
/* What a person typed, made canonical; false when it cannot be a secret of ours. */
bool secret_from_text(struct text typed, struct secret *ret) MUST_USE;
void secret_wipe(struct secret *secret);

struct secret_index secret_index(const struct keys *keys, const struct secret *secret) MUST_USE;
/* What a node that must not know the secret finds its app by: a hash without any key.  Of 140
 * random bits nobody finds the secret again. */
struct secret_index secret_hash(const struct secret *secret) MUST_USE;
void secret_seal(const struct keys *keys, const struct secret *secret, struct uid app,
                 struct secret_sealed *ret);
/* False when it was sealed by other keys, for another app, or altered. */
bool secret_unseal(const struct keys *keys, const struct secret_sealed *sealed, struct uid app,
                   struct secret *ret) MUST_USE;
/* OpenSubsonic token authentication: `token` is hex of md5(secret + salt).  Constant time in the
 * secret. */
bool secret_answers_token(const struct secret *secret, struct text salt,
                          struct text token) MUST_USE;

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
/* es256_maker: a P-256 key of a browser or an authenticator, for tests. */
#include "trust/es256.h"
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <string.h>

struct es256_maker {
    EVP_PKEY *pair;
    struct es256_key key;
};

static inline void es256_maker_init(struct es256_maker *maker)
{
    uint8_t point[65];
    size_t size = 0;
    maker->pair = EVP_EC_gen("P-256");
    (void)EVP_PKEY_get_octet_string_param(maker->pair, "pub", point, sizeof point, &size);
    memcpy(maker->key.x, point + 1, 32);
    memcpy(maker->key.y, point + 33, 32);
}

static inline void es256_maker_release(struct es256_maker *maker) { EVP_PKEY_free(maker->pair); }

/* DER, as authenticators give it; its size. */
static inline size_t es256_maker_sign_der(const struct es256_maker *maker, struct text message,
                                          uint8_t ret[80])
{
    size_t size = 80;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    (void)EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, maker->pair);
    (void)EVP_DigestSign(context, ret, &size, (const uint8_t *)message.data, message.size);
    EVP_MD_CTX_free(context);
    return size;
}

/* r and s, as WebCrypto gives them. */
static inline void es256_maker_sign(const struct es256_maker *maker, struct text message,
                                    uint8_t ret[ES256_SIGNATURE_BYTES])
{
    uint8_t der[80];
    const uint8_t *at = der;
    size_t size = es256_maker_sign_der(maker, message, der);
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)size);
    (void)BN_bn2binpad(ECDSA_SIG_get0_r(pair), ret, 32);
    (void)BN_bn2binpad(ECDSA_SIG_get0_s(pair), ret + 32, 32);
    ECDSA_SIG_free(pair);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/es256.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

static EVP_PKEY *import(const struct es256_key *key)
{
    uint8_t point[1 + 64] = {4}; /* uncompressed */
    char group[] = "prime256v1";
    EVP_PKEY *ret = NULL;
    memcpy(point + 1, key->x, sizeof key->x);
    memcpy(point + 33, key->y, sizeof key->y);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (!context || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &ret, EVP_PKEY_PUBLIC_KEY, params) != 1)
        ret = NULL;
    EVP_PKEY_CTX_free(context);
    return ret;
}

/* DER of r and s, which is what OpenSSL verifies; to be freed. */
static uint8_t *to_der(const uint8_t signature[ES256_SIGNATURE_BYTES], int *ret_size)
{
    uint8_t *der = NULL;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, 32, NULL), *s = BN_bin2bn(signature + 32, 32, NULL);
    if (!pair || !r || !s || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
    } else {
        *ret_size = i2d_ECDSA_SIG(pair, &der);
    }
    ECDSA_SIG_free(pair);
    return der;
}

bool es256_verify(const struct es256_key *key, struct text message,
                  const uint8_t signature[ES256_SIGNATURE_BYTES])
{
    int size = 0;
    uint8_t *der = to_der(signature, &size);
    EVP_PKEY *public_key = import(key);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good = der && size > 0 && public_key && context &&
                   EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, public_key) == 1 &&
                   EVP_DigestVerify(context, der, (size_t)size, (const uint8_t *)message.data,
                                    message.size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(public_key);
    OPENSSL_free(der);
    ERR_clear_error(); /* nobody reads it, and TLS on this thread would */
    return is_good;
}

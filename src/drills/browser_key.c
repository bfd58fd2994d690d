// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/browser_key.h"

#include "base/encode.h"
#include "base/json.h"
#include "base/mem.h"
#include "io/random.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>

enum { HALF_BYTES = 32, JTI_BYTES = 16, PART_BYTES = 640 };

struct browser_key {
    EVP_PKEY *key;
    uint8_t point[1 + 2 * HALF_BYTES]; /* uncompressed: 4, x, y */
};

struct browser_key *browser_key_new(void)
{
    struct browser_key *key = MEM_NEW(struct browser_key);
    size_t size = 0;
    key->key = EVP_EC_gen("P-256");
    if (!key->key ||
        EVP_PKEY_get_octet_string_param(key->key, OSSL_PKEY_PARAM_PUB_KEY, key->point,
                                        sizeof key->point, &size) != 1 ||
        size != sizeof key->point) {
        browser_key_free(&key);
        ERR_clear_error();
    }
    return key;
}

void browser_key_free(struct browser_key **key_at)
{
    if (!*key_at)
        return;
    EVP_PKEY_free((*key_at)->key);
    mem_free_p(key_at);
}

/* --- its two parts --- */

static void write_header(const struct browser_key *key, struct buffer *out)
{
    struct json json;
    json_init(&json, out);
    json_begin_object(&json);
    json_member_text(&json, "typ", TEXT("dpop+jwt"));
    json_member_text(&json, "alg", TEXT("ES256"));
    json_name(&json, "jwk");
    json_begin_object(&json);
    json_member_text(&json, "kty", TEXT("EC"));
    json_member_text(&json, "crv", TEXT("P-256"));
    json_member_bytes(&json, "x", key->point + 1, HALF_BYTES);
    json_member_bytes(&json, "y", key->point + 1 + HALF_BYTES, HALF_BYTES);
    json_end_object(&json);
    json_end_object(&json);
}

static void write_claims(const struct browser_post *post, struct buffer *out)
{
    uint8_t jti[JTI_BYTES];
    char url[256];
    struct json json;
    random_fill(jti, sizeof jti);
    struct buffer whole = {.data = url, .capacity = sizeof url, .ceiling = sizeof url};
    buffer_printf(&whole, "%s%s", post->node, post->path);
    json_init(&json, out);
    json_begin_object(&json);
    json_member_bytes(&json, "jti", jti, sizeof jti);
    json_member_text(&json, "htm", TEXT("POST"));
    json_member_text(&json, "htu", buffer_view(&whole));
    json_member_i64(&json, "iat", post->now_s);
    if (post->nonce[0])
        json_member_text(&json, "nonce", text_of(post->nonce));
    json_end_object(&json);
}

/* --- the whole --- */

/* r and s, as WebCrypto writes them; OpenSSL makes DER. */
static bool sign(const struct browser_key *key, struct text message, uint8_t ret[2 * HALF_BYTES])
{
    uint8_t der[128];
    const uint8_t *at = der;
    size_t size = sizeof der;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_signed =
        context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->key) == 1 &&
        EVP_DigestSign(context, der, &size, (const uint8_t *)message.data, message.size) == 1;
    EVP_MD_CTX_free(context);
    ECDSA_SIG *pair = is_signed ? d2i_ECDSA_SIG(NULL, &at, (long)size) : NULL;
    is_signed = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), ret, HALF_BYTES) == HALF_BYTES &&
                BN_bn2binpad(ECDSA_SIG_get0_s(pair), ret + HALF_BYTES, HALF_BYTES) == HALF_BYTES;
    ECDSA_SIG_free(pair);
    return is_signed;
}

size_t browser_key_prove(const struct browser_key *key, const struct browser_post *post, char *out,
                         size_t capacity)
{
    char part[PART_BYTES];
    uint8_t signature[2 * HALF_BYTES];
    struct buffer text = {.data = out, .capacity = capacity, .ceiling = capacity};
    struct buffer json = {.data = part, .capacity = sizeof part, .ceiling = sizeof part};
    write_header(key, &json);
    encode_base64url(&text, json.data, json.size);
    buffer_text(&text, TEXT("."));
    buffer_reset(&json);
    write_claims(post, &json);
    encode_base64url(&text, json.data, json.size);
    if (!sign(key, buffer_view(&text), signature))
        return 0;
    buffer_text(&text, TEXT("."));
    encode_base64url(&text, signature, sizeof signature);
    return text.overflowed || json.overflowed ? 0 : text.size;
}

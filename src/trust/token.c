// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/token.h"

#include "base/encode.h"

#include <jansson.h>
#include <sodium.h>

/* base64url of {"alg":"EdDSA","typ":"at+jwt"}: the only header there is (RFC 9068 2.1 for the
 * type). */
static const struct text HEADER = TEXT_INIT("eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9");
static const char ISSUER[] = "sostenuto";
enum { CLAIMS_MAX_BYTES = 256, EARLY_S = 60 };

void token_sign(const struct keys *keys, const struct token *token, struct buffer *out)
{
    struct uid_text session, account;
    uint8_t signature[crypto_sign_BYTES];
    char claims[CLAIMS_MAX_BYTES];
    int size =
        snprintf(claims, sizeof claims,
                 "{\"iss\":\"%s\",\"sub\":\"%.*s\",\"sid\":\"%.*s\",\"iat\":%lld,\"exp\":%lld}",
                 ISSUER, TEXT_ARGS(uid_text(&account, token->account)),
                 TEXT_ARGS(uid_text(&session, token->session)), (long long)token->issued_s,
                 (long long)token->expires_s);
    size_t start = out->size;
    buffer_text(out, HEADER);
    buffer_byte(out, '.');
    encode_base64url(out, claims, (size_t)size);
    if (out->overflowed)
        return;
    crypto_sign_detached(signature, NULL, (const uint8_t *)out->data + start, out->size - start,
                         keys->signing_secret);
    buffer_byte(out, '.');
    encode_base64url(out, signature, sizeof signature);
}

static bool claim_uid(json_t *claims, const char *name, struct uid *ret)
{
    json_t *value = json_object_get(claims, name);
    return json_is_string(value) &&
           uid_from_text(text_make(json_string_value(value), json_string_length(value)), ret);
}

static bool claim_time(json_t *claims, const char *name, int64_t *ret)
{
    json_t *value = json_object_get(claims, name);
    *ret = json_integer_value(value);
    return json_is_integer(value) && *ret > 0;
}

static bool read_claims(struct text bytes, struct token *ret)
{
    json_t *claims = json_loadb(bytes.data, bytes.size, JSON_REJECT_DUPLICATES, NULL);
    const char *issuer = json_string_value(json_object_get(claims, "iss"));
    bool is_whole =
        issuer && strcmp(issuer, ISSUER) == 0 && json_object_size(claims) == 5 &&
        claim_uid(claims, "sub", &ret->account) && claim_uid(claims, "sid", &ret->session) &&
        claim_time(claims, "iat", &ret->issued_s) && claim_time(claims, "exp", &ret->expires_s);
    json_decref(claims);
    return is_whole;
}

enum token_verdict token_verify(const struct keys *keys, struct text t, int64_t now_s,
                                struct token *ret)
{
    struct text rest = t, header, claims, signature;
    uint8_t signature_bytes[crypto_sign_BYTES], claims_bytes[CLAIMS_MAX_BYTES];
    if (t.size > TOKEN_MAX_BYTES || !text_split(&rest, '.', &header) ||
        !text_split(&rest, '.', &claims) || !text_split(&rest, '.', &signature) || rest.data ||
        !text_equal(header, HEADER) ||
        decode_base64url(signature, signature_bytes, sizeof signature_bytes) !=
            sizeof signature_bytes)
        return TOKEN_MALFORMED;
    size_t claims_size = decode_base64url(claims, claims_bytes, sizeof claims_bytes);
    if (claims_size == SIZE_MAX)
        return TOKEN_MALFORMED;
    size_t signed_size = header.size + 1 + claims.size;
    if (crypto_sign_verify_detached(signature_bytes, (const uint8_t *)t.data, signed_size,
                                    keys->signing_public) != 0)
        return TOKEN_FORGED;
    struct token token = {0};
    if (!read_claims(text_make((const char *)claims_bytes, claims_size), &token))
        return TOKEN_MALFORMED;
    if (now_s >= token.expires_s || token.issued_s > now_s + EARLY_S)
        return TOKEN_EXPIRED;
    *ret = token;
    return TOKEN_GOOD;
}

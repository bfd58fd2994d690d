// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/token.h"

#include "base/encode.h"
#include "trust/refresh.h"

#include <jansson.h>
#include <sodium.h>

/* {"alg":"EdDSA","kid":"…","typ":"at+jwt"} is the only header there is (RFC 9068 2.1 for the type).
 */
static const struct text HEADER_START = TEXT_INIT("{\"alg\":\"EdDSA\",\"kid\":\""),
                         HEADER_END = TEXT_INIT("\",\"typ\":\"at+jwt\"}");
static const char ISSUER[] = "sostenuto";
enum { HEADER_MAX_BYTES = 64, CLAIMS_MAX_BYTES = 320, EARLY_S = 60, THUMB_TEXT_BYTES = 43 };

static void write_header(struct buffer *out, struct key_id id)
{
    char header[HEADER_MAX_BYTES];
    struct key_id_text text;
    int size = snprintf(header, sizeof header, "%.*s%.*s%.*s", TEXT_ARGS(HEADER_START),
                        TEXT_ARGS(key_id_text(&text, id)), TEXT_ARGS(HEADER_END));
    encode_base64url(out, header, (size_t)size);
}

static bool read_header(struct text t, struct key_id *ret)
{
    char bytes[HEADER_MAX_BYTES];
    size_t size = decode_base64url(t, bytes, sizeof bytes);
    struct text header = text_make(bytes, size);
    return size == HEADER_START.size + KEY_ID_TEXT_BYTES + HEADER_END.size &&
           text_starts(header, HEADER_START) && text_ends(header, HEADER_END) &&
           key_id_from_text(text_make(bytes + HEADER_START.size, KEY_ID_TEXT_BYTES), ret);
}

static void write_claims(struct buffer *out, const struct token *token)
{
    struct uid_text session, account;
    char claims[CLAIMS_MAX_BYTES], thumb[THUMB_TEXT_BYTES + 1], cnf[THUMB_TEXT_BYTES + 32] = "";
    sodium_bin2base64(thumb, sizeof thumb, token->thumb.bytes, sizeof token->thumb.bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    if (token->is_bound)
        snprintf(cnf, sizeof cnf, ",\"cnf\":{\"jkt\":\"%s\"}", thumb);
    int size =
        snprintf(claims, sizeof claims,
                 "{\"iss\":\"%s\",\"sub\":\"%.*s\",\"sid\":\"%.*s\",\"iat\":%lld,\"exp\":%lld%s}",
                 ISSUER, TEXT_ARGS(uid_text(&account, token->account)),
                 TEXT_ARGS(uid_text(&session, token->session)), (long long)token->issued_s,
                 (long long)token->expires_s, cnf);
    encode_base64url(out, claims, (size_t)size);
}

void token_sign(const struct keyring *ring, const struct token *token, struct buffer *out)
{
    uint8_t signature[crypto_sign_BYTES];
    struct key_id id;
    size_t start = out->size;
    const uint8_t *secret = keyring_signing_session(ring, token->issued_s, &id);
    if (!secret)
        return;
    write_header(out, id);
    buffer_byte(out, '.');
    write_claims(out, token);
    if (out->overflowed)
        return;
    crypto_sign_detached(signature, NULL, (const uint8_t *)out->data + start, out->size - start,
                         secret);
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

/* False when there is one that is not {"jkt": thumb}. */
static bool claim_thumb(const json_t *cnf, struct token *ret)
{
    const json_t *jkt = json_object_get(cnf, "jkt");
    ret->is_bound = cnf;
    return !cnf ||
           (json_object_size(cnf) == 1 && json_is_string(jkt) &&
            decode_base64url(text_make(json_string_value(jkt), json_string_length(jkt)),
                             ret->thumb.bytes, sizeof ret->thumb.bytes) == sizeof ret->thumb.bytes);
}

static bool read_claims(struct text bytes, struct token *ret)
{
    json_t *claims = json_loadb(bytes.data, bytes.size, JSON_REJECT_DUPLICATES, NULL);
    const char *issuer = json_string_value(json_object_get(claims, "iss"));
    const json_t *cnf = json_object_get(claims, "cnf");
    bool is_whole =
        issuer && strcmp(issuer, ISSUER) == 0 && json_object_size(claims) == (cnf ? 6 : 5) &&
        claim_uid(claims, "sub", &ret->account) && claim_uid(claims, "sid", &ret->session) &&
        claim_time(claims, "iat", &ret->issued_s) && claim_time(claims, "exp", &ret->expires_s) &&
        claim_thumb(cnf, ret);
    json_decref(claims);
    return is_whole;
}

enum token_verdict token_read(const struct keyring *ring, struct text t, int64_t now_s,
                              struct token *ret)
{
    struct text rest = t, header, claims, signature;
    uint8_t signature_bytes[crypto_sign_BYTES], claims_bytes[CLAIMS_MAX_BYTES];
    struct key_id id;
    if (t.size > TOKEN_MAX_BYTES || !text_split(&rest, '.', &header) ||
        !text_split(&rest, '.', &claims) || !text_split(&rest, '.', &signature) || rest.data ||
        !read_header(header, &id) ||
        decode_base64url(signature, signature_bytes, sizeof signature_bytes) !=
            sizeof signature_bytes)
        return TOKEN_MALFORMED;
    size_t claims_size = decode_base64url(claims, claims_bytes, sizeof claims_bytes);
    if (claims_size == SIZE_MAX)
        return TOKEN_MALFORMED;
    size_t signed_size = header.size + 1 + claims.size;
    struct token token = {0};
    const uint8_t *public_key = keyring_verifying_session(ring, id, now_s, &token.node);
    if (!public_key || crypto_sign_verify_detached(signature_bytes, (const uint8_t *)t.data,
                                                   signed_size, public_key) != 0)
        return TOKEN_FORGED;
    if (!read_claims(text_make((const char *)claims_bytes, claims_size), &token))
        return TOKEN_MALFORMED;
    if (token.issued_s > now_s + EARLY_S || now_s - token.issued_s >= REFRESH_LIFE_MS / 1000)
        return TOKEN_EXPIRED;
    *ret = token;
    return TOKEN_GOOD;
}

enum token_verdict token_verify(const struct keyring *ring, struct text t, int64_t now_s,
                                struct token *ret)
{
    struct token token;
    enum token_verdict verdict = token_read(ring, t, now_s, &token);
    if (verdict == TOKEN_GOOD && now_s >= token.expires_s)
        verdict = TOKEN_EXPIRED;
    if (verdict == TOKEN_GOOD)
        *ret = token;
    return verdict;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/dpop.h"

#include "base/encode.h"
#include "trust/es256.h"

#include <jansson.h>
#include <sodium.h>
#include <string.h>

enum { PART_MAX_BYTES = 768 };
#define WITNESS_MAX_S (1LL << 40) /* no clock is beyond it, and milliseconds do not overflow */

const char *dpop_verdict_words(enum dpop_verdict verdict)
{
    static const char *const words[] = {
        [DPOP_GOOD] = "The proof is good.",
        [DPOP_MALFORMED] = "The DPoP proof is not of the form that is asked for.",
        [DPOP_FORGED] = "The DPoP proof is not signed by the key that it names.",
        [DPOP_OTHER_REQUEST] = "The DPoP proof is for another request: compare htm and htu.",
        [DPOP_STALE] = "The DPoP proof is not of now: send one with the nonce given here.",
    };
    return words[verdict];
}

static struct text text_member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? text_make(json_string_value(value), json_string_length(value))
                                 : TEXT_NONE;
}

static bool member_is(const json_t *object, const char *name, const char *wanted)
{
    return text_equal(text_member(object, name), text_of(wanted));
}

/* A JSON object in base64url; NULL for anything else. */
static json_t *read_part(struct text part)
{
    char bytes[PART_MAX_BYTES];
    size_t size = decode_base64url(part, bytes, sizeof bytes);
    if (size == SIZE_MAX)
        return NULL;
    json_t *object = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(object))
        return object;
    json_decref(object);
    return NULL;
}

/* RFC 7638: the members in their order, nothing else. */
static void thumb_of(struct text x, struct text y, struct key_thumb *ret)
{
    char canonical[160];
    (void)snprintf(canonical, sizeof canonical,
                   "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%.*s\",\"y\":\"%.*s\"}", TEXT_ARGS(x),
                   TEXT_ARGS(y));
    crypto_hash_sha256(ret->bytes, (const uint8_t *)canonical, strlen(canonical));
}

static bool read_key(const json_t *header, struct es256_key *ret_key, struct key_thumb *ret_thumb)
{
    const json_t *jwk = json_object_get(header, "jwk");
    struct text x = text_member(jwk, "x"), y = text_member(jwk, "y");
    if (!member_is(header, "typ", "dpop+jwt") || !member_is(header, "alg", "ES256") ||
        json_object_size(header) != 3 || json_object_size(jwk) != 4 ||
        !member_is(jwk, "kty", "EC") || !member_is(jwk, "crv", "P-256") ||
        decode_base64url(x, ret_key->x, sizeof ret_key->x) != sizeof ret_key->x ||
        decode_base64url(y, ret_key->y, sizeof ret_key->y) != sizeof ret_key->y)
        return false;
    thumb_of(x, y, ret_thumb);
    return true;
}

/* --- nonces --- */

void dpop_nonce_make(const struct keys *keys, struct uid node, int64_t now_s,
                     struct dpop_nonce *ret)
{
    struct nonce nonce;
    struct uid_text id;
    nonce_make(keys, TEXT(DPOP_PURPOSE), now_s, &nonce);
    if (uid_is_none(node))
        (void)snprintf(ret->text, sizeof ret->text, "%s", nonce.text);
    else
        (void)snprintf(ret->text, sizeof ret->text, "%.*s.%s", TEXT_ARGS(uid_text(&id, node)),
                       nonce.text);
}

static bool names_node(struct text nonce, struct uid *ret)
{
    return nonce.size == DPOP_NONCE_BYTES && nonce.data[UID_TEXT_BYTES] == '.' &&
           uid_from_text(text_make(nonce.data, UID_TEXT_BYTES), ret) && !uid_is_none(*ret);
}

static bool is_our_nonce(const struct keys *keys, struct text nonce,
                         const struct dpop_request *request)
{
    struct uid node;
    struct text rest = nonce;
    if (!uid_is_none(request->node)) {
        if (!names_node(nonce, &node) || !uid_equal(node, request->node))
            return false;
        rest = text_from(nonce, UID_TEXT_BYTES + 1);
    }
    return nonce_is_good(keys, TEXT(DPOP_PURPOSE), rest, request->now_s);
}

/* --- which request --- */

/* What follows http:// or https://: a proxy in front may have taken TLS off. */
static struct text url_rest(struct text url)
{
    if (text_starts_nocase(url, TEXT("https://")))
        return text_from(url, sizeof("https://") - 1);
    if (text_starts_nocase(url, TEXT("http://")))
        return text_from(url, sizeof("http://") - 1);
    return TEXT_NONE;
}

/* Exactly our host and path. */
static bool is_our_url(struct text url, const struct dpop_request *request)
{
    struct text rest = url_rest(url);
    return rest.data && request->host.size && text_starts_nocase(rest, request->host) &&
           text_equal(text_from(rest, request->host.size), request->path);
}

static void name_proof(const json_t *claims, struct dpop_proof *ret)
{
    crypto_hash_sha256_state state;
    struct text jti = text_member(claims, "jti");
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, ret->thumb.bytes, sizeof ret->thumb.bytes);
    crypto_hash_sha256_update(&state, (const uint8_t *)jti.data, jti.size);
    crypto_hash_sha256_final(&state, ret->id);
}

static enum dpop_verdict judge(const struct keys *keys, const json_t *claims,
                               const struct dpop_request *request)
{
    const json_t *issued = json_object_get(claims, "iat");
    struct text jti = text_member(claims, "jti"), nonce = text_member(claims, "nonce");
    if (jti.size < DPOP_JTI_MIN_BYTES || jti.size > DPOP_JTI_MAX_BYTES || !json_is_integer(issued))
        return DPOP_MALFORMED;
    if (!text_equal(text_member(claims, "htm"), request->method) ||
        !is_our_url(text_member(claims, "htu"), request))
        return DPOP_OTHER_REQUEST;
    int64_t issued_s = json_integer_value(issued);
    bool is_now =
        issued_s >= request->now_s - DPOP_WINDOW_S && issued_s <= request->now_s + DPOP_WINDOW_S;
    if (nonce.data)
        is_now = is_our_nonce(keys, nonce, request);
    return is_now ? DPOP_GOOD : DPOP_STALE;
}

static bool split(struct text proof, struct text *ret_header, struct text *ret_claims,
                  uint8_t ret_signature[ES256_SIGNATURE_BYTES])
{
    struct text rest = proof, signature;
    return proof.size <= DPOP_MAX_BYTES && text_split(&rest, '.', ret_header) &&
           text_split(&rest, '.', ret_claims) && text_split(&rest, '.', &signature) && !rest.data &&
           decode_base64url(signature, ret_signature, ES256_SIGNATURE_BYTES) ==
               ES256_SIGNATURE_BYTES;
}

enum dpop_verdict dpop_verify(const struct keys *keys, struct text proof,
                              const struct dpop_request *request, struct dpop_proof *ret)
{
    struct text header_text, claims_text;
    uint8_t signature[ES256_SIGNATURE_BYTES];
    struct es256_key key;
    struct dpop_proof made;
    if (!split(proof, &header_text, &claims_text, signature))
        return DPOP_MALFORMED;
    json_t *header = read_part(header_text), *claims = read_part(claims_text);
    enum dpop_verdict verdict = DPOP_MALFORMED;
    struct text message = text_make(proof.data, header_text.size + 1 + claims_text.size);
    if (header && claims && read_key(header, &key, &made.thumb))
        verdict = judge(keys, claims, request);
    /* the signature last: it costs the most */
    if ((verdict == DPOP_GOOD || verdict == DPOP_STALE) && !es256_verify(&key, message, signature))
        verdict = DPOP_FORGED;
    if (verdict == DPOP_GOOD) {
        name_proof(claims, &made);
        made.names_node = text_member(claims, "nonce").data && !uid_is_none(request->node);
        *ret = made;
    }
    json_decref(header);
    json_decref(claims);
    return verdict;
}

/* --- read by others, later --- */

static bool read_witness(const json_t *claims, struct text method, struct text path,
                         struct dpop_witness *ret)
{
    const json_t *issued = json_object_get(claims, "iat");
    struct text rest = url_rest(text_member(claims, "htu")), host;
    ret->issued_s = json_integer_value(issued);
    return json_is_integer(issued) && ret->issued_s > 0 && ret->issued_s < WITNESS_MAX_S &&
           text_equal(text_member(claims, "htm"), method) && text_split(&rest, '/', &host) &&
           host.size && rest.data && text_equal(rest, text_from(path, 1)) &&
           names_node(text_member(claims, "nonce"), &ret->node);
}

bool dpop_witness(struct text proof, struct text method, struct text path, struct dpop_witness *ret)
{
    struct text header_text, claims_text;
    uint8_t signature[ES256_SIGNATURE_BYTES];
    struct es256_key key;
    struct dpop_witness read;
    if (!split(proof, &header_text, &claims_text, signature))
        return false;
    json_t *header = read_part(header_text), *claims = read_part(claims_text);
    struct text message = text_make(proof.data, header_text.size + 1 + claims_text.size);
    bool is_good = header && claims && read_key(header, &key, &read.thumb) &&
                   read_witness(claims, method, path, &read) &&
                   es256_verify(&key, message, signature);
    if (is_good)
        *ret = read;
    json_decref(header);
    json_decref(claims);
    return is_good;
}

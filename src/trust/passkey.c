// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/passkey.h"

#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>
#include <jansson.h>
#include <sodium.h>

enum { HASH_BYTES = 32, FLAG_PRESENT = 1, FLAG_VERIFIED = 4, FLAGS_AT = 32, COUNT_AT = 33 };
enum { AUTHENTICATOR_MIN_BYTES = 37, AUTHENTICATOR_MAX_BYTES = 1024, SIGNATURE_MAX_BYTES = 512 };

struct uid passkey_uid(struct text credential)
{
    uint8_t digest[HASH_BYTES];
    struct uid uid;
    crypto_hash_sha256(digest, (const uint8_t *)credential.data, credential.size);
    memcpy(uid.bytes, digest, sizeof uid.bytes);
    return uid;
}

static bool refuse(const char *words, const char **ret_why)
{
    *ret_why = words;
    return false;
}

static void sha256(struct text t, uint8_t ret[HASH_BYTES])
{
    crypto_hash_sha256(ret, (const uint8_t *)t.data, t.size);
}

static struct text member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? text_make(json_string_value(value), json_string_length(value))
                                 : TEXT_NONE;
}

/* What the browser says it was asked (5.8.1): members beyond these are ignored, as it demands. */
static bool read_client_data(const struct passkey_site *site, struct text bytes, const char *type,
                             struct passkey_challenge *ret, const char **ret_why)
{
    if (bytes.size > PASSKEY_CLIENT_DATA_MAX_BYTES)
        return refuse("The browser's client data is too long.", ret_why);
    json_t *data = json_loadb(bytes.data ? bytes.data : "", bytes.size, 0, NULL);
    struct text challenge = member(data, "challenge");
    const char *why = NULL;
    if (!text_equal(member(data, "type"), text_of(type)))
        why = "The browser's client data is not of this kind.";
    else if (json_is_true(json_object_get(data, "crossOrigin")) ||
             !text_equal_nocase(member(data, "origin"), site->origin))
        why = "The passkey was asked for by another page than this server's.";
    else if (!challenge.size || challenge.size > PASSKEY_CHALLENGE_MAX_BYTES)
        why = "The challenge is not one of ours.";
    if (!why) {
        memcpy(ret->text, challenge.data, challenge.size);
        ret->text[challenge.size] = 0;
        ret->size = challenge.size;
    }
    json_decref(data);
    return why ? refuse(why, ret_why) : true;
}

/* 6.1: SHA-256 of the relying party's id, flags, counter, then what depends. */
static bool check_authenticator(const struct passkey_site *site, const uint8_t *data, size_t size,
                                const char **ret_why)
{
    uint8_t party[HASH_BYTES];
    sha256(site->host, party);
    if (size < AUTHENTICATOR_MIN_BYTES || size > AUTHENTICATOR_MAX_BYTES)
        return refuse("The authenticator's data has not the size of such.", ret_why);
    if (memcmp(data, party, sizeof party) != 0)
        return refuse("The passkey belongs to another server.", ret_why);
    if ((data[FLAGS_AT] & (FLAG_PRESENT | FLAG_VERIFIED)) != (FLAG_PRESENT | FLAG_VERIFIED))
        return refuse("The authenticator did not verify who you are.", ret_why);
    return true;
}

static uint32_t count_of(const uint8_t *data)
{
    return (uint32_t)data[COUNT_AT] << 24 | (uint32_t)data[COUNT_AT + 1] << 16 |
           (uint32_t)data[COUNT_AT + 2] << 8 | data[COUNT_AT + 3];
}

/* --- registering --- */

static bool take_credential(const fido_cred_t *credential, struct passkey *ret)
{
    size_t id_size = fido_cred_id_len(credential), key_size = fido_cred_pubkey_len(credential);
    if (!id_size || id_size > sizeof ret->credential || !key_size || key_size > sizeof ret->key)
        return false;
    memcpy(ret->credential, fido_cred_id_ptr(credential), id_size);
    memcpy(ret->key, fido_cred_pubkey_ptr(credential), key_size);
    ret->credential_size = id_size;
    ret->key_size = key_size;
    ret->algorithm = fido_cred_type(credential);
    ret->count = fido_cred_sigcount(credential);
    return ret->algorithm == PASSKEY_ES256 || ret->algorithm == PASSKEY_EDDSA ||
           ret->algorithm == PASSKEY_RS256;
}

/* libfido2 wants the kind of key before it reads one. */
static bool read_credential(struct text data, int algorithm, fido_cred_t **ret)
{
    fido_cred_t *credential = fido_cred_new();
    bool is_read =
        credential && fido_cred_set_type(credential, algorithm) == FIDO_OK &&
        fido_cred_set_authdata_raw(credential, (const uint8_t *)data.data, data.size) == FIDO_OK;
    if (is_read)
        *ret = credential;
    else
        fido_cred_free(&credential);
    return is_read;
}

bool passkey_register(const struct passkey_site *site, struct text client_data,
                      struct text authenticator_data, struct passkey *ret,
                      struct passkey_challenge *ret_challenge, const char **ret_why)
{
    static const int algorithms[] = {PASSKEY_ES256, PASSKEY_EDDSA, PASSKEY_RS256};
    struct passkey passkey = {0};
    fido_cred_t *credential = NULL;
    fido_init(0);
    if (!read_client_data(site, client_data, "webauthn.create", ret_challenge, ret_why) ||
        !check_authenticator(site, (const uint8_t *)authenticator_data.data,
                             authenticator_data.size, ret_why))
        return false;
    bool is_read = false;
    for (size_t i = 0; !is_read && i < 3; i++)
        is_read = read_credential(authenticator_data, algorithms[i], &credential);
    if (!is_read)
        return refuse("The passkey is not of a kind that this server reads.", ret_why);
    bool is_good = take_credential(credential, &passkey);
    fido_cred_free(&credential);
    if (!is_good)
        return refuse("The passkey is not of a kind that this server reads.", ret_why);
    *ret = passkey;
    return true;
}

/* --- signing in --- */

/* libfido2's key of any kind; NULL when the bytes are none. */
static void *key_new(const struct passkey *passkey)
{
    es256_pk_t *es256 = NULL;
    eddsa_pk_t *eddsa = NULL;
    rs256_pk_t *rs256 = NULL;
    switch (passkey->algorithm) {
    case PASSKEY_ES256:
        es256 = es256_pk_new();
        if (es256 && es256_pk_from_ptr(es256, passkey->key, passkey->key_size) != FIDO_OK)
            es256_pk_free(&es256);
        return es256;
    case PASSKEY_EDDSA:
        eddsa = eddsa_pk_new();
        if (eddsa && eddsa_pk_from_ptr(eddsa, passkey->key, passkey->key_size) != FIDO_OK)
            eddsa_pk_free(&eddsa);
        return eddsa;
    case PASSKEY_RS256:
        rs256 = rs256_pk_new();
        if (rs256 && rs256_pk_from_ptr(rs256, passkey->key, passkey->key_size) != FIDO_OK)
            rs256_pk_free(&rs256);
        return rs256;
    default:
        return NULL;
    }
}

static void key_free(const struct passkey *passkey, void *key)
{
    es256_pk_t *es256 = key;
    eddsa_pk_t *eddsa = key;
    rs256_pk_t *rs256 = key;
    if (passkey->algorithm == PASSKEY_ES256)
        es256_pk_free(&es256);
    else if (passkey->algorithm == PASSKEY_EDDSA)
        eddsa_pk_free(&eddsa);
    else if (passkey->algorithm == PASSKEY_RS256)
        rs256_pk_free(&rs256);
}

static bool verify(const struct passkey_site *site, const struct passkey *passkey,
                   struct text client_data, struct text authenticator_data, struct text signature)
{
    char party[256];
    uint8_t hash[HASH_BYTES];
    void *key = key_new(passkey);
    fido_assert_t *assertion = fido_assert_new();
    sha256(client_data, hash);
    snprintf(party, sizeof party, "%.*s", TEXT_ARGS(site->host));
    bool is_good =
        key && assertion && fido_assert_set_rp(assertion, party) == FIDO_OK &&
        fido_assert_set_clientdata_hash(assertion, hash, sizeof hash) == FIDO_OK &&
        fido_assert_set_up(assertion, FIDO_OPT_TRUE) == FIDO_OK &&
        fido_assert_set_uv(assertion, FIDO_OPT_TRUE) == FIDO_OK &&
        fido_assert_set_count(assertion, 1) == FIDO_OK &&
        fido_assert_set_authdata_raw(assertion, 0, (const uint8_t *)authenticator_data.data,
                                     authenticator_data.size) == FIDO_OK &&
        fido_assert_set_sig(assertion, 0, (const uint8_t *)signature.data, signature.size) ==
            FIDO_OK &&
        fido_assert_verify(assertion, 0, passkey->algorithm, key) == FIDO_OK;
    fido_assert_free(&assertion);
    key_free(passkey, key);
    return is_good;
}

bool passkey_assert(const struct passkey_site *site, const struct passkey *passkey,
                    struct text client_data, struct text authenticator_data, struct text signature,
                    uint32_t *ret_count, struct passkey_challenge *ret_challenge,
                    const char **ret_why)
{
    const uint8_t *data = (const uint8_t *)authenticator_data.data;
    fido_init(0);
    if (!read_client_data(site, client_data, "webauthn.get", ret_challenge, ret_why) ||
        !check_authenticator(site, data, authenticator_data.size, ret_why))
        return false;
    if (!signature.size || signature.size > SIGNATURE_MAX_BYTES ||
        !verify(site, passkey, client_data, authenticator_data, signature))
        return refuse("The passkey's signature is wrong.", ret_why);
    uint32_t count = count_of(data);
    if ((count || passkey->count) && count <= passkey->count)
        return refuse("This passkey seems to have been copied: its counter went back.", ret_why);
    *ret_count = count;
    return true;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/secret.h"

#include "base/encode.h"
#include "trust/alphabet.h"

#include <assert.h>
#include <openssl/evp.h>
#include <sodium.h>

enum {
    CHARACTERS = 28,
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    MD5_BYTES = 16,
    SALT_MAX_BYTES = 256,
};
_Static_assert(SECRET_TEXT_BYTES == CHARACTERS + CHARACTERS / ALPHABET_GROUP - 1,
               "seven dashed groups");
_Static_assert(SECRET_INDEX_BYTES == crypto_generichash_BYTES, "the index is a BLAKE2b-256");

void secret_generate(struct secret *ret) { alphabet_draw(ret->text, CHARACTERS, false); }

bool secret_from_text(struct text typed, struct secret *ret)
{
    struct secret secret = {{0}};
    if (!alphabet_canonical(typed, secret.text, CHARACTERS, false))
        return false;
    *ret = secret;
    secret_wipe(&secret);
    return true;
}

void secret_wipe(struct secret *secret) { sodium_memzero(secret, sizeof *secret); }

struct secret_index secret_index(const struct keys *keys, const struct secret *secret)
{
    struct secret_index index;
    crypto_generichash(index.bytes, sizeof index.bytes, (const uint8_t *)secret->text,
                       SECRET_TEXT_BYTES, keys->indexing, sizeof keys->indexing);
    return index;
}

struct secret_index secret_hash(const struct secret *secret)
{
    static const uint8_t purpose[] = "sostenuto app secret 1";
    struct secret_index index;
    crypto_generichash(index.bytes, sizeof index.bytes, (const uint8_t *)secret->text,
                       SECRET_TEXT_BYTES, purpose, sizeof purpose);
    return index;
}

void secret_seal(const struct keys *keys, const struct secret *secret, struct uid app,
                 struct secret_sealed *ret)
{
    unsigned long long size;
    randombytes_buf(ret->bytes, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        ret->bytes + NONCE_BYTES, &size, (const uint8_t *)secret->text, SECRET_TEXT_BYTES,
        app.bytes, sizeof app.bytes, NULL, ret->bytes, keys->sealing);
    assert(size == SECRET_SEALED_BYTES - NONCE_BYTES);
}

bool secret_unseal(const struct keys *keys, const struct secret_sealed *sealed, struct uid app,
                   struct secret *ret)
{
    struct secret secret = {{0}};
    unsigned long long size;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            (uint8_t *)secret.text, &size, NULL, sealed->bytes + NONCE_BYTES,
            SECRET_SEALED_BYTES - NONCE_BYTES, app.bytes, sizeof app.bytes, sealed->bytes,
            keys->sealing) != 0)
        return false;
    *ret = secret;
    secret_wipe(&secret);
    return true;
}

static void md5(struct text first, struct text second, uint8_t ret[MD5_BYTES])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int ok = context && EVP_DigestInit_ex(context, EVP_md5(), NULL) &&
             EVP_DigestUpdate(context, first.data, first.size) &&
             EVP_DigestUpdate(context, second.data, second.size) &&
             EVP_DigestFinal_ex(context, ret, NULL);
    assert(ok);
    EVP_MD_CTX_free(context);
}

/* The spellings that apps are given: as shown or without dashes, in lower or upper case. */
static struct text spelling(const struct secret *secret, unsigned variant,
                            char storage[SECRET_TEXT_BYTES])
{
    size_t size = 0;
    for (size_t i = 0; i < SECRET_TEXT_BYTES; i++) {
        char c = secret->text[i];
        if (c == '-' && variant & 1)
            continue;
        storage[size++] = variant & 2 && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return text_make(storage, size);
}

bool secret_answers_token(const struct secret *secret, struct text salt, struct text token)
{
    uint8_t presented[MD5_BYTES], expected[MD5_BYTES];
    char storage[SECRET_TEXT_BYTES];
    if (salt.size > SALT_MAX_BYTES ||
        decode_hex(token, presented, sizeof presented) != sizeof presented)
        return false;
    int is_match = 0;
    for (unsigned variant = 0; variant < 4; variant++) {
        md5(spelling(secret, variant, storage), salt, expected);
        is_match |= sodium_memcmp(expected, presented, sizeof expected) == 0;
    }
    sodium_memzero(storage, sizeof storage);
    return is_match;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/nonce.h"

#include "base/encode.h"
#include "base/reader.h"

#include <sodium.h>
#include <string.h>

enum { RANDOM_BYTES = 8, HEAD_BYTES = 8 + RANDOM_BYTES, MAC_BYTES = 16, BYTES = 32, EARLY_S = 60 };

static void seal(const struct keys *keys, struct text purpose, const uint8_t head[HEAD_BYTES],
                 uint8_t ret[MAC_BYTES])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, keys->nonces, sizeof keys->nonces, MAC_BYTES);
    crypto_generichash_update(&state, head, HEAD_BYTES);
    crypto_generichash_update(&state, (const uint8_t *)purpose.data, purpose.size);
    crypto_generichash_final(&state, ret, MAC_BYTES);
}

void nonce_make(const struct keys *keys, struct text purpose, int64_t now_s, struct nonce *ret)
{
    uint8_t bytes[BYTES];
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)now_s >> (8 * i));
    randombytes_buf(bytes + 8, RANDOM_BYTES);
    seal(keys, purpose, bytes, bytes + HEAD_BYTES);
    sodium_bin2base64(ret->text, sizeof ret->text, bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool nonce_is_good(const struct keys *keys, struct text purpose, struct text nonce, int64_t now_s)
{
    uint8_t bytes[BYTES], mac[MAC_BYTES];
    if (nonce.size != NONCE_TEXT_BYTES ||
        decode_base64url(nonce, bytes, sizeof bytes) != sizeof bytes)
        return false;
    seal(keys, purpose, bytes, mac);
    if (sodium_memcmp(mac, bytes + HEAD_BYTES, sizeof mac) != 0)
        return false;
    struct reader reader = reader_of(text_make((const char *)bytes, sizeof bytes));
    int64_t made_s = (int64_t)reader_u64(&reader);
    return made_s <= now_s + EARLY_S && now_s - made_s < NONCE_LIFE_S;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/known.h"

#include "base/mem.h"

#include <sodium.h>

enum { SLOTS = 1024, DIGEST_BYTES = 32 };

struct known {
    uint8_t key[crypto_generichash_KEYBYTES];
    struct slot {
        uint8_t digest[DIGEST_BYTES];
        int64_t until_ms;
    } slots[SLOTS];
};

struct known *known_new(void)
{
    struct known *known = MEM_NEW(struct known);
    randombytes_buf(known->key, sizeof(known->key));
    return known;
}

void known_free(struct known **known)
{
    if (*known)
        sodium_memzero(*known, sizeof(**known));
    mem_free_p(known);
}

static size_t digest_of(const struct known *known, struct uid account, struct text hash,
                        struct text password, uint8_t ret_digest[DIGEST_BYTES])
{
    crypto_generichash_state state;
    uint64_t size = hash.size;
    crypto_generichash_init(&state, known->key, sizeof(known->key), DIGEST_BYTES);
    crypto_generichash_update(&state, account.bytes, UID_BYTES);
    crypto_generichash_update(&state, (const uint8_t *)&size, sizeof(size));
    crypto_generichash_update(&state, (const uint8_t *)hash.data, hash.size);
    crypto_generichash_update(&state, (const uint8_t *)password.data, password.size);
    crypto_generichash_final(&state, ret_digest, DIGEST_BYTES);
    return ((size_t)ret_digest[0] << 8 | ret_digest[1]) % SLOTS;
}

bool known_has(const struct known *known, struct uid account, struct text hash,
               struct text password, int64_t now_ms)
{
    uint8_t digest[DIGEST_BYTES];
    const struct slot *slot = &known->slots[digest_of(known, account, hash, password, digest)];
    return now_ms < slot->until_ms && sodium_memcmp(slot->digest, digest, DIGEST_BYTES) == 0;
}

void known_put(struct known *known, struct uid account, struct text hash, struct text password,
               int64_t now_ms)
{
    uint8_t digest[DIGEST_BYTES];
    struct slot *slot = &known->slots[digest_of(known, account, hash, password, digest)];
    memcpy(slot->digest, digest, DIGEST_BYTES);
    slot->until_ms = now_ms + KNOWN_LIFE_MS;
}

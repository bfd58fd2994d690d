// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/box.h"

#include <sodium.h>

_Static_assert(BOX_EXTRA_BYTES == crypto_box_SEALBYTES, "what a box adds");
_Static_assert(BOX_SEED_BYTES == crypto_sign_SEEDBYTES, "a node's seed");

bool box_seal(const uint8_t key[SIGNED_PUBLIC_BYTES], struct text plain, struct buffer *out)
{
    uint8_t curve[crypto_box_PUBLICKEYBYTES];
    if (crypto_sign_ed25519_pk_to_curve25519(curve, key) != 0)
        return false;
    char *place = buffer_reserve(out, plain.size + BOX_EXTRA_BYTES);
    if (!place ||
        crypto_box_seal((uint8_t *)place, (const uint8_t *)plain.data, plain.size, curve) != 0)
        return false;
    out->size += plain.size + BOX_EXTRA_BYTES;
    return true;
}

bool box_open(const uint8_t seed[BOX_SEED_BYTES], struct text boxed, struct buffer *out)
{
    uint8_t key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    uint8_t curve_key[crypto_box_PUBLICKEYBYTES], curve_secret[crypto_box_SECRETKEYBYTES];
    char *place =
        boxed.size > BOX_EXTRA_BYTES ? buffer_reserve(out, boxed.size - BOX_EXTRA_BYTES) : NULL;
    if (!place)
        return false;
    crypto_sign_seed_keypair(key, secret, seed);
    bool is_open = crypto_sign_ed25519_pk_to_curve25519(curve_key, key) == 0 &&
                   crypto_sign_ed25519_sk_to_curve25519(curve_secret, secret) == 0 &&
                   crypto_box_seal_open((uint8_t *)place, (const uint8_t *)boxed.data, boxed.size,
                                        curve_key, curve_secret) == 0;
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(curve_secret, sizeof curve_secret);
    if (is_open)
        out->size += boxed.size - BOX_EXTRA_BYTES;
    return is_open;
}

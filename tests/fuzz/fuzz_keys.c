// SPDX-License-Identifier: GPL-3.0-or-later
/* Any body of /keys, rightly signed by the root key: a ring within its bounds, or none. */
#include "trust/keyring.h"
#include <assert.h>
#include <sodium.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t root[SIGNED_PUBLIC_BYTES], secret[SIGNED_SECRET_BYTES];
    const uint8_t seed[crypto_sign_SEEDBYTES] = {7};
    struct signed_object object = {
        TEXT(KEYRING_NAME), 1, 7, 1000, 2000, text_make((const char *)data, size), {{0}}};
    struct buffer out;
    enum signed_verdict verdict;
    crypto_sign_seed_keypair(root, secret, seed);
    buffer_init(&out, SIGNED_MAX_PREAMBLE_BYTES + size);
    signed_seal(secret, &object, &out);
    struct keyring *ring = keyring_open(root, buffer_view(&out), 1000, &verdict);
    const struct keyring_content *content = ring ? keyring_content(ring) : NULL;
    assert(!ring || (content->number == 7 && content->key_count <= KEYRING_MAX_KEYS &&
                     content->revoked_count <= KEYRING_MAX_REVOKED));
    keyring_unref(&ring);
    buffer_release(&out);
    return 0;
}

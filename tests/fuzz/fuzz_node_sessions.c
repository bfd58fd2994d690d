// SPDX-License-Identifier: GPL-3.0-or-later
/* What an edge signed or is sent: any bytes as box, token and grant, and any claims rightly signed.
 */
#include "base/encode.h"
#include "trust/box.h"
#include "trust/grant.h"
#include "trust/token.h"
#include <assert.h>
#include <sodium.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[BOX_SEED_BYTES] = {7};
    uint8_t key[SIGNED_PUBLIC_BYTES], secret[SIGNED_SECRET_BYTES], signature[crypto_sign_BYTES];
    struct text input = text_make((const char *)data, size);
    struct keyring *origin = keyring_ephemeral(1000);
    struct ring_node node;
    struct buffer out, plain;
    struct token token = {.issued_s = 1000, .expires_s = 2000};
    struct grant grant;
    buffer_init(&out, 1 << 20);
    buffer_init(&plain, 1 << 20);
    crypto_sign_seed_keypair(key, secret, seed);
    ring_node_init(&node, key);
    struct keyring *ring = keyring_with_nodes(origin, &node, 1, seed);
    assert(!box_open(seed, input, &plain) && plain.size == 0); /* nobody guesses a box */
    assert(token_verify(ring, input, 1000, &token) != TOKEN_GOOD &&
           grant_verify(ring, input, 1000, &grant) != GRANT_GOOD);
    bool is_back = box_seal(key, input, &out) && box_open(seed, buffer_view(&out), &plain);
    assert(size == 0 || (is_back && text_equal(buffer_view(&plain), input)));
    struct key_id_text id;
    buffer_reset(&plain);
    buffer_printf(&plain, "{\"alg\":\"EdDSA\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}",
                  key_id_text(&id, node.key).data);
    buffer_reset(&out);
    encode_base64url(&out, plain.data, plain.size);
    buffer_byte(&out, '.');
    encode_base64url(&out, data, size);
    crypto_sign_detached(signature, NULL, (const uint8_t *)out.data, out.size, secret);
    buffer_byte(&out, '.');
    encode_base64url(&out, signature, sizeof signature);
    if (token_verify(ring, buffer_view(&out), 1000, &token) == TOKEN_GOOD)
        assert(uid_equal(token.node, node.id) && token.expires_s > 1000);
    buffer_release(&out);
    buffer_release(&plain);
    keyring_unref(&ring);
    keyring_unref(&origin);
    return 0;
}

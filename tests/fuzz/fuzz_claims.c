// SPDX-License-Identifier: GPL-3.0-or-later
/* Any claims, rightly signed: what reads them stands behind the signature, where fuzz_token never
 * gets. */
#include "base/encode.h"
#include "trust/token.h"
#include <assert.h>
#include <sodium.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keyring *ring = keyring_ephemeral(1000);
    struct token token = {.issued_s = 1000, .expires_s = 2000};
    struct buffer out;
    struct key_id id;
    uint8_t signature[crypto_sign_BYTES];
    buffer_init(&out, 4096);
    token_sign(ring, &token, &out);
    out.size = text_find_byte(buffer_view(&out), '.') + 1; /* the header stays */
    encode_base64url(&out, data, size);
    crypto_sign_detached(signature, NULL, (uint8_t *)out.data, out.size,
                         keyring_signing(ring, 1000, &id));
    buffer_byte(&out, '.');
    encode_base64url(&out, signature, sizeof signature);
    if (token_verify(ring, buffer_view(&out), 1000, &token) == TOKEN_GOOD)
        assert(token.expires_s > 1000 && token.issued_s > 0 && token.issued_s < 2000);
    buffer_release(&out);
    keyring_unref(&ring);
    return 0;
}

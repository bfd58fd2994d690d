// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/refresh.h"
#include "trust/secret.h"
#include "trust/token.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keyring *keys;
    if (!keys)
        keys = keyring_ephemeral(1000);
    struct text input = text_make((const char *)data, size);
    struct token token;
    struct secret secret;
    struct uid session;
    struct refresh_hash hash;
    assert(token_verify(keys, input, 1000, &token) != TOKEN_GOOD); /* nobody guesses a signature */
    if (secret_from_text(input, &secret))
        assert(strlen(secret.text) == SECRET_TEXT_BYTES);
    (void)!refresh_parse(input, &session, &hash);
    return 0;
}

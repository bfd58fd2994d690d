// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/passkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* client data, LF, authenticator's data, LF, signature; registration and sign-in read the same
     */
    const struct passkey_site site = {TEXT("music.example"), TEXT("https://music.example")};
    struct text rest = text_make((const char *)data, size), client, authenticator = TEXT_NONE;
    struct passkey passkey = {.algorithm = PASSKEY_ES256, .key_size = 64};
    struct passkey_challenge challenge;
    const char *why;
    uint32_t count;
    if (!text_split(&rest, '\n', &client) || !text_split(&rest, '\n', &authenticator))
        return 0;
    (void)!passkey_register(&site, client, authenticator, &passkey, &challenge, &why);
    (void)!passkey_assert(&site, &passkey, client, authenticator, rest, &count, &challenge, &why);
    return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/grant.h"
#include "trust/onetime.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keyring *keys;
    if (!keys)
        keys = keyring_ephemeral(1000);
    struct text input = text_make((const char *)data, size);
    struct grant grant;
    struct onetime onetime;
    assert(grant_verify(keys, input, 1000, &grant) != GRANT_GOOD);
    onetime_init(&onetime);
    assert(onetime_check(&onetime, input) == ONETIME_WRONG);
    return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/keyring.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keyring *ring;
    struct signed_object object;
    enum signed_verdict verdict;
    if (!ring)
        ring = keyring_ephemeral(1000);
    struct text input = text_make((const char *)data, size);
    assert(keyring_check(ring, input, TEXT_NONE, 1000, &object) != SIGNED_GOOD);
    struct keyring *other = keyring_open(keyring_content(ring)->root, input, 1000, &verdict);
    assert(!other && verdict != SIGNED_GOOD);
    return 0;
}

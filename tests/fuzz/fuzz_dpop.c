// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/dpop.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keys *keys;
    const struct dpop_request request = {
        .method = TEXT("POST"), .host = TEXT("host"), .path = TEXT("/p"), .now_s = 1000};
    struct dpop_proof proof;
    struct dpop_witness witness;
    if (!keys)
        keys = keys_ephemeral();
    struct text input = text_make((const char *)data, size);
    assert(!nonce_is_good(keys, TEXT(DPOP_PURPOSE), input, 1000));
    assert(dpop_verify(keys, input, &request, &proof) != DPOP_GOOD);
    assert(!dpop_witness(input, TEXT("POST"), TEXT("/p"), &witness));
    return 0;
}

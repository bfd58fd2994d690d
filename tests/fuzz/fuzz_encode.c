// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/encode.h"
#include "base/timestamp.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t decoded[1024];
    struct text input = text_make((const char *)data, size);
    size_t decoded_size = decode_base64url(input, decoded, sizeof decoded);
    if (decoded_size != SIZE_MAX) { /* strict: what decodes, encodes back to the same */
        struct buffer again;
        buffer_init(&again, 4096);
        encode_base64url(&again, decoded, decoded_size);
        assert(text_equal(buffer_view(&again), input));
        buffer_release(&again);
    }
    int64_t when;
    if (decode_hex(input, decoded, sizeof decoded) == SIZE_MAX &&
        timestamp_from_rfc3339(input, &when))
        assert(when > -62200000000000 && when < 253500000000000);
    return 0;
}

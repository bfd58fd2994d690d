// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/words.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer decoded, clean;
    buffer_init(&decoded, 1 << 20);
    buffer_init(&clean, 1 << 20);
    words_from_bytes(text_make((const char *)data, size), &decoded);
    assert(text_is_utf8(buffer_view(&decoded)));
    (void)words_clean(text_make((const char *)data, size), size & 1, 200, &clean);
    assert(text_is_utf8(buffer_view(&clean)) && clean.size <= 200);
    buffer_release(&decoded);
    buffer_release(&clean);
    return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/stored.h"
#include <assert.h>

/* What is read is written again as it was. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(1 << 20);
    struct buffer out;
    struct stored stored, again;
    buffer_init(&out, 1 << 20);
    if (stored_read(text_make((const char *)data, size), arena, &stored)) {
        assert(stored_write(&stored, &out) && stored_read(buffer_view(&out), arena, &again));
        assert(again.fields.count == stored.fields.count && again.status == stored.status);
        assert(caching_age_ms(&again.freshness, INT64_C(1) << 50) >=
               again.freshness.age_at_response_ms);
    }
    buffer_release(&out);
    arena_free(&arena);
    return 0;
}

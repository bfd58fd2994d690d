// SPDX-License-Identifier: GPL-3.0-or-later
/* What a taken-over worker might answer. */
#include "media/wire.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_reply reply;
    struct media_info info;
    struct buffer again;
    buffer_init(&again, MEDIA_INFO_MAX_BYTES);
    if (wire_decode_reply(text_make((const char *)data, size), &reply) &&
        media_info_decode(reply.payload, &info)) {
        media_info_encode(&info,
                          &again); /* one form only: what decodes, encodes back to the same */
        assert(text_equal(buffer_view(&again), reply.payload));
        media_info_release(&info);
    }
    buffer_release(&again);
    return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* Any bytes as a sound file: what the worker says of it must decode. */
#include "media/worker/probe.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_input(void *context, uint64_t offset, void *into, size_t size)
{
    memcpy(into, *(const uint8_t **)context + offset, size);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct media_info info;
    struct buffer out;
    struct probe *probe = probe_new();
    buffer_init(&out, COVER_MAX_BYTES);
    if (probe_read(probe, read_input, &data, size, &out) == MEDIA_OK) {
        assert(media_info_decode(buffer_view(&out), &info));
        media_info_release(&info);
    }
    buffer_reset(&out);
    (void)!probe_cover(probe, read_input, &data, size, &out);
    buffer_release(&out);
    probe_free(&probe);
    return 0;
}

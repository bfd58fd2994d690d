// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/manifest_read.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A manifest of another node: why it is none, or renditions whose objects are listed or not. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[MANIFEST_WHY_BYTES];
    struct manifest_body body;
    bool is_read = manifest_read(text_make((const char *)data, size), &body, why);
    assert(is_read == !*why);
    for (unsigned i = 0; is_read && i < RENDITION_COUNT; i++) {
        const struct manifest_rendition *one = &body.renditions[i];
        assert(!one->count || manifest_find(&body, i, SEGMENTER_SEGMENT, one->count - 1));
        assert(!manifest_find(&body, i, SEGMENTER_SEGMENT, one->count));
    }
    if (is_read)
        manifest_body_release(&body);
    return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/cmaf_read.h"
#include "media/segmenter.h"
#include <assert.h>

static bool check(void *context, const struct segmenter_object *object)
{
    struct cmaf_init init;
    struct cmaf_fragment fragment;
    const char *why;
    (void)context; /* whatever a worker says, what we make of it can be read */
    assert(object->kind == SEGMENTER_INIT ? cmaf_read_init(object->bytes, &init, &why)
                                          : cmaf_read_fragment(object->bytes, 1, &fragment, &why));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segmenter *segmenter = segmenter_new(check, NULL);
    (void)!segmenter_put(segmenter, text_make((const char *)data, size));
    segmenter_free(&segmenter);
    return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/model.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct model_limits limits = {1000, 1000, 10, 10};
    struct text bytes = text_make((const char *)data, size), kind;
    struct operation operation = {.seq = 1, .hlc = 1, .accepted_ms = 1000};
    struct model model;
    const char *why;
    bool is_whole = operation_decode(bytes, &operation, &why);
    if (!is_whole && text_split(&bytes, '\n', &kind)) { /* "kind\npayload" */
        operation.kind = kind;
        operation.payload = bytes;
    }
    model_init(&model, &limits);
    model_settle(&model);
    if (operation.payload.size >= 2 && operation.kind.size <= OPERATION_MAX_KIND_BYTES)
        (void)model_merge(&model, &operation, NULL, &why);
    model_release(&model);
    return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/batch.h"
#include "state/position.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text body = text_make((const char *)data, size), before, after = body;
    struct batch *batch = batch_new(NULL, &(struct batch_author){.client = body, .now_ms = 1000});
    struct position middle;
    const char *why = NULL;
    assert(batch_json(batch, body, &why) == !why);
    batch_free(&batch);
    if (text_split(&after, '\n', &before) && position_is_valid(before) &&
        position_is_valid(after) && text_compare(before, after) < 0 &&
        position_between(before, after, &middle))
        assert(text_compare(before, text_of(middle.digits)) < 0 &&
               text_compare(text_of(middle.digits), after) < 0);
    return 0;
}

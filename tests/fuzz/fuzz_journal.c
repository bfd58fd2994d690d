// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/operation.h"
#include "store/segment.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text bytes = text_make((const char *)data, size);
    struct segment_header header;
    struct segment_item item;
    struct operation operation;
    const char *why;
    uint64_t last = 0;
    if (segment_decode_header(bytes, &header, &why) == 1)
        last = header.first_lsn - 1;
    struct segment_reader reader = segment_reader_of(bytes, last);
    for (enum segment_step step;
         (step = segment_next(&reader, &item)) != SEGMENT_END && step != SEGMENT_TAIL;)
        if (step == SEGMENT_RECORD)
            (void)!operation_decode(item.bytes, &operation, &why);
    return 0;
}

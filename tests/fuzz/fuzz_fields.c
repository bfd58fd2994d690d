// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/accept_encoding.h"
#include "http/conditional.h"
#include "http/date.h"
#include "http/range.h"
#include "http/redact.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text input = text_make((const char *)data, size);
    struct http_ranges ranges;
    uint64_t length = size * size;
    if (http_range_parse(input, length, &ranges) == HTTP_RANGE_PARTIAL)
        for (size_t i = 0; i < ranges.count; i++)
            assert(ranges.items[i].first <= ranges.items[i].last && ranges.items[i].last < length);
    int64_t when, again;
    struct http_date_text shown;
    if (http_date_parse(input, 1795287600, &when))
        assert(http_date_parse(http_date_write(&shown, when), 1795287600, &again) && again == when);
    assert(http_coding_choose(input, (bool[]){true, true, false}) != HTTP_CODING_BROTLI);
    struct http_field fields[] = {{TEXT("If-None-Match"), input}, {TEXT("If-Range"), input}};
    struct http_request request = {.method = HTTP_METHOD_GET, .fields = fields, .field_count = 2};
    (void)http_if_range_holds(&request, &(struct http_validators){TEXT("x"), 0}, 9);
    assert(http_condition_of(&request, &(struct http_validators){TEXT("x"), 0}, 9) !=
           HTTP_CONDITION_FAILED);
    struct buffer out;
    buffer_init(&out, 1 << 20);
    http_redact_target(&out, input);
    for (size_t i = 0; i < out.size; i++)
        assert(out.data[i] >= 0x20 && out.data[i] < 0x7f);
    buffer_release(&out);
    return 0;
}

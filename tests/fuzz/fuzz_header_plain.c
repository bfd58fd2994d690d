// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/buffer.h"
#include "http/header.h"
#include <assert.h>

/* "GET /" and the data: what is read without llhttp must read the same with it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer buffer;
    buffer_init(&buffer, SIZE_MAX);
    buffer_text(&buffer, TEXT("GET /"));
    buffer_append(&buffer, data, size);
    struct text header = buffer_view(&buffer), rest = header, line;
    struct http_field plain[32], fields[32];
    struct http_refusal why;
    size_t count = 0, end = text_find_byte(header, '\r');
    bool is_line = end != SIZE_MAX && text_ends(text_make(header.data, end), TEXT(" HTTP/1.1"));
    for (size_t i = 5; is_line && i + 9 < end; i++) /* the target, as target.c wants it */
        is_line = header.data[i] > ' ' && header.data[i] <= '~' && header.data[i] != '#';
    while (text_split(&rest, '\n', &line))
        count++;
    if (is_line && count >= 3 && count - 3 <= 32 &&
        http_header_read_plain(text_from(header, end + 2), count - 3, plain)) {
        assert(!http_header_read_fields(header, HTTP_HEADER_OF_REQUEST, count - 3, fields, &why));
        for (size_t i = 0; i < count - 3; i++)
            assert(text_equal(plain[i].name, fields[i].name) &&
                   text_equal(plain[i].value, fields[i].value));
    }
    buffer_release(&buffer);
    return 0;
}

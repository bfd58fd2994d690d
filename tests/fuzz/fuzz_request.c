// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "http/chunked.h"
#include "http/parser.h"
#include <assert.h>

static const struct http_limits limits = {4096, 40, 1024};

/* The first byte says where the request is cut in two: cut or whole, it must read the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(1 << 16);
    struct text bytes = text_from(text_make((const char *)data, size), 1);
    struct http_request request = {0}, again = {0};
    struct http_refusal why;
    struct http_parser parser = {0}, cut = {0};
    size_t consumed = 0, consumed_again = 0;
    int result = http_parser_read(&parser, bytes, &limits, arena, &request, &consumed, &why);
    size_t at = bytes.size ? data[0] % bytes.size : 0;
    int early = http_parser_read(&cut, text_make(bytes.data, at), &limits, arena, &again,
                                 &consumed_again, &why);
    int late = early ? early
                     : http_parser_read(&cut, bytes, &limits, arena, &again, &consumed_again, &why);
    assert(late == result && consumed == consumed_again &&
           request.field_count == again.field_count);
    assert(result <= 0 ||
           (request.path.size > 0 && request.path.data[0] == '/' && text_is_utf8(request.path)));
    assert(result <= 0 || !text_contains(request.path, TEXT("/../")));
    struct text rest = text_from(bytes, consumed);
    struct http_chunked chunked = {0};
    struct buffer body;
    buffer_init(&body, 1024);
    if (result > 0 && request.content_length == UINT64_MAX)
        assert(http_chunked_decode(&chunked, &rest, &body) <= 1 && body.size <= 1024);
    buffer_release(&body);
    arena_free(&arena);
    return 0;
}

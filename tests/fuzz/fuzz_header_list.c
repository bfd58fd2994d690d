// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/header_list.h"
#include "http/priority.h"
#include <assert.h>

/* Lines "name=value" as an HTTP/2 header list. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http_limits limits = {4096, 40, 1024};
    struct arena *arena = arena_new(1 << 14);
    struct http_header_list list;
    struct http_request request;
    struct http_refusal why;
    struct http_priority priority;
    struct text rest = {(const char *)data, size}, line;
    http_header_list_init(&list, arena);
    while (text_split(&rest, '\n', &line)) {
        size_t at = text_find_byte(line, '=');
        struct text value = at == SIZE_MAX ? TEXT_NONE : text_from(line, at + 1);
        http_header_list_add(&list, text_make(line.data, at == SIZE_MAX ? line.size : at), false,
                             value, &limits);
        assert(http_priority_parse(value, &priority) || !priority.has_urgency);
        assert(priority.urgency <= HTTP_URGENCY_LAST);
    }
    if (http_header_list_finish(&list, &limits, size % 2, &request, &why) == HTTP_HEADER_FINE)
        assert(request.path.data[0] == '/' && request.host.size > 0);
    arena_free(&arena);
    return 0;
}

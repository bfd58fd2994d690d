// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/response.h"
#include <assert.h>

static const struct http_limits limits = {4096, 40, 1024};

/* The first byte says where the body is cut in two: cut or whole, as much of it must come. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(1 << 16);
    struct text bytes = text_from(text_make((const char *)data, size), 1), piece = TEXT_NONE;
    struct http_response response;
    struct http_parser parser = {0};
    size_t consumed = 0, total[2] = {0, 0};
    const char *why = NULL;
    if (http_response_read(&parser, bytes, &limits, HTTP_METHOD_GET, arena, &response, &consumed,
                           &why) > 0)
        for (int cut = 0; cut < 2; cut++) {
            struct http_body body;
            struct text rest = text_from(bytes, consumed), first = rest;
            http_body_init(&body, &response);
            first.size = cut && rest.size ? data[0] % rest.size : 0;
            rest = text_from(rest, first.size);
            while (http_body_next(&body, first.size ? &first : &rest, &piece) == 0 &&
                   (piece.size || first.size || rest.size))
                total[cut] += piece.size;
            total[cut] += piece.size;
        }
    assert(total[0] == total[1]);
    arena_free(&arena);
    return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/fields.h"
#include "http/response.h"
#include <assert.h>

static const struct http_limits limits = {4096, 40, 1024};

/* A chunked body: what its trailers become are clean fields, and none that frames a message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = text_make((const char *)data, size), piece;
    struct arena *arena = arena_new(1 << 16);
    struct buffer lines;
    struct http_chunked chunked;
    const struct http_field *fields = NULL;
    size_t count = 0;
    const char *why = NULL;
    buffer_init(&lines, 16384);
    http_chunked_init(&chunked);
    chunked.trailers = &lines;
    int state = 0;
    do
        state = http_chunked_piece(&chunked, &rest, &piece);
    while (state == 0 && piece.size > 0);
    if (state > 0 &&
        http_trailers_read(buffer_view(&lines), &limits, arena, &fields, &count, &why) == 0)
        for (size_t i = 0; i < count; i++)
            assert(http_is_token(fields[i].name) &&
                   !text_equal_nocase(fields[i].name, TEXT("Content-Length")));
    buffer_release(&lines);
    arena_free(&arena);
    return 0;
}

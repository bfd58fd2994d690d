// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/message.h"
#include "http/target.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(1 << 16);
    struct text input = text_make((const char *)data, size);
    struct http_parameters found;
    if (http_parameters_parse(arena, input, 100, &found))
        for (size_t i = 0; i < found.count; i++)
            assert(found.items[i].name.data &&
                   !memchr(found.items[i].value.data, 0, found.items[i].value.size));
    struct http_target target;
    struct http_refusal why;
    if (http_target_parse(arena, input, &target, &why))
        assert(target.path.data[0] == '/' && !text_contains(target.path, TEXT("/../")));
    struct text host = http_host_normalise(arena, input);
    assert(!host.data || http_host_without_port(host).size > 0);
    arena_free(&arena);
    return 0;
}

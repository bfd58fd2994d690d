// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/message.h"
#include "tap.h"

int main(void)
{
    struct arena *arena = arena_new(1 << 16);
    struct http_parameters found;
    OK(http_parameters_parse(arena, TEXT("a=1&b=x+y%20z%26&a=2&c&&=e&d=%2Fq=r"), 10, &found),
       "parameters are read");
    OK(found.count == 6, "empty ones are skipped, the others kept with repeats");
    OK_TEXT(http_parameter(&found, TEXT("a")), TEXT("1"), "the first of a name");
    OK_TEXT(found.items[2].value, TEXT("2"), "the second");
    OK_TEXT(http_parameter(&found, TEXT("b")), TEXT("x y z&"), "plus and escapes are decoded once");
    struct text empty = http_parameter(&found, TEXT("c"));
    OK(empty.data && empty.size == 0, "a name without '=' has the empty value");
    OK_TEXT(http_parameter(&found, TEXT("")), TEXT("e"), "an empty name is a name");
    OK_TEXT(http_parameter(&found, TEXT("d")), TEXT("/q=r"), "the first '=' separates");
    OK(!http_parameter(&found, TEXT("A")).data, "names are compared exactly");
    OK(http_parameters_parse(arena, TEXT(""), 10, &found) && found.count == 0,
       "an empty query has none");
    OK(http_parameters_parse(arena, TEXT("a&b"), 2, &found), "as many as allowed");
    OK(!http_parameters_parse(arena, TEXT("a&b&c"), 2, &found), "more are refused");
    OK(!http_parameters_parse(arena, TEXT("a=%"), 2, &found), "a cut escape is refused");
    OK(!http_parameters_parse(arena, TEXT("a=%4"), 2, &found), "a half escape is refused");
    OK(!http_parameters_parse(arena, TEXT("a=%g1"), 2, &found),
       "an escape that is not hex is refused");
    OK(!http_parameters_parse(arena, TEXT("a=%00"), 2, &found), "an escaped NUL is refused");
    OK(!http_parameters_parse(arena, text_make("a=\0", 3), 2, &found), "a NUL as such too");
    struct arena *small = arena_new(16);
    OK(!http_parameters_parse(small, TEXT("a=1&b=2"), 2, &found) && arena_overflowed(small),
       "an arena too small");
    arena_free(&small);
    arena_free(&arena);
    return tap_done();
}

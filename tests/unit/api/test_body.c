// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/body.h"
#include "tap.h"

#include <string.h>

static bool parses(struct text bytes)
{
    char why[160] = "";
    json_t *object = body_parse(bytes, why);
    bool parsed = object != NULL;
    json_decref(object);
    return parsed && !*why;
}

static void test_refusals(void)
{
    OK(parses(TEXT("{\"a\": [1, {\"b\": \"{[\\\"\"}]}")),
       "an object parses, brackets in its strings do not count");
    OK(!parses(TEXT("")), "an empty body is refused");
    OK(!parses(TEXT("[1]")), "an array is refused");
    OK(!parses(TEXT("{\"a\":1,\"a\":2}")), "a name given twice is refused");
    OK(!parses(TEXT("{\"a\":\"\xff\"}")), "bytes that are not UTF-8 are refused");
    OK(!parses(TEXT("{\"a\":\"b\\u0000c\"}")), "a NUL in a string is refused");
    OK(!parses(TEXT("{\"a\":1}x")), "bytes behind the object are refused");
    char deep[5 + 200];
    memset(deep, '[', sizeof(deep));
    memcpy(deep, "{\"a\":", 5);
    OK(!parses(text_make(deep, sizeof(deep))), "deep nesting is refused before it is parsed");
}

static void test_members(void)
{
    char why[160];
    json_t *object = body_parse(TEXT("{\"name\":\"anna\",\"full\":true,\"n\":1}"), why);
    struct text name = TEXT_NONE;
    bool full = false, other = true;
    OK(body_text(object, "name", 1, 10, &name) && text_equal(name, TEXT("anna")), "a text is read");
    OK(!body_text(object, "name", 1, 3, &name), "a text that is too long is not");
    OK(!body_text(object, "n", 0, 10, &name), "a number is no text");
    OK(body_bool(object, "full", false, &full) && full, "a boolean is read");
    OK(body_bool(object, "absent", false, &other) && !other, "an absent boolean is its default");
    OK(!body_bool(object, "n", false, &full), "a number is no boolean");
    json_decref(object);
}

int main(void)
{
    test_refusals();
    test_members();
    return tap_done();
}

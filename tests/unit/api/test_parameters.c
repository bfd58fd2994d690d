// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/parameters.h"
#include "tap.h"

#define P(n, v)                    \
    {                              \
        TEXT_INIT(n), TEXT_INIT(v) \
    }

static const struct check_case {
    const char *line;
    struct http_parameter items[3];
    size_t count;
    enum parameter_fault fault;
    struct text name;
    const char *claim;
} cases[] = {
    {"id!", {P("id", "tr-1")}, 1, PARAMETER_FINE, TEXT_INIT(""), "what must be there is there"},
    {"id!",
     {P("x", "1")},
     1,
     PARAMETER_MISSING,
     TEXT_INIT("id"),
     "what must be there is missed by name"},
    {"id!",
     {P("id", "")},
     1,
     PARAMETER_MISSING,
     TEXT_INIT("id"),
     "an empty value counts as absent"},
    {"size#",
     {P("size", "")},
     1,
     PARAMETER_FINE,
     TEXT_INIT(""),
     "an empty number counts as absent"},
    {"a size#", {P("size", "10")}, 1, PARAMETER_FINE, TEXT_INIT(""), "a number passes"},
    {"a size#",
     {P("size", "-1")},
     1,
     PARAMETER_NOT_NUMBER,
     TEXT_INIT("size"),
     "a negative number is refused"},
    {"size#",
     {P("size", "1e3")},
     1,
     PARAMETER_NOT_NUMBER,
     TEXT_INIT("size"),
     "an exponent is refused"},
    {"size#",
     {P("size", "9007199254740993")},
     1,
     PARAMETER_NOT_NUMBER,
     TEXT_INIT("size"),
     "a number past 2^53 is refused"},
    {"time#!",
     {P("time", "1"), P("time", "x")},
     2,
     PARAMETER_NOT_NUMBER,
     TEXT_INIT("time"),
     "each value of a repeated parameter is checked"},
    {"on?", {P("on", "TRUE")}, 1, PARAMETER_FINE, TEXT_INIT(""), "true in capitals is true"},
    {"on?",
     {P("on", "yes")},
     1,
     PARAMETER_NOT_BOOL,
     TEXT_INIT("on"),
     "other words are not a boolean"},
    {"",
     {P("any", "\xff")},
     1,
     PARAMETER_NOT_TEXT,
     TEXT_INIT("value"),
     "bytes that are not UTF-8 are refused"},
    {"  id!   b# ",
     {P("id", "1")},
     1,
     PARAMETER_FINE,
     TEXT_INIT(""),
     "spaces in the line do not matter"},
};

static void test_reading(void)
{
    static const struct http_parameter items[] = {P("a", ""), P("a", "x"), P("n", "7"), P("a", "y"),
                                                  P("f", "0")};
    struct http_parameters parameters = {items, ARRAY_SIZE(items)};
    OK_TEXT(parameter_text(&parameters, "a"), TEXT("x"),
            "the first value that is not empty is read");
    OK(parameter_number(&parameters, "n", 1) == 7 && parameter_number(&parameters, "m", 1) == 1,
       "an absent number is its default");
    OK(!parameter_bool(&parameters, "f", true) && parameter_bool(&parameters, "g", true),
       "an absent boolean is its default");
    size_t cursor = 0, count = 0;
    struct text value;
    while (parameter_next(&parameters, "a", &cursor, &value))
        count++;
    OK(count == 2 && text_equal(value, TEXT("y")), "repeated values come in order");
}

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct check_case *c = &cases[i];
        struct http_parameters parameters = {c->items, c->count};
        struct text name = TEXT_NONE;
        OK(parameters_check(c->line, &parameters, &name) == c->fault && text_equal(name, c->name),
           c->claim);
    }
    test_reading();
    return tap_done();
}

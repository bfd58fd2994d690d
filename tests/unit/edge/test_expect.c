// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/expect.h"
#include "tap.h"

static void test_lines(void)
{
    static const char *const bad[] = {"",        "/m/",      "m/ min=1", "/m/ min",
                                      "/ min=x", "/ size=1", "/ type=",  "/ min=-1"};
    struct expect_rule rule;
    OK(expect_parse(TEXT("/m/ type=audio/ min=1000  without=<html"), &rule) &&
           text_equal(rule.path, TEXT("/m/")) && text_equal(rule.type, TEXT("audio/")) &&
           text_equal(rule.without, TEXT("<html")) && rule.min_bytes == 1000,
       "a rule is a path and what is expected there");
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        OK(!expect_parse(text_of(bad[i]), &rule), "what says nothing, or nothing known, is none");
}

static void test_choice(void)
{
    struct expect_rule rules[3];
    (void)!(expect_parse(TEXT("/ min=1"), &rules[0]) &&
            expect_parse(TEXT("/m/a min=2"), &rules[1]) &&
            expect_parse(TEXT("/m/ min=3"), &rules[2]));
    OK(expect_for(rules, 3, TEXT("/m/abc")) == &rules[1], "the longest beginning counts");
    OK(expect_for(rules, 3, TEXT("/x")) == &rules[0] && !expect_for(rules + 1, 2, TEXT("/x")),
       "or a shorter one, or none");
}

static bool holds(const char *line, unsigned status, const char *type, uint64_t length,
                  const char *body, bool is_whole)
{
    struct expect_rule rule;
    const struct http_field field = {TEXT("Content-Type"), text_of(type)};
    const struct http_response response = {
        .status = status, .fields = &field, .field_count = 1, .content_length = length};
    return expect_parse(text_of(line), &rule) &&
           expect_holds(&rule, &response, text_of(body), is_whole);
}

static void test_judging(void)
{
    OK(holds("/ type=audio/", 200, "Audio/FLAC; x=1", 9, "", false), "a type of the kind");
    OK(!holds("/ type=audio/", 200, "text/html", 9, "", false), "another type");
    OK(!holds("/ type=audio/flac", 206, "audio/mp4", 9, "", false), "of a part too");
    OK(holds("/ type=audio/flac", 404, "text/html", 9, "", false), "an error says what it is");
    OK(!holds("/ min=10", 200, "a/b", 9, "", false), "its length says that it is too short");
    OK(!holds("/ min=10", 200, "a/b", UINT64_MAX, "123456789", true), "or its end does");
    OK(holds("/ min=10", 200, "a/b", UINT64_MAX, "123", false), "more may come");
    OK(holds("/ min=10 without=x", 206, "a/b", 1, "x", true), "a part may be short");
    OK(!holds("/ without=<html", 200, "a/b", 20, "hello <html>", false), "what must not be in it");
    OK(holds("/ without=<html", 200, "a/b", 20, "hello", true), "and is not");
}

int main(void)
{
    test_lines();
    test_choice();
    test_judging();
    return tap_done();
}

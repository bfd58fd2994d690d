// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/conditional.h"
#include "tap.h"

enum { MODIFIED_S = 784111777, NOW_S = 1795287600 };
#define WHEN "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

struct one {
    enum http_method method;
    const char *name, *value, *name2, *value2;
    int expected; /* 200, 304, 412 */
    const char *claim;
};

static const struct one cases[] = {
    {HTTP_METHOD_GET, "X", "y", NULL, NULL, 200, "no precondition"},
    {HTTP_METHOD_GET, "If-None-Match", "\"v1\"", NULL, NULL, 304, "the same tag"},
    {HTTP_METHOD_HEAD, "If-None-Match", "\"v1\"", NULL, NULL, 304, "the same tag, HEAD"},
    {HTTP_METHOD_PUT, "If-None-Match", "\"v1\"", NULL, NULL, 412, "the same tag, PUT"},
    {HTTP_METHOD_GET, "If-None-Match", "W/\"v1\"", NULL, NULL, 304, "the same tag, weakly"},
    {HTTP_METHOD_GET, "If-None-Match", "\"v0\", W/\"v1\"", NULL, NULL, 304, "the tag in a list"},
    {HTTP_METHOD_GET, "If-None-Match", "\"v0\"", "If-None-Match", "\"v1\"", 304,
     "the tag in a second field"},
    {HTTP_METHOD_GET, "If-None-Match", "*", NULL, NULL, 304, "any tag"},
    {HTTP_METHOD_GET, "If-None-Match", "\"v2\"", NULL, NULL, 200, "another tag"},
    {HTTP_METHOD_GET, "If-None-Match", "v1", NULL, NULL, 200, "a tag without quotes is none"},
    {HTTP_METHOD_GET, "If-None-Match", "\"v2\"", "If-Modified-Since", AFTER, 200,
     "another tag outweighs the date"},
    {HTTP_METHOD_GET, "If-Modified-Since", WHEN, NULL, NULL, 304, "not modified since that second"},
    {HTTP_METHOD_GET, "If-Modified-Since", AFTER, NULL, NULL, 304, "not modified since later"},
    {HTTP_METHOD_GET, "If-Modified-Since", BEFORE, NULL, NULL, 200, "modified since before"},
    {HTTP_METHOD_GET, "If-Modified-Since", "yesterday", NULL, NULL, 200,
     "a date that is none is ignored"},
    {HTTP_METHOD_POST, "If-Modified-Since", WHEN, NULL, NULL, 200, "that date is for reading only"},
    {HTTP_METHOD_GET, "If-Match", "\"v1\"", NULL, NULL, 200, "If-Match with the tag"},
    {HTTP_METHOD_GET, "If-Match", "W/\"v1\"", NULL, NULL, 412, "If-Match compares strongly"},
    {HTTP_METHOD_GET, "If-Match", "\"v2\"", NULL, NULL, 412, "If-Match with another tag"},
    {HTTP_METHOD_GET, "If-Match", "*", NULL, NULL, 200, "If-Match with any tag"},
    {HTTP_METHOD_GET, "If-Match", "\"v1\"", "If-Unmodified-Since", BEFORE, 200,
     "the tag outweighs the date"},
    {HTTP_METHOD_GET, "If-Match", "\"v1\"", "If-None-Match", "\"v1\"", 304,
     "first If-Match, then If-None-Match"},
    {HTTP_METHOD_GET, "If-Unmodified-Since", BEFORE, NULL, NULL, 412, "modified in between"},
    {HTTP_METHOD_GET, "If-Unmodified-Since", WHEN, NULL, NULL, 200, "not modified in between"},
};

static const struct {
    const char *value;
    bool holds;
    const char *claim;
} if_range[] = {
    {NULL, true, "without If-Range a range is honoured"},
    {"\"v1\"", true, "with the same tag"},
    {"\"v2\"", false, "not with another"},
    {"W/\"v1\"", false, "not with a weak one"},
    {WHEN, true, "with the exact date"},
    {AFTER, false, "not with a later one"},
    {"nonsense", false, "not with nonsense"},
};

int main(void)
{
    const struct http_validators validators = {TEXT("v1"), MODIFIED_S};
    static const int status_of[] = {200, 304, 412};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct one *one = &cases[i];
        struct http_field fields[] = {{text_of(one->name), text_of(one->value)},
                                      {text_of(one->name2), text_of(one->value2)}};
        struct http_request request = {
            .method = one->method, .fields = fields, .field_count = one->name2 ? 2 : 1};
        OK(status_of[http_condition_of(&request, &validators, NOW_S)] == one->expected, one->claim);
    }
    for (size_t i = 0; i < ARRAY_SIZE(if_range); i++) {
        struct http_field field = {TEXT("if-range"), text_of(if_range[i].value)};
        struct http_request request = {
            .method = HTTP_METHOD_GET, .fields = &field, .field_count = !!if_range[i].value};
        OK(http_if_range_holds(&request, &validators, NOW_S) == if_range[i].holds,
           if_range[i].claim);
    }
    struct http_validators none = {TEXT_NONE, INT64_MIN};
    struct http_field field = {TEXT("If-None-Match"), TEXT("\"\"")};
    struct http_request request = {.method = HTTP_METHOD_GET, .fields = &field, .field_count = 1};
    OK(http_condition_of(&request, &none, NOW_S) == HTTP_CONDITION_HOLDS,
       "no tag matches nothing, not even an empty one");
    field = (struct http_field){TEXT("If-Range"), TEXT(WHEN)};
    struct http_validators fresh = {TEXT("v1"), MODIFIED_S};
    OK(!http_if_range_holds(&request, &fresh, MODIFIED_S),
       "a date within its own second is too weak for If-Range");
    return tap_done();
}

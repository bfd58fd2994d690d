// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/caching_update.h"
#include "tap.h"

static const struct http_field stored[] = {
    {TEXT_INIT("ETag"), TEXT_INIT("\"a\"")},
    {TEXT_INIT("Age"), TEXT_INIT("9")},
    {TEXT_INIT("Content-Length"), TEXT_INIT("5")},
    {TEXT_INIT("X"), TEXT_INIT("1")},
    {TEXT_INIT("Y"), TEXT_INIT("1")},
};
static const struct http_field update[] = {
    {TEXT_INIT("etag"), TEXT_INIT("\"a\"")}, {TEXT_INIT("Content-Length"), TEXT_INIT("7")},
    {TEXT_INIT("x"), TEXT_INIT("2")},        {TEXT_INIT("x"), TEXT_INIT("3")},
    {TEXT_INIT("Z"), TEXT_INIT("4")},        {TEXT_INIT("Connection"), TEXT_INIT("z")},
};
#define STORED ((struct caching_fields){stored, 5})
#define UPDATE ((struct caching_fields){update, 6})

static bool says(struct caching_fields fields, const char *name, const char *value)
{
    return text_equal(caching_field(fields, text_of(name)), text_of(value));
}

static void test_update(void)
{
    struct http_field fields[16];
    struct caching_fields after = {fields, caching_update(STORED, UPDATE, fields, 16)};
    OK(says(after, "X", "2") && caching_field_count(after, TEXT("X")) == 2,
       "3.2: all lines of a field take the place of the stored one");
    OK(says(after, "Y", "1"), "3.2: what the update does not name stays");
    OK(says(after, "Content-Length", "5"), "3.2: Content-Length is exempt");
    OK(!caching_field(after, TEXT("Z")).data && !caching_field(after, TEXT("Connection")).data,
       "3.1: what Connection lists does not get in");
    OK(!caching_field(after, TEXT("Age")).data, "an Age of before is not kept");
    OK(caching_update(STORED, UPDATE, fields, 4) == SIZE_MAX,
       "more than there is room for is told");
}

static void test_matching(void)
{
    const struct http_field weak = {TEXT("ETag"), TEXT("W/\"a\"")},
                            other = {TEXT("ETag"), TEXT("\"b\"")},
                            date = {TEXT("Last-Modified"), TEXT("x")};
    OK(caching_update_matches(STORED, UPDATE), "4.3.4: the same tag");
    OK(caching_update_matches(STORED, (struct caching_fields){&weak, 1}), "4.3.4: compared weakly");
    OK(!caching_update_matches(STORED, (struct caching_fields){&other, 1}), "4.3.4: another tag");
    OK(!caching_update_matches(STORED, (struct caching_fields){&date, 1}), "4.3.4: another date");
    OK(caching_update_matches(STORED, (struct caching_fields){NULL, 0}), "4.3.4: none at all");
}

static void test_versions(void)
{
    static const char strong[] = "\"a\"", *noon = "Sun, 22 Nov 2026 12:00:00 GMT",
                      *minute_before = "Sun, 22 Nov 2026 11:59:00 GMT",
                      *less = "Sun, 22 Nov 2026 11:59:01 GMT";
    static const int64_t noon_ms = INT64_C(1795348800000);
    const struct {
        const char *etag, *modified, *date, *version, *claim;
    } cases[] = {
        {strong, minute_before, noon, strong, "a strong ETag names a version"},
        {"W/\"a\"", minute_before, noon, NULL, "a weak one does not, nor does a date beside it"},
        {NULL, minute_before, noon, minute_before, "without any a date does, a minute old"},
        {NULL, less, noon, NULL, "8.8.2.2: but not one that may still change within its second"},
        {NULL, minute_before, NULL, minute_before, "6.6.1: when it came stands for Date"},
        {NULL, "yesterday", noon, NULL, "what is no date names nothing"},
        {NULL, NULL, noon, NULL, "nor does nothing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const names[] = {"ETag", "Last-Modified", "Date"};
        const char *const values[] = {cases[i].etag, cases[i].modified, cases[i].date};
        struct http_field lines[3];
        struct caching_fields response = {lines, 0};
        for (size_t k = 0; k < 3; k++)
            if (values[k])
                lines[response.count++] =
                    (struct http_field){text_of(names[k]), text_of(values[k])};
        struct text version = caching_version_of(response, noon_ms);
        OK(cases[i].version ? text_equal(version, text_of(cases[i].version)) : !version.data,
           cases[i].claim);
        OK(caching_is_version(response, version) == (cases[i].version != NULL),
           "and so it is, or is not, of its own");
    }
}

static void test_stored(void)
{
    const struct http_field lines[] = {
        {TEXT("Cache-Control"), TEXT("no-cache=\"a, Set-Cookie\", private=b")},
        {TEXT("Connection"), TEXT("close, C")}};
    struct caching_fields response = {lines, 2};
    struct caching_control control;
    caching_control_read(response, &control);
    static const struct {
        const char *name;
        bool is_stored;
    } cases[] = {{"a", false},
                 {"set-cookie", false},
                 {"B", false},
                 {"c", false},
                 {"d", true},
                 {"Upgrade", false},
                 {"Transfer-Encoding", false},
                 {"Content-Type", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        OK(caching_field_is_stored(response, &control, text_of(cases[i].name)) ==
               cases[i].is_stored,
           cases[i].name);
}

int main(void)
{
    test_update();
    test_matching();
    test_versions();
    test_stored();
    return tap_done();
}

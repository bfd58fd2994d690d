// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/caching_targeted.h"
#include "tap.h"

static const struct {
    const char *value;
    int members; /* -1: no dictionary (RFC 8941 4.2.2) */
} cases[] = {
    {"", 0},
    {"max-age=1", 1},
    {"  max-age=1 ,\tpublic", 2},
    {"max-age=1,", -1},
    {",max-age=1", -1},
    {"max-age = 1", -1},
    {"Max-Age=1", -1},
    {"a=?1;b;c=2, d=?0", 2},
    {"a=?2", -1},
    {"a=1.5", 1},
    {"a=1.", -1},
    {"a=1.2345", -1},
    {"a=999999999999999", 1},
    {"a=1234567890123456", -1},
    {"a=-", -1},
    {"a=\"b, c\", d", 2},
    {"a=\"b", -1},
    {"a=\"\\x\"", -1},
    {"a=:aGk=:", 1},
    {"a=:a*:", -1},
    {"a=(1 \"b\" c);d", 1},
    {"a=(1\"b\")", -1},
    {"a=(1", -1},
    {"a=*b/c:d", 1},
    {"a=b c", -1},
    {"max-age=1, &&&&", -1},
};

int main(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text rest = text_of(cases[i].value);
        struct caching_member member;
        int members = 0, taken;
        while ((taken = caching_member_next(&rest, &member)) > 0)
            members++;
        OK((taken < 0 ? -1 : members) == cases[i].members, cases[i].value);
    }
    struct http_field fields[] = {
        {TEXT("CDN-Cache-Control"), TEXT("max-age=1")},
        {TEXT("CDN-Cache-Control"), TEXT("max-age=-7, no-store=?0, private")}};
    struct caching_control control = {.max_age_s = CACHING_UNSET};
    OK(caching_targeted_read((struct caching_fields){fields, 2}, &control) &&
           control.max_age_s == 0 && !control.no_store && control.is_private,
       "lines are one dictionary; of a member said twice the last counts");
    fields[1].value = TEXT("max-age=\"1\"");
    control.max_age_s = CACHING_UNSET;
    OK(caching_targeted_read((struct caching_fields){fields + 1, 1}, &control) &&
           control.max_age_s == CACHING_UNSET,
       "a directive of the wrong type counts as absent (RFC 9213 2.1)");
    return tap_done();
}

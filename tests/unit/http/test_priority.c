// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/priority.h"
#include "tap.h"

static const struct {
    const char *value;
    unsigned urgency;
    bool is_incremental, has_urgency, is_read;
} cases[] = {
    {"", 3, false, false, true},
    {"u=0", 0, false, true, true},
    {"u=7, i", 7, true, true, true},
    {"i", 3, true, false, true},
    {"i=?0", 3, false, false, true},
    {"i=?1,u=5", 5, true, true, true},
    {"  u=1  ,\t i ", 1, true, true, true},
    {"u=8", 3, false, false, true},
    {"u=-1", 3, false, false, true},
    {"u=1.0", 3, false, false, true},
    {"u=\"1\"", 3, false, false, true},
    {"u", 3, false, false, true},
    {"i=1", 3, false, false, true},
    {"u=1, u=6", 6, false, true, true},
    {"u=1;x=\"a,b\";y, i;z=:YWI=:", 1, true, true, true},
    {"other=(a b \"c\");q, u=2", 2, false, true, true},
    {"a=tok/en*, b=?1, c=-12.5, *k=1, u=4", 4, false, true, true},
    {"u=1,", 3, false, false, false},
    {",u=1", 3, false, false, false},
    {"u=1 i", 3, false, false, false},
    {"U=1", 3, false, false, false},
    {"u=", 3, false, false, false},
    {"u=1, a=\"open", 3, false, false, false},
    {"u=1, a=(b", 3, false, false, false},
    {"u=1, a=?2", 3, false, false, false},
    {"u=1, a=1.2345", 3, false, false, false},
    {"u=1234567890123456", 3, false, false, false},
};

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_priority got;
        bool is_read = http_priority_parse(text_of(cases[i].value), &got);
        OK(is_read == cases[i].is_read && got.urgency == cases[i].urgency &&
               got.is_incremental == cases[i].is_incremental &&
               got.has_urgency == cases[i].has_urgency,
           cases[i].value);
    }
    return tap_done();
}

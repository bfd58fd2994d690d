// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/query.h"
#include "tap.h"

#include <string.h>

static const char *const drop[] = {"utm_*", "fbclid"};

static const struct {
    const char *target, *dropped, *sorted;
} cases[] = {
    {"/a", "/a", "/a"},
    {"/a?", "/a?", "/a?"},
    {"/a?b=2&a=1", "/a?b=2&a=1", "/a?a=1&b=2"},
    {"/a?utm_source=x&b=2&fbclid&a=1", "/a?b=2&a=1", "/a?a=1&b=2"},
    {"/a?fbclid=1", "/a", "/a"},
    {"/a?fbclids=1&utm=2", "/a?fbclids=1&utm=2", "/a?fbclids=1&utm=2"},
    {"/a?x=2&x=1&a", "/a?x=2&x=1&a", "/a?a&x=2&x=1"},
    {"/a?b=?fbclid&=&", "/a?b=?fbclid&=&", "/a?=&&b=?fbclid"},
};

static void test_many(struct arena *arena)
{
    const struct query_rules rules = {drop, 2, true};
    char target[2 * QUERY_PARAMETERS_MAX + 8] = "/?";
    for (size_t i = 0; i <= QUERY_PARAMETERS_MAX; i++)
        memcpy(target + 2 + 2 * i, "z&", 3);
    struct text many = text_of(target);
    OK(query_normalise(&rules, many, arena).data == many.data,
       "more parameters than are looked at stay as they are");
}

int main(void)
{
    struct arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct text target = text_of(cases[i].target);
        const struct query_rules nothing = {0}, drops = {drop, 2, false}, sorts = {drop, 2, true};
        OK(query_normalise(&nothing, target, arena).data == target.data,
           "without a rule nothing is changed");
        OK_TEXT(query_normalise(&drops, target, arena), text_of(cases[i].dropped), cases[i].target);
        OK_TEXT(query_normalise(&sorts, target, arena), text_of(cases[i].sorted), cases[i].target);
    }
    test_many(arena);
    arena_free(&arena);
    return tap_done();
}

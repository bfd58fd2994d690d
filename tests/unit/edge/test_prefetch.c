// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/prefetch.h"
#include "base/buffer.h"
#include "twin.h"

static const struct {
    const char *pattern, *target, *next; /* NULL: it does not fit */
} cases[] = {
    {"/{n}.m4s", "/m/7/aac.1/3.m4s", "/m/7/aac.1/4.m4s"},
    {"/{n}.m4s", "/m/7/aac.1/9.m4s?g=1.2/3.m4s", "/m/7/aac.1/10.m4s?g=1.2/3.m4s"},
    {"/{n}.m4s", "/m/init.mp4", NULL},
    {"/{n}.m4s", "/m/x3.m4s", NULL},
    {"/{n}.m4s", "/.m4s", NULL},
    {"/{n}.m4s", ".m4s", NULL},
    {"/seg-{n}.ts", "/a/seg-009.ts", "/a/seg-010.ts"},
    {"/seg-{n}", "/a/seg-12", "/a/seg-13"},
    {"/{n}", "/12345678901", NULL}, /* no number of a sequence */
};

static void test_patterns(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buffer out;
        buffer_init(&out, 100);
        bool fits = prefetch_next(text_of(cases[i].pattern), text_of(cases[i].target), &out);
        OK_TEXT(fits ? buffer_view(&out) : TEXT("-"),
                cases[i].next ? text_of(cases[i].next) : TEXT("-"), cases[i].target);
        buffer_release(&out);
    }
    OK(prefetch_pattern_is_sound(TEXT("/{n}.m4s")) && !prefetch_pattern_is_sound(TEXT("{n}")) &&
           !prefetch_pattern_is_sound(TEXT("/a")) && !prefetch_pattern_is_sound(TEXT("/{n}{n}")),
       "a pattern has one number, behind something");
}

static void test_life(void)
{
    struct prefetch *prefetch = prefetch_new(&(struct prefetch_limits){1000, 5000, 2});
    OK(prefetch_may_begin(prefetch, 7, 1000), "it may be asked for");
    OK(!prefetch_may_begin(prefetch, 7, 1000), "once");
    prefetch_came_not(prefetch, 7, true, 1000);
    OK(!prefetch_may_begin(prefetch, 7, 2000), "the end of a sequence is remembered");
    OK(prefetch_may_begin(prefetch, 7, 62000), "for a while");
    prefetch_came_not(prefetch, 7, false, 62000);
    OK(prefetch_may_begin(prefetch, 7, 62001), "what failed may be tried again");
    prefetch_came(prefetch, 7, 10, 62002);
    OK(!prefetch_may_begin(prefetch, 7, 62003), "what has come is not asked for");
    prefetch_visited(prefetch, 7, 62004);
    OK(prefetch_may_begin(prefetch, 7, 62005), "a listener has come for it: it is forgotten");
    prefetch_free(&prefetch);
}

static void test_what_is_expected(void)
{
    struct prefetch *prefetch = prefetch_new(&(struct prefetch_limits){1000, 100000, 4});
    size_t begun = 0;
    OK(prefetch_may_begin(prefetch, 1, 1000), "one is asked for");
    prefetch_came(prefetch, 1, 4000, 1000);
    for (uint64_t key = 2; key < 6; key++)
        begun += prefetch_may_begin(prefetch, key, 20000);
    OK(begun == 1, "what is on its way counts as much as what came before it");
    for (uint64_t key = 2; key < 6; key++)
        prefetch_came_not(prefetch, key, false, 20000);
    OK(prefetch_may_begin(prefetch, 7, 20000), "and what does not come is given back");
    prefetch_free(&prefetch);
}

static void test_budgets(void)
{
    struct prefetch *prefetch = prefetch_new(&(struct prefetch_limits){1000, 2500, 2});
    OK(prefetch_may_begin(prefetch, 1, 1000) && prefetch_may_begin(prefetch, 2, 1000),
       "as many at once as may be");
    OK(!prefetch_may_begin(prefetch, 3, 1000), "and not one more");
    prefetch_came(prefetch, 1, 1500, 1000);
    prefetch_came_not(prefetch, 2, false, 1000);
    OK(!prefetch_may_begin(prefetch, 3, 1400), "bytes a second: what came beyond is made up for");
    OK(prefetch_may_begin(prefetch, 3, 1600), "and then it goes on");
    prefetch_came(prefetch, 3, 1000, 1600);
    OK(!prefetch_may_begin(prefetch, 4, 9000), "what nobody came for is bounded");
    prefetch_visited(prefetch, 1, 9000);
    OK(prefetch_may_begin(prefetch, 4, 9000), "until somebody does");
    prefetch_came(prefetch, 4, 2000, 9000);
    OK(!prefetch_may_begin(prefetch, 5, 20000) &&
           prefetch_may_begin(prefetch, 5, 10 * 60000 + 9001),
       "or nobody has for so long that it was for nothing");
    prefetch_free(&prefetch);
}

/* Also without the guard. */
static void test_bounds(void)
{
    struct prefetch *prefetch = prefetch_new(&(struct prefetch_limits){1000, 2500, 1});
    OK(prefetch_may_begin(prefetch, 1, 1000), "one may be asked for");
    OK_GUARDED(GUARD_PREFETCH_BUDGET, !prefetch_may_begin(prefetch, 2, 1000),
               "as many at once as may be, and not one more");
    prefetch_came(prefetch, 1, 3000, 1000);
    OK_GUARDED(GUARD_PREFETCH_BUDGET, !prefetch_may_begin(prefetch, 3, 1100),
               "bytes beyond a second's are made up for");
    OK_GUARDED(GUARD_PREFETCH_BUDGET, !prefetch_may_begin(prefetch, 4, 60000),
               "what nobody came for is bounded");
    prefetch_free(&prefetch);
}

int main(void)
{
    twin_begin();
    test_bounds();
    test_patterns();
    test_life();
    if (guard_is_on(GUARD_PREFETCH_BUDGET)) {
        test_what_is_expected();
        test_budgets();
    }
    return tap_done();
}

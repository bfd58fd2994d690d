// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/feed.h"
#include "tap.h"

#include <string.h>

static struct uid account_of(uint8_t i) { return (struct uid){{i, 1}}; }

static struct feed *feed_of(size_t max_changes)
{
    struct feed *feed = feed_new(7, 2, max_changes);
    feed_object(feed, TEXT("/catalog/1"), 2, 10, 1);
    feed_object(feed, TEXT("/keys"), 2, 1, 0);
    feed_begin(feed, 0xfeedf00d, 1000);
    return feed;
}

static size_t count_after(const struct feed *feed, uint64_t position)
{
    size_t count = 0;
    for (const struct feed_change *each = feed_after(feed, position); each; each = feed_next(each))
        count++;
    return count;
}

static void changes_stand_in_order(void)
{
    struct feed *feed = feed_of(100);
    OK(!feed_after(feed, 1000) && feed_position(feed) == 1000, "what is known at first is no news");
    OK(count_after(feed, 0) == 2, "but it is there for who begins");
    feed_object(feed, TEXT("/keys"), 2, 1, 0);
    OK(feed_position(feed) == 1000, "the same version again is no change");
    feed_state(feed, account_of(1), 1000);
    feed_object(feed, TEXT("/catalog/1"), 2, 11, 1);
    const struct feed_change *change = feed_after(feed, 1000);
    OK(change->is_state && uid_equal(change->account, account_of(1)) && change->position == 1001 &&
           change->number == 1001 && change->epoch == 2,
       "a state's version is where it changed");
    change = feed_next(change);
    OK(!change->is_state && change->number == 11 && change->position == 1002 && !feed_next(change),
       "an object has its own");
    feed_state(feed, account_of(1), 1000);
    OK(feed_position(feed) == 1002, "what nobody heard of yet is not told twice");
    feed_state(feed, account_of(1), 1002);
    OK(count_after(feed, 1000) == 2 && feed_after(feed, 1002)->is_state,
       "what changes again moves to the end");
    feed_free(&feed);
}

static void the_feed_is_bounded(void)
{
    struct feed *feed = feed_of(3);
    for (uint8_t i = 0; i < 10; i++)
        feed_state(feed, account_of(i), feed_position(feed));
    OK(count_after(feed, 0) == 5, "three states and the objects are kept");
    OK(feed_oldest(feed) == 1007 && feed_position(feed) == 1010, "and where they begin is known");
    OK(feed_state_position(feed, account_of(9)) == 1010 &&
           feed_state_position(feed, account_of(1)) == 1007,
       "a state that fell off is as old as what did");
    feed_free(&feed);
}

static void who_may_resume(void)
{
    char storage[FEED_CURSOR_BYTES];
    struct feed_cursor cursor;
    const char *why;
    struct feed *feed = feed_of(3);
    for (uint8_t i = 0; i < 10; i++)
        feed_state(feed, account_of(i), feed_position(feed));
    struct text text = feed_cursor_text(feed, 1008, storage);
    OK(text_equal(text, TEXT("2.1008.feedf00d")), "a cursor is epoch, position and run");
    OK(feed_cursor_parse(text, &cursor) && feed_can_resume(feed, &cursor, &why), "it can resume");
    const struct {
        struct feed_cursor cursor;
        struct text why;
    } refused[] = {
        {{1, 1008, 0xfeedf00d}, TEXT("epoch")},   {{3, 1008, 0xfeedf00d}, TEXT("epoch")},
        {{2, 1008, 0xfeedf00e}, TEXT("restart")}, {{2, 1006, 0xfeedf00d}, TEXT("old")},
        {{2, 1011, 0xfeedf00d}, TEXT("future")},
    };
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        OK(!feed_can_resume(feed, &refused[i].cursor, &why) &&
               text_equal(text_of(why), refused[i].why),
           refused[i].why.data);
    feed_free(&feed);
}

static void bad_cursors(void)
{
    static const char *const bad[] = {"",
                                      "1",
                                      "1.2",
                                      "1.2.3",
                                      "1.2.0000000g",
                                      "1.2.000000001",
                                      "-1.2.00000001",
                                      "1..00000001",
                                      "1.2.00000001.4",
                                      "1.18446744073709551616.00000001",
                                      "1.2.0000000A"};
    struct feed_cursor cursor;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        OK(!feed_cursor_parse(text_of(bad[i]), &cursor), bad[i][0] ? bad[i] : "(nothing)");
}

/* What is written down of one feed, as a file would have it. */
struct written {
    struct feed_change changes[64];
    size_t count;
};

static void write_down(void *context, const struct feed_change *change)
{
    struct written *written = context;
    written->changes[written->count++] = *change;
}

static void a_feed_outlives_its_process(void)
{
    struct feed *feed = feed_of(3), *next = feed_new(9, 2, 3);
    struct written written = {.count = 0};
    for (const struct feed_change *each = feed_after(feed, 0); each; each = feed_next(each))
        write_down(&written, each);
    feed_resume(next, feed_run(feed), feed_position(feed), feed_oldest(feed));
    feed_on_change(feed, write_down, &written);
    for (uint8_t i = 0; i < 10; i++)
        feed_state(feed, account_of(i % 4), feed_position(feed));
    feed_object(feed, TEXT("/catalog/1"), 2, 11, 1);
    feed_state(feed, account_of(1), feed_position(feed));
    bool is_restored = true;
    for (size_t i = 0; i < written.count; i++)
        is_restored &= feed_restore(next, &written.changes[i]);
    OK(is_restored && feed_position(next) == feed_position(feed) &&
           feed_oldest(next) == feed_oldest(feed) && feed_run(next) == feed_run(feed),
       "what was written down stands where it stood");
    const struct feed_change *a = feed_after(feed, 0), *b = feed_after(next, 0);
    while (a && b && a->position == b->position && a->number == b->number && a->epoch == b->epoch &&
           a->libraries == b->libraries && strcmp(a->name, b->name) == 0 &&
           uid_equal(a->account, b->account)) {
        a = feed_next(a);
        b = feed_next(b);
    }
    OK(!a && !b, "and says what it said");
    feed_object(next, TEXT("/catalog/1"), 2, 11, 1);
    OK(feed_position(next) == feed_position(feed), "the version that was told is no news");
    feed_object(next, TEXT("/keys"), 2, 2, 0);
    OK(feed_position(next) == feed_position(feed) + 1, "another one is");
    OK(!feed_restore(next, &written.changes[0]), "positions do not go back");
    feed_free(&next);
    feed_free(&feed);
}

int main(void)
{
    changes_stand_in_order();
    the_feed_is_bounded();
    who_may_resume();
    bad_cursors();
    a_feed_outlives_its_process();
    return tap_done();
}

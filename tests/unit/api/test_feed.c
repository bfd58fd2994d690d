// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/feed.h"
#include "tap.h"

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

static void digests_tell_objects_apart(void)
{
    struct feed *a = feed_of(3), *b = feed_of(3);
    feed_state(a, account_of(1), 1000);
    OK(feed_objects_digest(a, TEXT_NONE) == feed_objects_digest(b, TEXT_NONE),
       "states do not count");
    feed_object(a, TEXT("/catalog/1"), 2, 11, 1);
    OK(feed_objects_digest(a, TEXT_NONE) != feed_objects_digest(b, TEXT_NONE),
       "another version does");
    feed_object(b, TEXT("/catalog/1"), 2, 11, 1);
    OK(feed_objects_digest(a, TEXT_NONE) == feed_objects_digest(b, TEXT_NONE),
       "however it came about");
    feed_object(b, TEXT("/nodes"), 2, 1, 0);
    OK(feed_objects_digest(a, TEXT_NONE) != feed_objects_digest(b, TEXT_NONE),
       "and so does another object");
    OK(feed_objects_digest(a, TEXT_NONE) == feed_objects_digest(b, TEXT("/nodes")),
       "but for one that is left out");
    feed_free(&a);
    feed_free(&b);
}

int main(void)
{
    changes_stand_in_order();
    the_feed_is_bounded();
    who_may_resume();
    bad_cursors();
    digests_tell_objects_apart();
    return tap_done();
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* A cursor of the feed of changes, from anybody: judged without harm; what can resume is within the
 * feed. */
#include "api/feed.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed_cursor cursor;
    const char *why;
    if (!feed_cursor_parse(text_make((const char *)data, size), &cursor))
        return 0;
    struct feed *feed = feed_new(1, 3, 4);
    feed_begin(feed, 0xabcdef01, 1000);
    for (uint8_t i = 0; i < 9; i++)
        feed_state(feed, (struct uid){{i}}, feed_position(feed));
    if (feed_can_resume(feed, &cursor, &why) &&
        (cursor.position < feed_oldest(feed) || cursor.position > feed_position(feed)))
        abort();
    (void)feed_after(feed, cursor.position);
    feed_free(&feed);
    return 0;
}

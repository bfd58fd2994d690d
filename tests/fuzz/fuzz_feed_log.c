// SPDX-License-Identifier: GPL-3.0-or-later
/* STATE/changes as anybody might have left it: what is taken up is in order and within its bounds.
 */
#include "api/feed_log.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed *feed = feed_new(1, 3, 4);
    uint64_t lsn, last = 0;
    size_t objects = 0, states = 0;
    bool is_taken = feed_log_read(text_make((const char *)data, size), TEXT("boot"), feed, &lsn);
    for (const struct feed_change *each = feed_after(feed, 0); each; each = feed_next(each)) {
        if (each->position <= last || each->position > feed_position(feed))
            abort();
        last = each->position;
        *(each->is_state ? &states : &objects) += 1;
    }
    if (objects > FEED_MAX_OBJECTS || states > 4 || (is_taken && feed_epoch(feed) != 3))
        abort();
    feed_free(&feed);
    return 0;
}

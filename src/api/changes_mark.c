// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/changes_mark.h"

#include "api/inside.h"
#include "io/file.h"
#include "state/state.h"

#include <inttypes.h>
#include <unistd.h>

enum { MARK_BYTES = 512, PATH_CHARACTERS = 4096 };

static bool path_of(const struct api *api, char path[PATH_CHARACTERS])
{
    return api->config.folder && !state_health(api->config.state).has_record &&
           snprintf(path, PATH_CHARACTERS, "%s/changes", api->config.folder) < PATH_CHARACTERS;
}

/* What must be the same for positions to go on. */
static void write_circumstances(struct buffer *out, const struct api *api, const struct feed *feed)
{
    buffer_printf(out, "journal: %" PRIu64 "\nobjects: %016" PRIx64 "\n",
                  state_health(api->config.state).durable_lsn,
                  feed_objects_digest(feed, CHANGES_MARK_EXCEPT));
}

static bool parse(struct text bytes, const struct api *api, const struct feed *feed,
                  struct feed_cursor *ret)
{
    struct text rest = bytes, magic, cursor;
    struct buffer now;
    buffer_init(&now, MARK_BYTES);
    write_circumstances(&now, api, feed);
    bool is_same = text_split(&rest, '\n', &magic) &&
                   text_equal(magic, TEXT("sostenuto-changes: 1")) &&
                   text_split(&rest, '\n', &cursor) && text_starts(cursor, TEXT("cursor: ")) &&
                   feed_cursor_parse(text_from(cursor, sizeof("cursor: ") - 1), ret) &&
                   ret->epoch == feed_epoch(feed) && text_equal(rest, buffer_view(&now));
    buffer_release(&now);
    return is_same;
}

void changes_mark_take(const struct api *api, const struct feed *feed, struct changes_mark *mark)
{
    char path[PATH_CHARACTERS];
    struct feed_cursor cursor;
    struct buffer bytes;
    if (!path_of(api, path))
        return;
    buffer_init(&bytes, MARK_BYTES);
    if (file_read(AT_FDCWD, path, &bytes) == 0 && parse(buffer_view(&bytes), api, feed, &cursor) &&
        unlink(path) == 0)
        *mark = (struct changes_mark){cursor.run, cursor.position};
    (void)unlink(path);
    buffer_release(&bytes);
}

void changes_mark_leave(const struct api *api, const struct feed *feed)
{
    char path[PATH_CHARACTERS], storage[FEED_CURSOR_BYTES];
    struct buffer bytes;
    if (!path_of(api, path))
        return;
    buffer_init(&bytes, MARK_BYTES);
    buffer_printf(&bytes, "sostenuto-changes: 1\ncursor: %.*s\n",
                  TEXT_ARGS(feed_cursor_text(feed, feed_position(feed), storage)));
    write_circumstances(&bytes, api, feed);
    int error = file_write_atomic(AT_FDCWD, path, buffer_view(&bytes), 0600);
    if (error)
        LOG(api->config.logger, LOG_WARNING, "where the feed of changes stood was not kept",
            {"why", log_errno(error)});
    buffer_release(&bytes);
}

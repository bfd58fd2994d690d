// SPDX-License-Identifier: GPL-3.0-or-later
/* queue: what a listener will hear next, carried from one device to another, and places kept in
 * long recordings. */
#include "api/endpoints.h"
#include "api/entities.h"

/* --- the play queue --- */

/* How many of the first `count` tracks this listener still may see: the index shifts with those
 * that are gone. */
static size_t shown_before(const struct call *call, const struct play_queue *queue, size_t count)
{
    size_t shown = 0;
    uint32_t track;
    for (size_t i = 0; i < count && i < queue->count; i++)
        shown += entity_find(call, queue->tracks[i], CATALOG_TRACK, &track);
    return shown;
}

static void write_queue(struct call *call, const char *name, const struct play_queue *queue,
                        bool is_by_index)
{
    uint32_t track;
    bool has_current = queue->current < queue->count &&
                       entity_find(call, queue->tracks[queue->current], CATALOG_TRACK, &track);
    answer_begin(&call->answer, name);
    /* plain Subsonic has a number here, which our ids are not */
    if (has_current && is_by_index)
        answer_u64(&call->answer, "currentIndex", shown_before(call, queue, queue->current));
    else if (has_current && !call->answer.is_plain)
        entity_subject(call, "current", queue->tracks[queue->current]);
    answer_u64(&call->answer, "position",
               queue->position_ms > 0 ? (uint64_t)queue->position_ms : 0);
    answer_text(&call->answer, "username", call->account->name);
    answer_date(&call->answer, "changed", queue->changed_ms);
    answer_text(&call->answer, "changedBy", queue->changed_by);
    entity_songs_of(call, "entry", queue->tracks, queue->count);
    answer_end(&call->answer);
}

static enum call_end get_queue(struct call *call, const char *name, bool is_by_index)
{
    static const struct play_queue never_saved = {0};
    const struct play_queue *queue = listener_queue(call->listener);
    write_queue(call, name, queue ? queue : &never_saved, is_by_index);
    return CALL_OK;
}

enum call_end rest_getPlayQueue(struct call *call) { return get_queue(call, "playQueue", false); }
enum call_end rest_getPlayQueueByIndex(struct call *call)
{
    return get_queue(call, "playQueueByIndex", true);
}

/* The ids, or NULL: the call has failed with the reason. */
static struct subject *read_queue(struct call *call, size_t *ret_count)
{
    size_t cursor = 0, count = 0;
    struct text id;
    struct subject *tracks = arena_alloc(exchange_arena(call->exchange),
                                         (call->parameters->count + 1) * sizeof(*tracks));
    if (!tracks)
        (void)call_fail_busy(call, 1, "This request needs more memory than one may have.");
    while (tracks && parameter_next(call->parameters, "id", &cursor, &id)) {
        uint32_t track;
        if (!call_find_text(call, id, CATALOG_TRACK, &track) ||
            !subject_from_text(id, &tracks[count])) {
            (void)call_fail_not_found(call);
            return NULL;
        }
        count++;
    }
    *ret_count = count;
    return tracks;
}

static enum call_end save_queue(struct call *call, const struct subject *tracks, size_t count,
                                size_t current)
{
    struct batch *batch = call_batch(call);
    batch_queue(batch, tracks, count, current, (int64_t)call_number(call, "position", 0));
    return call_submit(call, batch, NULL);
}

enum call_end rest_savePlayQueue(struct call *call)
{
    size_t count = 0, at = 0;
    struct subject *tracks = read_queue(call, &count), current;
    if (!tracks)
        return CALL_FAILED;
    struct text id = call_text(call, "current");
    if (!id.size)
        return save_queue(call, tracks, count, count ? 0 : count);
    if (!subject_from_text(id, &current))
        return call_fail_not_found(call);
    while (at < count && !subject_equal(tracks[at], current))
        at++;
    return at < count ? save_queue(call, tracks, count, at)
                      : call_fail(call, API_ERROR_GENERIC, "current must be one of the ids.");
}

enum call_end rest_savePlayQueueByIndex(struct call *call)
{
    size_t count = 0;
    struct subject *tracks = read_queue(call, &count);
    if (!tracks)
        return CALL_FAILED;
    uint64_t current = call_number(call, "currentIndex", 0);
    if (count && !call_text(call, "currentIndex").size)
        return call_fail(call, API_ERROR_MISSING_PARAMETER,
                         "The parameter currentIndex is missing.");
    if (count && current >= count)
        return call_fail(call, API_ERROR_GENERIC, "currentIndex must be below the number of ids.");
    return save_queue(call, tracks, count, count ? (size_t)current : 0);
}

/* --- bookmarks --- */

static void write_bookmark(struct call *call, const struct bookmark *bookmark, uint32_t track)
{
    answer_item(&call->answer);
    answer_u64(&call->answer, "position",
               bookmark->position_ms > 0 ? (uint64_t)bookmark->position_ms : 0);
    answer_text(&call->answer, "username", call->account->name);
    answer_some_text(&call->answer, "comment", bookmark->comment);
    answer_date(&call->answer, "created", bookmark->created_ms);
    answer_date(&call->answer, "changed", bookmark->changed_ms);
    answer_begin(&call->answer, "entry");
    entity_song(call, track);
    answer_end(&call->answer);
    answer_end(&call->answer);
}

enum call_end rest_getBookmarks(struct call *call)
{
    const struct bookmark *bookmark;
    size_t cursor = 0;
    uint32_t track;
    answer_begin(&call->answer, "bookmarks");
    answer_list(&call->answer, "bookmark");
    while ((bookmark = listener_bookmark_next(call->listener, &cursor)))
        if (entity_find(call, bookmark->subject, CATALOG_TRACK, &track))
            write_bookmark(call, bookmark, track);
    answer_end(&call->answer);
    answer_end(&call->answer);
    return CALL_OK;
}

enum call_end rest_createBookmark(struct call *call)
{
    struct subject subject;
    uint32_t track;
    if (!call_find(call, "id", CATALOG_TRACK, &track) ||
        !subject_from_text(call_text(call, "id"), &subject))
        return call_fail_not_found(call);
    struct batch *batch = call_batch(call);
    batch_bookmark(batch, subject, (int64_t)call_number(call, "position", 0),
                   call_text(call, "comment"));
    return call_submit(call, batch, NULL);
}

enum call_end rest_deleteBookmark(struct call *call)
{
    struct subject subject;
    if (!subject_from_text(call_text(call, "id"), &subject) || !subject_is(subject, "tr"))
        return call_fail_not_found(call);
    struct batch *batch = call_batch(call);
    batch_bookmark_delete(batch, subject);
    return call_submit(call, batch, NULL);
}

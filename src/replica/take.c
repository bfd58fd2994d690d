// SPDX-License-Identifier: GPL-3.0-or-later
#include "replica/course.h"
#include "replica/told.h"

#include "base/counters.h"
#include "io/clock.h"

#include <string.h>

/* take: what an answer means for what is held: verified, kept, told to the sink. */

/* --- objects --- */

static void note_copy(struct replica *replica, const char *name)
{
    struct replica_status *shown = &replica->shown;
    const struct copy *copy = copies_get(replica->copies, name);
    size_t i = 0;
    pthread_mutex_lock(&replica->lock);
    while (i < shown->object_count && strcmp(shown->objects[i].name, name) != 0)
        i++;
    if (i < REPLICA_MAX_OBJECTS) {
        shown->object_count += i == shown->object_count;
        shown->objects[i] = (struct replica_copy){
            .epoch = copy->object.epoch, .number = copy->object.number, .taken_ms = copy->taken_ms};
        (void)snprintf(shown->objects[i].name, sizeof shown->objects[i].name, "%s", name);
    }
    pthread_mutex_unlock(&replica->lock);
}

void take_tell(struct replica *replica, const char *name)
{
    const struct replica_sink *sink = &replica->config.sink;
    const struct copy *copy = copies_get(replica->copies, name);
    if (strcmp(name, KEYRING_NAME) == 0)
        sink->on_keys(sink->context, copies_ring(replica->copies));
    else
        sink->on_object(sink->context, &copy->object, copy->bytes);
    note_copy(replica, name);
}

void take_tell_catalog(struct replica *replica)
{
    const struct replica_sink *sink = &replica->config.sink;
    struct shelf *shelves[REPLICA_LIBRARIES];
    catalogs_shelves(replica->catalogs, shelves);
    sink->on_catalog(sink->context, catalogs_snapshot(replica->catalogs), shelves);
}

static int library_of(const char *name)
{
    uint64_t library = 0;
    struct text text = text_of(name);
    bool is_list = text_starts(text, TEXT("/catalog/")) &&
                   text_to_u64(text_from(text, sizeof("/catalog/") - 1), &library);
    return is_list ? (int)library : 0;
}

static void adopted(struct replica *replica, int library)
{
    char name[32];
    (void)snprintf(name, sizeof name, "/catalog/%d", library);
    counter_add(COUNTER_REPLICA_TAKEN, 1);
    take_tell_catalog(replica);
    if (copies_get(replica->copies, name))
        take_tell(replica, name);
}

/* A list that is held already may have been so without its objects: a crash came between. */
static void take_list(struct replica *replica, int library, enum copies_verdict verdict)
{
    const char *why;
    const struct copy *copy = copies_get(replica->copies, replica->name);
    switch (catalogs_want(replica->catalogs, library, copy->object.body, &why)) {
    case CATALOGS_ADOPTED:
        adopted(replica, library);
        course_went_well(replica);
        return;
    case CATALOGS_HELD:
        if (verdict == COPIES_SAME)
            take_tell(replica, replica->name);
        course_went_well(replica);
        return;
    case CATALOGS_LACKS:
        course_went_well(replica);
        return;
    case CATALOGS_BAD:
        course_put_off(replica, why);
        return;
    }
}

static void take_good(struct replica *replica, enum copies_verdict verdict)
{
    int library = library_of(replica->name);
    if (library) {
        take_list(replica, library, verdict);
        return;
    }
    counter_add(COUNTER_REPLICA_TAKEN, verdict == COPIES_TAKEN);
    take_tell(replica, replica->name);
    course_went_well(replica);
}

void take_object(struct replica *replica)
{
    const char *why = "";
    enum copies_verdict verdict = copies_offer(replica->copies, replica->name,
                                               buffer_view(&replica->body), clock_unix_ms(), &why);
    switch (verdict) {
    case COPIES_TAKEN:
    case COPIES_SAME:
        take_good(replica, verdict);
        return;
    case COPIES_OLDER:
        course_put_off(replica, "it is older than what is held here");
        return;
    case COPIES_UNKNOWN:
        replica->wants_small[0] = true; /* the next key may have come meanwhile */
        course_put_off(replica, why);
        return;
    case COPIES_BAD:
    case COPIES_DISK:
        course_put_off(replica, why);
        return;
    }
}

void take_segment(struct replica *replica)
{
    const char *why = "";
    struct catalogs_object of;
    (void)!catalogs_lacking(replica->catalogs, &of);
    switch (catalogs_end(replica->catalogs, &why)) {
    case CATALOGS_ADOPTED:
        adopted(replica, of.library);
        course_went_well(replica);
        return;
    case CATALOGS_LACKS:
    case CATALOGS_HELD:
        course_went_well(replica);
        return;
    case CATALOGS_BAD:
        course_put_off(replica, why);
        return;
    }
}

/* --- listeners --- */

enum copies_verdict take_listener(struct replica_asking *asking, const char **ret_why)
{
    struct replica *replica = asking->replica;
    const struct replica_sink *sink = &replica->config.sink;
    struct signed_object object;
    char name[64];
    struct uid_text storage;
    (void)snprintf(name, sizeof name, "/listeners/%.*s",
                   TEXT_ARGS(uid_text(&storage, asking->account)));
    enum copies_verdict verdict =
        copies_check(replica->copies, text_of(name), buffer_view(&asking->body), clock_unix_ms(),
                     &object, ret_why);
    if (verdict == COPIES_TAKEN) {
        asking->is_taking = true;
        sink->on_state(sink->context, asking->account, object.body);
    } else {
        replica->wants_small[0] |= verdict == COPIES_UNKNOWN;
    }
    return verdict;
}

/* --- changes --- */

/* False: more than can wait; begin anew when these are through. */
static bool want(struct replica *replica, const struct told *told)
{
    for (size_t i = 0; i < TOLD_SMALL; i++)
        replica->wants_small[i] |= told->small[i];
    replica->wants_lists |= told->lists;
    for (size_t i = 0; i < told->account_count; i++)
        if (!listeners_want(replica, uid_view(&told->accounts[i])))
            return false;
    return true;
}

/* Pieces end: each begins behind the one before. */
static bool goes_on(const struct replica *replica, const struct told *told)
{
    return !told->has_more || !replica->is_in_pieces ||
           memcmp(&told->next, &replica->after, sizeof told->next) > 0;
}

/* What changes while everybody is told of comes after that: the place in the changes is the one of
 * the first piece. */
static void move_on(struct replica *replica, const struct told *told)
{
    if (!replica->is_in_pieces) {
        buffer_reset(&replica->next_cursor);
        buffer_text(&replica->next_cursor, told->cursor);
    }
    replica->is_in_pieces = told->has_more;
    replica->after = told->next;
}

void take_changes(struct replica *replica)
{
    struct told told;
    struct arena *arena = arena_new(TOLD_ARENA_BYTES);
    bool is_good = told_read(arena, buffer_view(&replica->body), &told) &&
                   goes_on(replica, &told) && want(replica, &told);
    if (is_good) {
        move_on(replica, &told);
        replica->answered_ms = clock_unix_ms();
        pthread_mutex_lock(&replica->lock);
        replica->shown.is_linked = true;
        pthread_mutex_unlock(&replica->lock);
    }
    arena_free(&arena);
    if (is_good)
        course_went_well(replica);
    else
        course_retry(replica, "the origin's changes make no sense");
}

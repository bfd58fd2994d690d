// SPDX-License-Identifier: GPL-3.0-or-later
#include "replica/course.h"

#include "base/counters.h"
#include "base/json_tree.h"
#include "base/mem.h"
#include "io/clock.h"

#include <string.h>

/* take: what an answer means for what is held: verified, kept, told to the sink. */
enum { CHANGES_ARENA_BYTES = 32 << 20, TELLING_MOST = 200000 };

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

void take_listener(struct replica *replica)
{
    const struct replica_sink *sink = &replica->config.sink;
    struct signed_object object;
    const char *why = "";
    enum copies_verdict verdict =
        copies_check(replica->copies, text_of(replica->name), buffer_view(&replica->body),
                     clock_unix_ms(), &object, &why);
    if (verdict != COPIES_TAKEN) {
        replica->wants_small[0] |= verdict == COPIES_UNKNOWN;
        course_put_off(replica, why);
        return;
    }
    replica->step = STEP_TAKING;
    sink->on_state(sink->context, replica->account, object.body);
}

struct taken {
    struct replica *replica;
    bool is_durable;
};

static void on_taken(void *context)
{
    struct taken taken = *(struct taken *)context;
    struct replica *replica = taken.replica;
    mem_free(context);
    if (replica->step != STEP_TAKING)
        return;
    if (taken.is_durable) {
        replica->step = STEP_IDLE;
        counter_add(COUNTER_REPLICA_TAKEN, 1);
        course_went_well(replica);
    } else {
        course_put_off(replica, "a listener's state cannot be taken just now");
    }
}

void replica_state_taken(struct replica *replica, bool is_durable)
{
    const struct taken taken = {replica, is_durable};
    loop_post(replica->loop, on_taken, mem_dup(&taken, sizeof taken));
}

/* --- changes --- */

static void want_object(struct replica *replica, struct text name)
{
    uint64_t library;
    for (size_t i = 0; i < ARRAY_SIZE(replica_small_names); i++)
        if (text_equal(name, text_of(replica_small_names[i])))
            replica->wants_small[i] = true;
    if (text_starts(name, TEXT("/catalog/")) &&
        text_to_u64(text_from(name, sizeof("/catalog/") - 1), &library) && library >= 1 &&
        library <= CATALOGS_MOST)
        replica->wants_lists |= UINT32_C(1) << (library - 1);
}

static bool want_told(struct replica *replica, const struct json_node *answer)
{
    size_t told = 0;
    const struct json_node *objects = json_tree_member(answer, TEXT("objects"));
    const struct json_node *states = json_tree_member(answer, TEXT("states"));
    if (!json_tree_is(objects, JSON_NODE_ARRAY) || !json_tree_is(states, JSON_NODE_ARRAY))
        return false;
    for (const struct json_node *each = json_tree_items(objects); each; each = each->next) {
        const struct json_node *name = json_tree_member(each, TEXT("name"));
        if (json_tree_is(name, JSON_NODE_TEXT))
            want_object(replica, name->text);
    }
    for (const struct json_node *each = json_tree_items(states); each && told < TELLING_MOST;
         each = each->next, told++) {
        const struct json_node *account = json_tree_member(each, TEXT("account"));
        struct uid uid;
        if (json_tree_is(account, JSON_NODE_TEXT) && uid_from_text(account->text, &uid) &&
            !map_put(replica->accounts, uid_view(&uid), replica))
            return false; /* more than can wait: begin anew when these are through */
    }
    return true;
}

/* "EPOCH.POSITION.RUN": what goes back into a URL. */
static bool is_cursor(const struct json_node *node)
{
    if (!json_tree_is(node, JSON_NODE_TEXT) || node->text.size == 0 || node->text.size > 64)
        return false;
    for (size_t i = 0; i < node->text.size; i++) {
        char c = node->text.data[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            c != '.' && c != '-' && c != '_')
            return false;
    }
    return true;
}

void take_changes(struct replica *replica)
{
    const char *why;
    struct arena *arena = arena_new(CHANGES_ARENA_BYTES);
    const struct json_node *answer = json_tree_read(arena, buffer_view(&replica->body), &why);
    const struct json_node *cursor = json_tree_member(answer, TEXT("cursor"));
    bool is_good = is_cursor(cursor) && want_told(replica, answer);
    if (is_good) {
        buffer_reset(&replica->next_cursor);
        buffer_text(&replica->next_cursor, cursor->text);
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

// SPDX-License-Identifier: GPL-3.0-or-later
#include "replica/course.h"

#include "base/counters.h"
#include "base/encode.h"
#include "base/guard.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/random.h"
#include "replica/told.h"

#include <errno.h>
#include <string.h>

enum {
    LEAST_RETRY_MS = 1000,
    OTHER_ADDRESS_MS = 50,
    UNGUARDED_RETRY_MS = 1,
    POLL_WAIT_S = 25,
    POLL_DEADLINE_MS = 40000,
    POLL_EVERY_MS = 50,
};

const char *const replica_small_names[3] = {"/keys", "/revoked", "/nodes"};

/* --- the end of a step --- */

void course_show(struct replica *replica)
{
    struct replica_status *shown = &replica->shown;
    pthread_mutex_lock(&replica->lock);
    shown->waiting = map_count(replica->accounts) + map_count(replica->put_off.accounts);
    for (size_t i = 0; i < ARRAY_SIZE(replica_small_names); i++)
        shown->waiting += replica->wants_small[i] || replica->put_off.small[i];
    shown->waiting += replica->is_in_pieces;
    for (uint32_t bits = replica->wants_lists | replica->put_off.lists; bits; bits &= bits - 1)
        shown->waiting++;
    pthread_mutex_unlock(&replica->lock);
}

void course_say(struct replica *replica, const char *what, const char *why)
{
    pthread_mutex_lock(&replica->lock);
    bool is_new = strcmp(replica->shown.trouble, why) != 0;
    (void)snprintf(replica->shown.trouble, sizeof replica->shown.trouble, "%s", why);
    pthread_mutex_unlock(&replica->lock);
    if (is_new && *why)
        LOG(replica->config.logger, LOG_WARNING, "the origin is not followed as it should be",
            {"what", text_of(what)}, {"why", text_of(why)});
    else if (is_new)
        LOG_EVENT(replica->config.logger, LOG_INFO, "the origin is followed again");
}

static void say(struct replica *replica, const char *why)
{
    course_say(replica, replica->name, why);
}

bool course_waits(const struct replica *replica) { return replica->retry._position != 0; }

void course_went_well(struct replica *replica)
{
    replica->failures = 0;
    if (!replica->has_refusal)
        say(replica, "");
    course_advance(replica);
}

static void put_off_this(struct replica *replica)
{
    struct text name = text_of(replica->name);
    for (size_t i = 0; i < ARRAY_SIZE(replica_small_names); i++)
        if (text_equal(name, text_of(replica_small_names[i])))
            replica->put_off.small[i] = true;
    struct catalogs_object object;
    uint64_t library;
    if (replica->step == STEP_SEGMENT && catalogs_lacking(replica->catalogs, &object)) {
        catalogs_forget(replica->catalogs, object.library);
        replica->put_off.lists |= UINT32_C(1) << (object.library - 1);
    }
    if (replica->step == STEP_OBJECT && text_starts(name, TEXT("/catalog/")) &&
        text_to_u64(text_from(name, sizeof("/catalog/") - 1), &library))
        replica->put_off.lists |= UINT32_C(1) << (library - 1);
}

void course_want_later(struct replica *replica)
{
    uint64_t wait_us = (uint64_t)replica->config.limits.replica_put_off_ms * 1000;
    if (!replica->later._position)
        loop_timer_start(replica->loop, &replica->later, loop_now_us(replica->loop) + wait_us);
}

void course_put_off(struct replica *replica, const char *why)
{
    counter_add(COUNTER_REPLICA_REFUSED, 1);
    put_off_this(replica);
    replica->has_refusal = true;
    replica->failures = 0;
    say(replica, why);
    course_want_later(replica);
    course_advance(replica);
}

/* All that was put off is wanted again. */
static void on_later(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct replica *replica = CONTAINER_OF(timer, struct replica, later);
    for (size_t i = 0; i < ARRAY_SIZE(replica_small_names); i++) {
        replica->wants_small[i] |= replica->put_off.small[i];
        replica->put_off.small[i] = false;
    }
    replica->wants_lists |= replica->put_off.lists;
    replica->put_off.lists = 0;
    replica->has_refusal = !listeners_want_put_off(replica);
    if (replica->has_refusal)
        course_want_later(replica);
    course_interrupt(replica);
}

/* The answer that is waited for would hold back what is wanted now.  With its connection: one on
 * which nothing was heard since the question is doubted (io/client.h), and no other asked there. */
void course_interrupt(struct replica *replica)
{
    if (replica->step == STEP_CHANGES && replica->call) {
        client_pool_free(&replica->pool);
        replica->call = NULL;
        replica->step = STEP_IDLE;
    }
    if (!course_waits(replica))
        course_advance(replica);
}

/* Between replica_retry_ms and a second, twice as long each time, at random in the upper half;
 * other addresses of the origin come first. */
static uint64_t retry_us(struct replica *replica)
{
    uint64_t most_ms = LEAST_RETRY_MS, limit_ms = replica->config.limits.replica_retry_ms;
    size_t url_count = replica->config.line.url_count;
    if (!guard_is_on(GUARD_REPLICA_TRIES))
        return (uint64_t)UNGUARDED_RETRY_MS * 1000;
    if (replica->failures % url_count)
        return (uint64_t)OTHER_ADDRESS_MS * 1000;
    for (size_t i = 1; i < replica->failures / url_count && most_ms < limit_ms; i++)
        most_ms *= 2;
    most_ms = most_ms < limit_ms ? most_ms : limit_ms;
    uint64_t wait_ms = most_ms / 2 + random_u64() % (most_ms / 2 + 1);
    return (wait_ms > LEAST_RETRY_MS ? wait_ms : LEAST_RETRY_MS) * 1000;
}

/* What was asked for is still wanted. */
static void want_again(struct replica *replica)
{
    struct text name = text_of(replica->name);
    uint64_t library;
    for (size_t i = 0; i < ARRAY_SIZE(replica_small_names); i++)
        if (text_equal(name, text_of(replica_small_names[i])))
            replica->wants_small[i] = true;
    if (replica->step == STEP_OBJECT && text_starts(name, TEXT("/catalog/")) &&
        text_to_u64(text_from(name, sizeof("/catalog/") - 1), &library))
        replica->wants_lists |= UINT32_C(1) << (library - 1);
}

void course_retry(struct replica *replica, const char *why)
{
    counter_add(COUNTER_REPLICA_FAILURES, 1);
    want_again(replica);
    replica->step = STEP_IDLE;
    replica->failures++;
    say(replica, why);
    course_show(replica);
    pthread_mutex_lock(&replica->lock);
    replica->shown.is_linked = false;
    pthread_mutex_unlock(&replica->lock);
    loop_timer_start(replica->loop, &replica->retry,
                     loop_now_us(replica->loop) + retry_us(replica));
}

/* The next address is tried next. */
static void close_line(struct replica *replica)
{
    listeners_cut(replica);
    client_pool_free(&replica->pool);
    client_origin_free(&replica->origin);
    replica->url_at = (replica->url_at + 1) % replica->config.line.url_count;
}

/* A silent connection takes no new question, and is the only one that we may have: with it the
 * return of an origin that hung would be seen a whole deadline late. */
static void on_retry(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct replica *replica = CONTAINER_OF(timer, struct replica, retry);
    if (replica->failures && (replica->is_broken || replica->config.line.url_count > 1))
        close_line(replica);
    course_advance(replica);
}

/* --- asking --- */

static void on_header(struct client_call *call UNUSED, const struct http_response *response,
                      void *context)
{
    struct replica *replica = context;
    replica->status = response->status;
}

static void on_body(struct client_call *call UNUSED, struct text piece, void *context)
{
    struct replica *replica = context;
    if (replica->is_cut)
        return;
    if (replica->step == STEP_SEGMENT && replica->status == 200)
        replica->is_cut = catalogs_write(replica->catalogs, piece) != 0;
    else
        buffer_text(&replica->body, piece);
    replica->is_cut |= replica->body.overflowed;
    counter_add(COUNTER_REPLICA_BYTES, (int64_t)piece.size);
}

static void take(struct replica *replica)
{
    switch (replica->step) {
    case STEP_OBJECT:
        take_object(replica);
        return;
    case STEP_SEGMENT:
        take_segment(replica);
        return;
    case STEP_CHANGES:
        take_changes(replica);
        return;
    case STEP_IDLE:
        return;
    }
}

static void on_refusal(struct replica *replica)
{
    static const char refused[] = "the origin does not take this node for one that may follow it";
    if (replica->step == STEP_SEGMENT)
        catalogs_abort(replica->catalogs);
    if (replica->step == STEP_CHANGES && replica->status == 400) {
        buffer_reset(&replica->next_cursor); /* not one of its cursors: everything anew */
        replica->is_in_pieces = false;
        course_retry(replica, "the origin does not know the place in its changes where we stood");
    } else if (replica->status == 401 || replica->status == 403) {
        course_retry(replica, refused);
    } else if (replica->status == 404 && replica->step != STEP_CHANGES) {
        course_put_off(replica, "the origin does not have what it told of");
    } else {
        course_retry(replica, "the origin answers with an error");
    }
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct replica *replica = context;
    replica->call = NULL;
    if (outcome != CLIENT_DONE) {
        if (replica->step == STEP_SEGMENT)
            catalogs_abort(replica->catalogs);
        replica->is_broken = true;
        course_retry(replica, client_outcome_word(outcome));
    } else if (replica->status != 200) {
        on_refusal(replica);
    } else if (replica->is_cut && replica->step == STEP_CHANGES) {
        course_retry(replica, "the origin tells of more changes than an answer may hold");
    } else if (replica->is_cut && replica->step != STEP_SEGMENT) {
        course_put_off(replica, "the answer is larger than such an object may be");
    } else {
        take(replica);
    }
}

static void ask(struct replica *replica, enum replica_step step, const char *target,
                uint32_t deadline_ms)
{
    static const struct client_handler handler = {
        .on_header = on_header, .on_body = on_body, .on_end = on_end};
    const struct http_field fields[] = {
        {TEXT("Accept"), step == STEP_CHANGES ? TEXT("application/json") : TEXT("*/*")}};
    const struct client_request request = {
        .method = HTTP_METHOD_GET,
        .target = text_of(target),
        .fields = fields,
        .field_count = ARRAY_SIZE(fields),
        .deadline_ms = deadline_ms,
    };
    replica->step = step;
    replica->status = 0;
    replica->is_cut = false;
    replica->is_broken = false;
    buffer_reset(&replica->body);
    replica->tried_us = loop_now_us(replica->loop);
    counter_add(COUNTER_REPLICA_REQUESTS, 1);
    replica->call = client_ask(replica->pool, &request, &handler, replica);
    if (!replica->call) {
        if (step == STEP_SEGMENT)
            catalogs_abort(replica->catalogs);
        course_retry(replica, "the request cannot be made");
    }
}

static void ask_object(struct replica *replica)
{
    ask(replica, STEP_OBJECT, replica->name, replica->config.limits.replica_deadline_ms);
}

static void ask_segment(struct replica *replica, const struct catalogs_object *object)
{
    struct buffer hex;
    buffer_init(&hex, (size_t)2 * FORMAT_DIGEST_SIZE);
    encode_hex(&hex, object->object.digest, FORMAT_DIGEST_SIZE);
    char target[128];
    (void)snprintf(target, sizeof target, "/catalog/%d/%.*s.%s", object->library,
                   TEXT_ARGS(buffer_view(&hex)),
                   object->object.object == SEGMENT_CORE ? "core" : "detail");
    buffer_release(&hex);
    (void)snprintf(replica->name, sizeof replica->name, "/catalog/%d/…", object->library);
    replica->step = STEP_SEGMENT;
    if (catalogs_begin(replica->catalogs, object) == 0)
        ask(replica, STEP_SEGMENT, target, 0);
    else
        course_put_off(replica, "the state folder takes no segment");
}

/* --- /changes --- */

void course_write_cursor(const struct replica *replica, struct buffer *out)
{
    struct uid_text storage;
    buffer_text(out, buffer_view(&replica->next_cursor));
    if (replica->is_in_pieces)
        buffer_printf(out, " %.*s", TEXT_ARGS(uid_text(&storage, replica->after)));
}

void course_read_cursor(struct replica *replica, struct text kept)
{
    struct text rest = kept, cursor;
    (void)text_split(&rest, ' ', &cursor);
    replica->is_in_pieces = uid_from_text(rest, &replica->after);
    buffer_reset(&replica->next_cursor);
    buffer_text(&replica->next_cursor, cursor);
}

/* Everything up to there is durable. */
static void keep_cursor(struct replica *replica)
{
    struct buffer told;
    buffer_init(&told, 2 * TOLD_CURSOR_BYTES);
    course_write_cursor(replica, &told);
    if (!replica->has_refusal && !text_equal(buffer_view(&told), buffer_view(&replica->cursor)) &&
        file_write_atomic(AT_FDCWD, replica->cursor_path, buffer_view(&told), 0600) == 0) {
        buffer_reset(&replica->cursor); /* else asked for again after a restart */
        buffer_text(&replica->cursor, buffer_view(&told));
    }
    buffer_release(&told);
}

static void confirm(struct replica *replica)
{
    if (replica->next_cursor.size == 0 || replica->has_refusal || replica->is_in_pieces)
        return;
    pthread_mutex_lock(&replica->lock);
    replica->shown.confirmed_ms = replica->answered_ms;
    pthread_mutex_unlock(&replica->lock);
}

/* Without a cursor everything is told anew, and of everybody that begins a piece. */
static void write_target(const struct replica *replica, char *ret, size_t capacity)
{
    struct uid_text storage;
    struct text since = buffer_view(&replica->next_cursor);
    bool is_anew = replica->is_in_pieces || since.size == 0;
    struct uid after = replica->is_in_pieces ? replica->after : (struct uid){{0}};
    /* the first answer after an outage must not wait for news */
    unsigned wait_s = replica->failures || !replica->answered_ms ? 0 : POLL_WAIT_S;
    (void)snprintf(ret, capacity, "/changes?all=1&wait=%u&most=%u&after=%.*s%s%.*s", wait_s,
                   replica->config.limits.replica_piece, TEXT_ARGS(uid_text(&storage, after)),
                   is_anew ? "" : "&since=", TEXT_ARGS(is_anew ? TEXT_NONE : since));
}

static void ask_changes(struct replica *replica)
{
    char target[160];
    uint64_t now_us = loop_now_us(replica->loop);
    uint64_t next_us = replica->polled_us + (uint64_t)POLL_EVERY_MS * 1000;
    if (replica->polled_us && now_us < next_us) {
        loop_timer_start(replica->loop, &replica->retry, next_us);
        return;
    }
    replica->polled_us = now_us;
    int64_t now_ms = clock_unix_ms();
    int64_t refresh_ms = (int64_t)replica->config.limits.replica_refresh_s * 1000;
    if (now_ms - replica->refreshed_ms >= refresh_ms || now_ms < replica->refreshed_ms) {
        replica->refreshed_ms = now_ms;
        for (size_t i = 0; i < ARRAY_SIZE(replica_small_names); i++)
            replica->wants_small[i] = true;
        for (int library = 1; library <= CATALOGS_MOST; library++)
            if (catalogs_held(replica->catalogs, library))
                replica->wants_lists |= UINT32_C(1) << (library - 1);
        course_advance(replica);
        return;
    }
    write_target(replica, target, sizeof target);
    (void)snprintf(replica->name, sizeof replica->name, "/changes");
    ask(replica, STEP_CHANGES, target, POLL_DEADLINE_MS);
}

/* --- the course --- */

static bool open_line(struct replica *replica)
{
    char why[200] = "";
    struct replica_line *line = &replica->config.line;
    struct client_limits limits = client_limits_default();
    if (replica->pool)
        return true;
    limits.max_connections = 1;
    limits.max_streams = REPLICA_MOST_AT_ONCE + 2;
    limits.max_waiting = REPLICA_MOST_AT_ONCE + 2;
    limits.first_byte_ms = POLL_DEADLINE_MS;
    limits.keep_ms = 2 * POLL_DEADLINE_MS;
    if (!replica->client)
        replica->client = line->open(line->context, replica->loop, why, sizeof why);
    if (replica->client && !replica->origin)
        replica->origin =
            client_origin_named(replica->client, text_of(replica->urls[replica->url_at]),
                                replica->config.resolvers, &limits);
    if (replica->origin)
        replica->pool = client_pool_new(replica->origin, NULL);
    if (replica->pool)
        return true;
    course_retry(replica, *why ? why : "the origin's address is none");
    return false;
}

static bool ask_small(struct replica *replica)
{
    for (size_t i = 0; i < ARRAY_SIZE(replica_small_names); i++) {
        if (!replica->wants_small[i])
            continue;
        replica->wants_small[i] = false;
        (void)snprintf(replica->name, sizeof replica->name, "%s", replica_small_names[i]);
        ask_object(replica);
        return true;
    }
    return false;
}

static bool ask_list(struct replica *replica)
{
    if (!replica->wants_lists)
        return false;
    int library = __builtin_ctz(replica->wants_lists) + 1;
    replica->wants_lists &= replica->wants_lists - 1;
    (void)snprintf(replica->name, sizeof replica->name, "/catalog/%d", library);
    ask_object(replica);
    return true;
}

void course_advance(struct replica *replica)
{
    struct catalogs_object object;
    if (replica->call)
        return;
    replica->step = STEP_IDLE;
    course_show(replica);
    if (!open_line(replica) || ask_small(replica) || ask_list(replica))
        return;
    if (catalogs_lacking(replica->catalogs, &object)) {
        ask_segment(replica, &object);
        return;
    }
    listeners_ask(replica);
    if (listeners_are_busy(replica) || course_waits(replica))
        return;
    keep_cursor(replica);
    confirm(replica);
    ask_changes(replica);
}

void course_start(struct replica *replica)
{
    replica->retry.on_timer = on_retry;
    replica->later.on_timer = on_later;
    replica->wants_small[0] = true;
    replica->refreshed_ms = clock_unix_ms();
    course_advance(replica);
}

void course_stop(struct replica *replica)
{
    loop_timer_stop(&replica->retry);
    loop_timer_stop(&replica->later);
    catalogs_abort(replica->catalogs);
    listeners_cut(replica);
    client_pool_free(&replica->pool);
    client_origin_free(&replica->origin);
    client_free(&replica->client);
    replica->call = NULL;
}

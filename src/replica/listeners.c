// SPDX-License-Identifier: GPL-3.0-or-later
#include "replica/course.h"

#include "base/counters.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/random.h"

#include <assert.h>
#include <stdio.h>

/*
 * listeners: the states of accounts, several on their way at once, for each waits for the network
 * and then for the disk of whoever keeps them.
 *
 *     wanted ─▶ asked ─▶ taken by the sink ─▶ durable: done
 *        ▲         └─ no answer: wanted again, and all waits (retry)
 *        └─ refused, not there, not durable: put off
 *
 * At most replica_waiting are wanted, and so many put off: past that nobody is asked for until some
 * are wanted again.  The maps have room for what comes back all the same, so that none is lost:
 * those that are asked for, and wishes that were let in before others came.
 */
enum { STATE_MAX_BYTES = SIGNED_MAX_BODY_BYTES + (64 << 10) };

static const char WHAT[] = "/listeners";

static size_t slots(const struct replica *replica)
{
    uint32_t at_once = replica->config.limits.replica_at_once;
    return at_once > REPLICA_MOST_AT_ONCE ? REPLICA_MOST_AT_ONCE : at_once;
}

static bool is_free(const struct replica_asking *asking)
{
    return !asking->call && !asking->is_taking;
}

static void go_on(struct replica *replica)
{
    if (!course_waits(replica))
        course_advance(replica);
}

/* --- how many --- */

static size_t most(const struct replica *replica) { return replica->config.limits.replica_waiting; }

static void put(struct replica *replica, struct map *map, struct text account)
{
    bool is_in = map_put(map, account, replica);
    assert(is_in);
    atomic_store(&replica->wanted, map_count(replica->accounts));
}

bool listeners_want(struct replica *replica, struct text account)
{
    if (map_count(replica->accounts) >= most(replica) && !map_get(replica->accounts, account))
        return false;
    put(replica, replica->accounts, account);
    return true;
}

static struct map *new_map(const struct replica *replica)
{
    return map_new(random_u64(), 2 * most(replica) + REPLICA_MOST_AT_ONCE);
}

bool listeners_want_put_off(struct replica *replica)
{
    struct map *before = replica->put_off.accounts;
    struct text key;
    void *value;
    replica->put_off.accounts = new_map(replica);
    for (size_t cursor = 0; map_next(before, &cursor, &key, &value);)
        if (!listeners_want(replica, key))
            put(replica, replica->put_off.accounts, key);
    map_free(&before);
    return map_count(replica->put_off.accounts) == 0;
}

/* --- its end --- */

/* What it held may be large, and the next one need not be. */
static void clear(struct replica_asking *asking)
{
    asking->is_taking = false;
    buffer_release(&asking->body);
    buffer_init(&asking->body, STATE_MAX_BYTES);
}

static void put_off(struct replica_asking *asking, const char *why)
{
    struct replica *replica = asking->replica;
    counter_add(COUNTER_REPLICA_REFUSED, 1);
    put(replica, replica->put_off.accounts, uid_view(&asking->account));
    replica->has_refusal = true;
    clear(asking);
    course_say(replica, WHAT, why);
    course_want_later(replica);
    go_on(replica);
}

/* The line is bad for all of them: one says so. */
static void retry(struct replica_asking *asking, const char *why)
{
    struct replica *replica = asking->replica;
    put(replica, replica->accounts, uid_view(&asking->account));
    clear(asking);
    if (course_waits(replica))
        return;
    (void)snprintf(replica->name, sizeof replica->name, "%s", WHAT);
    course_retry(replica, why);
}

static void take(struct replica_asking *asking)
{
    const char *why = "";
    if (take_listener(asking, &why) != COPIES_TAKEN)
        put_off(asking, why);
}

static void on_header(struct client_call *call UNUSED, const struct http_response *response,
                      void *context)
{
    struct replica_asking *asking = context;
    asking->status = response->status;
}

static void on_body(struct client_call *call UNUSED, struct text piece, void *context)
{
    struct replica_asking *asking = context;
    buffer_text(&asking->body, piece);
    counter_add(COUNTER_REPLICA_BYTES, (int64_t)piece.size);
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct replica_asking *asking = context;
    asking->call = NULL;
    if (outcome != CLIENT_DONE)
        retry(asking, client_outcome_word(outcome));
    else if (asking->status == 404)
        put_off(asking, "the origin does not have what it told of");
    else if (asking->status != 200)
        retry(asking, "the origin answers with an error");
    else if (asking->body.overflowed)
        put_off(asking, "the answer is larger than such an object may be");
    else
        take(asking);
}

/* --- asking --- */

static bool ask(struct replica_asking *asking)
{
    static const struct client_handler handler = {
        .on_header = on_header, .on_body = on_body, .on_end = on_end};
    static const struct http_field fields[] = {{TEXT_INIT("Accept"), TEXT_INIT("*/*")}};
    struct replica *replica = asking->replica;
    char target[64];
    struct uid_text storage;
    (void)snprintf(target, sizeof target, "/listeners/%.*s",
                   TEXT_ARGS(uid_text(&storage, asking->account)));
    const struct client_request request = {
        .method = HTTP_METHOD_GET,
        .target = text_of(target),
        .fields = fields,
        .field_count = ARRAY_SIZE(fields),
        .deadline_ms = replica->config.limits.replica_deadline_ms,
    };
    asking->status = 0;
    counter_add(COUNTER_REPLICA_REQUESTS, 1);
    asking->call = client_ask(replica->pool, &request, &handler, asking);
    return asking->call;
}

void listeners_ask(struct replica *replica)
{
    size_t cursor = 0, i = 0, count = slots(replica);
    struct text key;
    void *value;
    if (map_count(replica->put_off.accounts) >= most(replica))
        return;
    while (i < count && map_count(replica->accounts) > 0) {
        struct replica_asking *asking = &replica->askings[i++];
        if (!is_free(asking) || !map_next(replica->accounts, &cursor, &key, &value))
            continue;
        memcpy(asking->account.bytes, key.data, UID_BYTES);
        (void)map_remove(replica->accounts, uid_view(&asking->account));
        atomic_store(&replica->wanted, map_count(replica->accounts));
        cursor = 0;
        if (!ask(asking)) {
            retry(asking, "the request cannot be made");
            return;
        }
    }
}

bool listeners_are_busy(const struct replica *replica)
{
    for (size_t i = 0; i < slots(replica); i++)
        if (!is_free(&replica->askings[i]))
            return true;
    return false;
}

void listeners_cut(struct replica *replica)
{
    for (size_t i = 0; i < slots(replica); i++) {
        struct replica_asking *asking = &replica->askings[i];
        if (!asking->call)
            continue;
        client_cancel(asking->call);
        asking->call = NULL;
        put(replica, replica->accounts, uid_view(&asking->account));
        clear(asking);
    }
}

/* --- the words of others --- */

struct taken {
    struct replica *replica;
    struct uid account;
    bool is_durable;
};

static void settle(struct replica_asking *asking, bool is_durable)
{
    struct replica *replica = asking->replica;
    if (!is_durable) {
        put_off(asking, "a listener's state cannot be taken just now");
        return;
    }
    clear(asking);
    counter_add(COUNTER_REPLICA_TAKEN, 1);
    if (course_waits(replica))
        return;
    course_went_well(replica);
}

static void on_taken(void *context)
{
    struct taken taken = *(struct taken *)context;
    mem_free(context);
    for (size_t i = 0; i < slots(taken.replica); i++) {
        struct replica_asking *asking = &taken.replica->askings[i];
        if (asking->is_taking && uid_equal(asking->account, taken.account)) {
            settle(asking, taken.is_durable);
            return;
        }
    }
}

void replica_state_taken(struct replica *replica, struct uid account, bool is_durable)
{
    const struct taken taken = {replica, account, is_durable};
    loop_post(replica->loop, on_taken, mem_dup(&taken, sizeof taken));
}

static void on_want(void *context)
{
    struct taken wanted = *(struct taken *)context;
    mem_free(context);
    put(wanted.replica, wanted.replica->accounts, uid_view(&wanted.account));
    atomic_fetch_sub(&wanted.replica->wishes, 1);
    course_interrupt(wanted.replica);
}

static void tell_of_wishes(struct replica *replica)
{
    counter_add(COUNTER_REPLICA_NO_ROOM, 1);
    if (!atomic_exchange(&replica->has_told_of_wishes, true))
        LOG(replica->config.logger, LOG_WARNING,
            "more listeners are to be asked for than may wait: the rest comes when these are here; "
            "replica_waiting lets more wait",
            {"replica_waiting", LOG_NUMBER(most(replica))});
}

bool replica_want(struct replica *replica, struct uid account)
{
    const struct taken wanted = {.replica = replica, .account = account};
    size_t ahead = atomic_fetch_add(&replica->wishes, 1) + atomic_load(&replica->wanted);
    if (ahead >= most(replica)) {
        atomic_fetch_sub(&replica->wishes, 1);
        tell_of_wishes(replica);
        return false;
    }
    loop_post(replica->loop, on_want, mem_dup(&wanted, sizeof wanted));
    return true;
}

/* --- life --- */

void listeners_open(struct replica *replica)
{
    replica->accounts = new_map(replica);
    replica->put_off.accounts = new_map(replica);
    replica->askings = mem_zalloc(REPLICA_MOST_AT_ONCE * sizeof *replica->askings);
    for (size_t i = 0; i < REPLICA_MOST_AT_ONCE; i++) {
        replica->askings[i].replica = replica;
        buffer_init(&replica->askings[i].body, STATE_MAX_BYTES);
    }
}

void listeners_close(struct replica *replica)
{
    map_free(&replica->accounts);
    map_free(&replica->put_off.accounts);
    for (size_t i = 0; i < REPLICA_MOST_AT_ONCE; i++)
        buffer_release(&replica->askings[i].body);
    mem_free(replica->askings);
}

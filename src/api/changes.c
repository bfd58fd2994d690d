// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/changes.h"

#include "api/changes_write.h"
#include "api/endings.h"
#include "api/events.h"
#include "api/feed.h"
#include "api/feed_log.h"
#include "api/followers.h"
#include "api/nodes.h"
#include "api/revoked.h"
#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "catalog/shelf.h"
#include "io/clock.h"
#include "io/random.h"
#include "io/server.h"
#include "library/library.h"
#include "trust/keyring.h"

#include <inttypes.h>

enum {
    TELL_EVERY_US = 50 * 1000,
    CHECK_STREAMS_US = 25 * 1000 * 1000, /* has a session ended? */
    CHECK_WAITING_US = 1000 * 1000,
    WAIT_DEFAULT_S = 20,
    WAIT_MOST_S = 25, /* proxies give up after 30 */
    DATA_BYTES = 1 << 20,
    PIECE_MOST = 5000, /* accounts of which one answer tells a node */
};

struct changes {
    struct api *api;
    struct feed *feed;
    struct feed_log *log; /* NULL: it lives in memory alone */
    struct library_subscriber subscriber;
    struct loop_timer tell, check;
    uint64_t told; /* the position up to which followers heard */
    uint64_t told_at_us;
    bool is_draining;
};

/* --- what is told --- */

/* Of `account`, or NULL: another node, which may know of all; since a position, 0: everything anew.
 */
static struct changes_wish wish_of(const struct changes *changes, const struct account *account,
                                   uint64_t since)
{
    return (struct changes_wish){.feed = changes->feed,
                                 .state = changes->api->config.state,
                                 .account = account,
                                 .since = since,
                                 .most = PIECE_MOST};
}

static struct text cursor_at(const struct changes *changes, uint64_t position,
                             char storage[FEED_CURSOR_BYTES])
{
    return feed_cursor_text(changes->feed, position, storage);
}

static const char *event_of(const struct feed_change *change)
{
    return change->is_state ? "state" : "object";
}

/* One that does not take it is ended: it has the id of what it took. */
static bool tell_or_end(struct follower *follower, const char *event, struct text id,
                        struct text data)
{
    bool is_there = !follower->is_over && follower_account(follower) != NULL;
    if (follower_tell(follower, event, id, data))
        return true;
    if (is_there && guard_is_on(GUARD_SLOW_FOLLOWERS)) {
        counter_add(COUNTER_FOLLOWERS_CUT, 1);
        follower_end(follower);
    }
    return false;
}

/* --- who waits for one answer --- */

static void answer_waiting(struct changes *changes, struct follower *follower, const char *reset)
{
    struct player *player = follower->player;
    struct changes_wish wish = wish_of(changes, NULL, reset ? 0 : follower->since);
    wish.takes_pieces = follower->takes_pieces;
    wish.after = follower->after;
    wish.most = follower->most;
    follower_remove(follower);
    if (!player_refresh(player)) {
        player_problem(player, 401, "Signed out",
                       "The account is gone or disabled, or the edge is revoked.");
        return;
    }
    wish.account = player->node ? NULL : player->account;
    changes_write_answer(player_json(player), &wish, reset);
    player_send(player, 200);
}

static bool has_news(const struct changes *changes, const struct follower *follower)
{
    if (!follower_lives(follower))
        return true; /* to be told so */
    const struct account *account = follower->is_node ? NULL : follower_account(follower);
    for (const struct feed_change *each = feed_after(changes->feed, follower->since); each;
         each = feed_next(each))
        if (changes_may_know(each, account))
            return true;
    return false;
}

/* Those with news, or whose time has come. */
static void answer_those_due(struct changes *changes, uint64_t now_us)
{
    struct followers *followers = changes->api->followers;
    for (struct follower *each = followers_next(followers, NULL), *next; each; each = next) {
        next = followers_next(followers, each);
        if (each->kind == FOLLOWER_WAITING && (now_us >= each->until_us || has_news(changes, each)))
            answer_waiting(changes, each, NULL);
    }
}

/* --- what changes --- */

static void look_at_catalogs(struct changes *changes)
{
    for (int32_t id = 1; id <= LIBRARY_MAX_ROOTS; id++) {
        const struct shelf *shelf = library_shelf(changes->api->config.library, id);
        char name[FEED_NAME_BYTES];
        if (!shelf)
            continue;
        int size = snprintf(name, sizeof name, "/catalog/%" PRId32, id);
        const struct list *list = shelf_current(shelf);
        feed_object(changes->feed, text_make(name, (size_t)size), list->epoch, list->number,
                    UINT32_C(1) << (id - 1));
    }
}

static void look_at_all(struct changes *changes)
{
    const struct api *api = changes->api;
    nodes_look(api->nodes); /* which may make another ring */
    const struct keyring_content *keys = keyring_content(api->ring);
    feed_object(changes->feed, TEXT("/keys"), keys->epoch, keys->number, 0);
    feed_object(changes->feed, TEXT("/nodes"), nodes_epoch(api->nodes), nodes_number(api->nodes),
                0);
    look_at_catalogs(changes);
}

static void look_at_revoked(struct changes *changes)
{
    uint64_t number = revoked_number(changes->api, clock_unix_ms());
    feed_object(changes->feed, TEXT("/revoked"), revoked_epoch(changes->api), number, 0);
}

static void repeat_revoked(struct changes *changes)
{
    uint64_t number = revoked_number(changes->api, clock_unix_ms());
    feed_object_again(changes->feed, TEXT("/revoked"), revoked_epoch(changes->api), number);
}

/* --- telling --- */

static void tell_change(struct changes *changes, const struct feed_change *change,
                        struct buffer *data)
{
    char storage[FEED_CURSOR_BYTES];
    struct followers *followers = changes->api->followers;
    struct text id = cursor_at(changes, change->position, storage);
    changes_write_change(data, change);
    for (struct follower *each = followers_next(followers, NULL), *next; each; each = next) {
        next = followers_next(followers, each);
        const struct account *account = follower_account(each);
        if (account && !changes_may_know(change, account))
            continue;
        if (each->kind == FOLLOWER_CHANGES)
            (void)tell_or_end(each, event_of(change), id, buffer_view(data));
        else if (each->kind == FOLLOWER_PLAYER)
            events_tell(each, change);
    }
}

static void tell_news(struct changes *changes, uint64_t now_us)
{
    struct buffer data;
    uint64_t told = changes->told;
    loop_timer_stop(&changes->tell);
    look_at_revoked(changes); /* a session that ended is a change of state too */
    changes->told = feed_position(changes->feed);
    changes->told_at_us = now_us;
    feed_log_note(changes->log, state_merged_lsn(changes->api->config.state));
    if (told == changes->told)
        return;
    buffer_init(&data, DATA_BYTES);
    for (const struct feed_change *each = feed_after(changes->feed, told); each;
         each = feed_next(each))
        tell_change(changes, each, &data);
    buffer_release(&data);
    answer_those_due(changes, now_us);
}

void changes_tell(struct changes *changes)
{
    tell_news(changes, loop_now_us(changes->api->config.loop));
}

static void on_tell(struct loop_timer *timer, uint64_t now_us)
{
    tell_news(CONTAINER_OF(timer, struct changes, tell), now_us);
}

/* What came up is told in this turn's end, or when the last telling is long enough ago. */
static void tell_soon(struct changes *changes)
{
    struct loop *loop = changes->api->config.loop;
    uint64_t now_us = loop_now_us(loop), next_us = changes->told_at_us + TELL_EVERY_US;
    if (feed_position(changes->feed) == changes->told || changes->tell.on_timer == NULL)
        return;
    loop_timer_start(loop, &changes->tell, next_us > now_us ? next_us : now_us);
}

void changes_look(struct changes *changes)
{
    look_at_all(changes);
    look_at_revoked(changes);
    tell_soon(changes);
}

static void on_library(struct library_subscriber *subscriber, bool is_new_catalog)
{
    if (is_new_catalog)
        changes_look(CONTAINER_OF(subscriber, struct changes, subscriber));
}

static void on_state(void *context, struct uid account, uint64_t version UNUSED)
{
    struct changes *changes = context;
    endings_note(changes->api->endings, account);
    feed_state(changes->feed, account, changes->told);
    tell_soon(changes);
}

static void on_merged(void *context, uint64_t lsn)
{
    const struct changes *changes = context;
    feed_log_note(changes->log, lsn);
}

/* --- who comes --- */

static void start_check(struct changes *changes)
{
    struct loop *loop = changes->api->config.loop;
    const struct followers *followers = changes->api->followers;
    bool is_waited = followers_have(followers, FOLLOWER_WAITING);
    if (is_waited || followers_have(followers, FOLLOWER_CHANGES))
        loop_timer_start(loop, &changes->check,
                         loop_now_us(loop) + (is_waited ? CHECK_WAITING_US : CHECK_STREAMS_US));
}

static void on_check(struct loop_timer *timer, uint64_t now_us)
{
    struct changes *changes = CONTAINER_OF(timer, struct changes, check);
    struct followers *followers = changes->api->followers;
    answer_those_due(changes, now_us);
    for (struct follower *each = followers_next(followers, NULL), *next; each; each = next) {
        next = followers_next(followers, each);
        if (each->kind == FOLLOWER_CHANGES && !follower_account(each))
            follower_end(each);
    }
    start_check(changes);
}

static void catch_up(struct changes *changes, struct follower *follower, uint64_t since)
{
    char storage[FEED_CURSOR_BYTES];
    struct buffer data;
    const struct account *account = follower_account(follower);
    buffer_init(&data, DATA_BYTES);
    for (const struct feed_change *each = feed_after(changes->feed, since); each && account;
         each = feed_next(each)) {
        if (!changes_may_know(each, account))
            continue;
        changes_write_change(&data, each);
        if (!tell_or_end(follower, event_of(each), cursor_at(changes, each->position, storage),
                         buffer_view(&data)))
            break;
    }
    buffer_release(&data);
}

static void tell_all_anew(struct changes *changes, struct follower *follower,
                          const struct account *account, const char *why)
{
    char storage[FEED_CURSOR_BYTES];
    struct buffer data;
    struct json json;
    buffer_init(&data, DATA_BYTES);
    json_init(&json, &data);
    const struct changes_wish wish = wish_of(changes, account, 0);
    changes_write_reset(&json, &wish, why);
    (void)tell_or_end(follower, "reset", cursor_at(changes, feed_position(changes->feed), storage),
                      buffer_view(&data));
    buffer_release(&data);
}

static void begin_stream(struct changes *changes, struct player *player, uint64_t since,
                         const char *reset)
{
    struct follower *follower = followers_add(changes->api->followers, player, FOLLOWER_CHANGES);
    if (!follower)
        return;
    if (reset)
        tell_all_anew(changes, follower, player->account, reset);
    else
        catch_up(changes, follower, since);
    start_check(changes);
}

/* A node that takes everything anew in pieces says behind which account; zero: from the first. */
static bool after_of(const struct player *player, struct uid *ret)
{
    return uid_from_text(exchange_parameter(player->exchange, TEXT("after")), ret);
}

static size_t most_of(const struct player *player)
{
    uint64_t most = PIECE_MOST;
    struct text text = exchange_parameter(player->exchange, TEXT("most"));
    return text_to_u64(text, &most) && most > 0 && most < PIECE_MOST ? (size_t)most : PIECE_MOST;
}

static void begin_waiting(struct changes *changes, struct player *player, uint64_t since,
                          const char *reset)
{
    uint64_t wait_s = WAIT_DEFAULT_S;
    struct text wait = exchange_parameter(player->exchange, TEXT("wait"));
    if (wait.size && !text_to_u64(wait, &wait_s)) {
        player_problem(player, 400, "Bad request", "\"wait\" is a number of seconds.");
        return;
    }
    struct follower *follower = followers_add(changes->api->followers, player, FOLLOWER_WAITING);
    if (!follower)
        return;
    follower->since = since;
    follower->most = most_of(player);
    follower->takes_pieces = player->node && after_of(player, &follower->after);
    follower->until_us = loop_now_us(changes->api->config.loop) +
                         (wait_s < WAIT_MOST_S ? wait_s : WAIT_MOST_S) * 1000000;
    if (reset || wait_s == 0 || changes->is_draining || has_news(changes, follower))
        answer_waiting(changes, follower, reset);
    else
        start_check(changes);
}

/* Last-Event-ID is what a stream that broke knows; `since` may be what the page was opened with. */
static struct text cursor_of(const struct player *player)
{
    struct text last =
        http_request_field(exchange_request(player->exchange), TEXT("Last-Event-ID"));
    return last.size ? last : exchange_parameter(player->exchange, TEXT("since"));
}

static bool wants_json(const struct exchange *exchange)
{
    struct text accept = http_request_field(exchange_request(exchange), TEXT("Accept"));
    return text_starts_nocase(text_trim(accept), TEXT("application/json"));
}

void player_changes_get(struct player *player)
{
    struct changes *changes = player->api->changes;
    struct feed_cursor cursor = {0};
    const char *reset = "start";
    struct text text = cursor_of(player);
    changes_tell(changes); /* so that a cursor counts as told */
    if (text.size && !feed_cursor_parse(text, &cursor)) {
        player_problem(player, 400, "Bad request",
                       "\"since\" must be a cursor that came from here.");
        return;
    }
    if (player->node && !wants_json(player->exchange)) {
        player_problem(player, 406, "As JSON", "Nodes get changes as single answers in JSON.");
        return;
    }
    if (!player->node && exchange_parameter(player->exchange, TEXT("all")).size > 0) {
        player_problem(player, 403, "For nodes", "Everybody's changes are for other nodes.");
        return;
    }
    if (text.size)
        (void)!feed_can_resume(changes->feed, &cursor, &reset);
    if (reset)
        counter_add(COUNTER_CHANGES_RESET, 1);
    if (wants_json(player->exchange))
        begin_waiting(changes, player, cursor.position, reset);
    else
        begin_stream(changes, player, cursor.position, reset);
}

/* --- life --- */

static struct feed *new_feed(const struct api *api)
{
    return feed_new(api->seed.k0, state_health(api->config.state).epoch,
                    api->config.limits->changes_kept);
}

/* With a run of its own: nobody stood anywhere before. */
static void begin_anew(struct changes *changes)
{
    uint32_t run;
    random_fill(&run, sizeof run);
    look_at_all(changes);
    look_at_revoked(changes);
    feed_begin(changes->feed, run, (uint64_t)clock_unix_ms() * 1000);
}

/* Where the process before stood; what is another version by now is news. */
static void begin_feed(struct changes *changes)
{
    const struct api *api = changes->api;
    bool has_missed;
    changes->feed = new_feed(api);
    if (feed_log_take_up(api, changes->feed, &has_missed)) {
        look_at_all(changes);
        if (!has_missed) /* each start signs it anew */
            repeat_revoked(changes);
        look_at_revoked(changes);
    } else {
        feed_free(&changes->feed);
        changes->feed = new_feed(api);
        begin_anew(changes);
    }
    changes->log = feed_log_open(api, changes->feed);
    changes->told = feed_position(changes->feed);
}

struct changes *changes_new(struct api *api)
{
    struct changes *changes = MEM_NEW(struct changes);
    changes->api = api;
    begin_feed(changes);
    changes->tell.on_timer = on_tell;
    changes->check.on_timer = on_check;
    changes->subscriber.on_change = on_library;
    library_subscribe(api->config.library, &changes->subscriber);
    state_on_change(api->config.state, on_state, on_merged, changes);
    return changes;
}

static void answer_all(struct changes *changes)
{
    struct followers *followers = changes->api->followers;
    for (struct follower *each = followers_next(followers, NULL), *next; each; each = next) {
        next = followers_next(followers, each);
        if (each->kind == FOLLOWER_WAITING)
            answer_waiting(changes, each, NULL);
    }
}

void changes_drain(struct changes *changes)
{
    changes->is_draining = true;
    answer_all(changes);
}

void changes_free(struct changes **changes_p)
{
    struct changes *changes = *changes_p;
    if (!changes)
        return;
    struct api *api = changes->api;
    state_on_change(api->config.state, NULL, NULL, NULL);
    library_unsubscribe(api->config.library, &changes->subscriber);
    loop_timer_stop(&changes->tell);
    loop_timer_stop(&changes->check);
    answer_all(changes);
    feed_log_note(changes->log, state_merged_lsn(api->config.state));
    feed_log_close(&changes->log);
    feed_free(&changes->feed);
    mem_free_p(changes_p);
}

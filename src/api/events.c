// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/events.h"

#include "api/changes.h"
#include "api/feed.h"
#include "api/followers.h"
#include "api/scan.h"
#include "base/mem.h"
#include "library/library.h"

/* A scan is told of each second while it runs; otherwise a word now and then finds out who has
 * gone. */
enum { SCAN_EVERY_US = 1000000, PING_EVERY_US = 25000000 };

struct events {
    struct api *api;
    struct library_subscriber subscriber;
    struct loop_timer timer;
};

static void tell_all(struct events *events, const char *name, struct text data)
{
    struct followers *followers = events->api->followers;
    for (struct follower *each = followers_next(followers, NULL), *next; each; each = next) {
        next = followers_next(followers, each);
        if (each->kind == FOLLOWER_PLAYER)
            (void)follower_tell(each, name, TEXT_NONE, data);
    }
}

void events_ask_to_move(struct events *events) { tell_all(events, "move", TEXT("{}")); }

/* --- changes --- */

static void write_version(struct buffer *out, uint64_t version)
{
    struct json json;
    json_init(&json, out);
    json_begin_object(&json);
    json_member_u64(&json, "version", version);
    json_end_object(&json);
}

/* Which catalogue a change belongs to is of no use to a page that reads all of them. */
static const char *word_of(const struct feed_change *change)
{
    struct text name = text_of(change->name);
    if (change->is_state)
        return "state";
    if (text_starts(name, TEXT("/catalog/")))
        return "catalog";
    return text_equal(name, TEXT("/nodes")) ? "nodes" : NULL;
}

void events_tell(struct follower *follower, const struct feed_change *change)
{
    struct buffer data;
    const char *word = word_of(change);
    if (!word)
        return;
    buffer_init(&data, 128);
    write_version(&data, change->position);
    (void)follower_tell(follower, word, TEXT_NONE, buffer_view(&data));
    buffer_release(&data);
}

/* --- the scan --- */

static void write_scan(struct events *events, struct buffer *out)
{
    struct json json;
    json_init(&json, out);
    json_begin_object(&json);
    scan_write_status(&json, events->api->config.library);
    json_end_object(&json);
}

static void tell_scan(struct events *events)
{
    struct buffer data;
    buffer_init(&data, 4096);
    write_scan(events, &data);
    tell_all(events, "scan", buffer_view(&data));
    buffer_release(&data);
}

static bool is_scanning(const struct events *events)
{
    struct library_status status;
    library_status(events->api->config.library, &status);
    return status.phase != LIBRARY_IDLE;
}

static void start_timer(struct events *events)
{
    uint64_t wait_us = is_scanning(events) ? SCAN_EVERY_US : PING_EVERY_US;
    struct loop *loop = events->api->config.loop;
    if (followers_have(events->api->followers, FOLLOWER_PLAYER))
        loop_timer_start(loop, &events->timer, loop_now_us(loop) + wait_us);
}

static void on_timer(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct events *events = CONTAINER_OF(timer, struct events, timer);
    if (is_scanning(events))
        tell_scan(events);
    else
        tell_all(events, "ping", TEXT("{}"));
    start_timer(events);
}

static void on_library(struct library_subscriber *subscriber, bool is_new_catalog UNUSED)
{
    struct events *events = CONTAINER_OF(subscriber, struct events, subscriber);
    tell_scan(events);
    start_timer(events);
}

/* --- life --- */

void player_events_get(struct player *player)
{
    struct events *events = player->api->events;
    struct buffer data;
    changes_tell(player->api->changes);
    struct follower *follower = followers_add(player->api->followers, player, FOLLOWER_PLAYER);
    if (!follower)
        return;
    buffer_init(&data, 4096);
    write_scan(events, &data);
    (void)exchange_events_send(follower->exchange, "scan", TEXT_NONE, buffer_view(&data));
    buffer_release(&data);
    start_timer(events);
}

struct events *events_new(struct api *api)
{
    struct events *events = MEM_NEW(struct events);
    events->api = api;
    events->timer.on_timer = on_timer;
    events->subscriber.on_change = on_library;
    library_subscribe(api->config.library, &events->subscriber);
    return events;
}

void events_free(struct events **events_p)
{
    struct events *events = *events_p;
    if (!events)
        return;
    library_unsubscribe(events->api->config.library, &events->subscriber);
    loop_timer_stop(&events->timer);
    mem_free_p(events_p);
}

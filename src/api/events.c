// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/events.h"

#include "api/player.h"
#include "api/scan.h"
#include "base/mem.h"
#include "io/clock.h"
#include "library/library.h"

/* A scan is told of each second while it runs; otherwise a word now and then finds out who has
 * gone. */
enum { SCAN_EVERY_US = 1000000, PING_EVERY_US = 25000000 };

struct hearer {
    struct hearer *next, **previous_next;
    struct events *events;
    struct exchange *exchange;
    struct uid session_id, account_id;
    bool is_state_due; /* their state changed; told in the next turn */
};

struct events {
    struct api *api;
    struct library_subscriber subscriber;
    struct loop_timer timer, state_timer;
    uint64_t state_version;
    struct hearer *hearers;
    size_t count;
};

/* May end the hearer. */
static void tell(struct hearer *hearer, const char *name, struct text data)
{
    const struct state *state = hearer->events->api->config.state;
    if (!state_session(state, hearer->session_id, clock_unix_ms()))
        exchange_events_end(hearer->exchange); /* on_close follows */
    else
        (void)exchange_events_send(hearer->exchange, name, TEXT_NONE, data);
}

static void tell_all(struct events *events, const char *name, struct text data)
{
    struct hearer *next;
    for (struct hearer *hearer = events->hearers; hearer; hearer = next) {
        next = hearer->next;
        tell(hearer, name, data);
    }
}

static void write_version(struct buffer *out, uint64_t version)
{
    struct json json;
    json_init(&json, out);
    json_begin_object(&json);
    json_member_u64(&json, "version", version);
    json_end_object(&json);
}

static void tell_catalog(struct events *events, uint64_t version)
{
    struct buffer data;
    buffer_init(&data, 128);
    write_version(&data, version);
    tell_all(events, "catalog", buffer_view(&data));
    buffer_release(&data);
}

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
    if (events->hearers)
        loop_timer_start(loop, &events->timer, loop_now_us(loop) + wait_us);
}

static void on_timer(struct loop_timer *timer, uint64_t now_us)
{
    struct events *events = CONTAINER_OF(timer, struct events, timer);
    (void)now_us;
    if (is_scanning(events))
        tell_scan(events);
    else
        tell_all(events, "ping", TEXT("{}"));
    start_timer(events);
}

static void on_library(struct library_subscriber *subscriber, bool is_new_catalog)
{
    struct events *events = CONTAINER_OF(subscriber, struct events, subscriber);
    struct library_status status;
    if (!events->hearers)
        return;
    library_status(events->api->config.library, &status);
    if (is_new_catalog)
        tell_catalog(events, status.version);
    tell_scan(events);
    start_timer(events);
}

static void on_state_timer(struct loop_timer *timer, uint64_t now_us)
{
    struct events *events = CONTAINER_OF(timer, struct events, state_timer);
    struct buffer data;
    struct hearer *next;
    (void)now_us;
    buffer_init(&data, 128);
    write_version(&data, events->state_version);
    for (struct hearer *hearer = events->hearers; hearer; hearer = next) {
        next = hearer->next;
        if (!hearer->is_state_due)
            continue;
        hearer->is_state_due = false;
        tell(hearer, "state", buffer_view(&data));
    }
    buffer_release(&data);
}

static void on_state(void *context, struct uid account, uint64_t version)
{
    struct events *events = context;
    struct loop *loop = events->api->config.loop;
    bool is_heard = false;
    for (struct hearer *hearer = events->hearers; hearer; hearer = hearer->next) {
        if (!uid_equal(hearer->account_id, account))
            continue;
        hearer->is_state_due = is_heard = true;
    }
    events->state_version = version;
    if (is_heard)
        loop_timer_start(loop, &events->state_timer, loop_now_us(loop));
}

static void on_close(void *context)
{
    struct hearer *hearer = context;
    struct events *events = hearer->events;
    *hearer->previous_next = hearer->next;
    if (hearer->next)
        hearer->next->previous_next = hearer->previous_next;
    events->count--;
    mem_free(hearer);
    if (!events->hearers) {
        loop_timer_stop(&events->timer);
        loop_timer_stop(&events->state_timer);
    }
}

static void add_hearer(struct events *events, struct hearer *hearer)
{
    hearer->next = events->hearers;
    hearer->previous_next = &events->hearers;
    if (hearer->next)
        hearer->next->previous_next = &hearer->next;
    events->hearers = hearer;
    events->count++;
}

static size_t count_of(const struct events *events, struct uid account)
{
    size_t count = 0;
    for (const struct hearer *hearer = events->hearers; hearer; hearer = hearer->next)
        count += uid_equal(hearer->account_id, account);
    return count;
}

void player_events_get(struct player *player)
{
    struct events *events = player->api->events;
    if (events->count >= EVENTS_MAX_LISTENERS ||
        count_of(events, player->account_id) >= EVENTS_MAX_PER_ACCOUNT) {
        player_busy(player, 60, "Too many players are listening for changes; ask again later.");
        return;
    }
    struct hearer *hearer = MEM_NEW(struct hearer);
    struct buffer data;
    hearer->events = events;
    hearer->exchange = player->exchange;
    hearer->session_id = player->session_id;
    hearer->account_id = player->account_id;
    add_hearer(events, hearer);
    exchange_field(player->exchange, "Cache-Control", TEXT("no-store"));
    exchange_events_start(player->exchange, on_close, hearer);
    buffer_init(&data, 4096);
    write_scan(events, &data);
    (void)exchange_events_send(hearer->exchange, "scan", TEXT_NONE, buffer_view(&data));
    buffer_release(&data);
    start_timer(events);
}

struct events *events_new(struct api *api)
{
    struct events *events = MEM_NEW(struct events);
    events->api = api;
    events->timer.on_timer = on_timer;
    events->state_timer.on_timer = on_state_timer;
    events->subscriber.on_change = on_library;
    library_subscribe(api->config.library, &events->subscriber);
    state_on_change(api->config.state, on_state, events);
    return events;
}

void events_free(struct events **events_p)
{
    struct events *events = *events_p;
    if (!events)
        return;
    state_on_change(events->api->config.state, NULL, NULL);
    library_unsubscribe(events->api->config.library, &events->subscriber);
    loop_timer_stop(&events->timer);
    loop_timer_stop(&events->state_timer);
    mem_free_p(events_p);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/requests.h"

#include "api/decide.h"
#include "api/player.h"
#include "api/visitor.h"
#include "api/wishes.h"
#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/server.h"

#include <stdlib.h>

enum { RETRY_S = 60 };

/* --- bounds --- */

static size_t waiting_of(const struct state *state, struct uid account)
{
    const struct kept_request *one;
    size_t count = 0;
    for (size_t cursor = 0; (one = state_request_next(state, &cursor));)
        count += one->state == REQUEST_WAITING && uid_equal(one->account, account);
    return count;
}

bool requests_has_room(const struct api *api, struct uid account, size_t coming)
{
    const struct state *state = api->config.state;
    const struct server_limits *limits = api->config.limits;
    bool has_room = state_request_count(state) + coming < limits->max_requests_kept &&
                    waiting_of(state, account) + coming < limits->max_requests_waiting;
    counter_add(COUNTER_REQUESTS_OVER_BOUNDS, !has_room);
    return has_room || !guard_is_on(GUARD_REQUESTS_KEPT);
}

/* --- showing --- */

static const char *words_of(const struct player *player, const struct kept_request *one)
{
    if (one->state == REQUEST_DONE)
        return "Done.";
    if (one->state == REQUEST_REFUSED)
        return "Refused.";
    return api_follows(player->api)
               ? "Asked. It will be decided when the origin is reached."
               : "Asked. It will be decided when the session is known in which it was asked.";
}

static void write_wish(struct json *json, const struct account_wish *wish)
{
    json_member_text(json, "what", text_of(request_what_word(wish->what)));
    player_write_uid(json, "account", wish->about);
    if (wish->name.size)
        json_member_text(json, "name", wish->name);
    if (wish->has_admin)
        json_member_bool(json, "isAdmin", wish->is_admin);
    if (wish->has_disabled)
        json_member_bool(json, "isDisabled", wish->is_disabled);
    if (wish->has_libraries)
        player_write_libraries(json, wish->libraries);
}

static void write_request(const struct player *player, struct json *json,
                          const struct kept_request *one)
{
    static const char *const states[] = {
        [REQUEST_WAITING] = "waiting", [REQUEST_DONE] = "done", [REQUEST_REFUSED] = "refused"};
    json_begin_object(json);
    player_write_uid(json, "id", one->id);
    json_member_text(json, "state", text_of(states[one->state]));
    json_member_text(json, "words", text_of(words_of(player, one)));
    write_wish(json, &one->wish);
    json_member_i64(json, "askedAt", one->asked_ms);
    if (one->decided_ms)
        json_member_i64(json, "decidedAt", one->decided_ms);
    if (one->state == REQUEST_REFUSED)
        json_member_text(json, "why", one->why);
    json_end_object(json);
}

static int compare_newest(const void *a, const void *b)
{
    int64_t one = (*(const struct kept_request *const *)a)->asked_ms,
            other = (*(const struct kept_request *const *)b)->asked_ms;
    return (one < other) - (one > other);
}

void player_requests_get(struct player *player)
{
    const struct state *state = player->api->config.state;
    const struct kept_request **own, *one;
    size_t count = 0;
    own = mem_realloc_array(NULL, state_request_count(state) + 1, sizeof *own);
    for (size_t cursor = 0; (one = state_request_next(state, &cursor));)
        if (uid_equal(one->account, player->account_id) &&
            !decide_is_over(one, player_now_ms(player)))
            own[count++] = one;
    qsort(own, count, sizeof *own, compare_newest);
    struct json *json = player_json(player);
    json_begin_array(json);
    for (size_t i = 0; i < count; i++)
        write_request(player, json, own[i]);
    json_end_array(json);
    mem_free(own);
    player_send(player, 200);
}

/* --- keeping --- */

static void send_kept(struct player *player, const struct kept_request *kept)
{
    write_request(player, player_json(player), kept);
    player_send(player, 202);
}

static void on_kept(struct player *player)
{
    const struct uid *id = player->context;
    const struct kept_request *kept =
        state_request(player->api->config.state, player->account_id, *id);
    counter_add(COUNTER_REQUESTS_KEPT, 1);
    if (kept)
        send_kept(player, kept);
    else /* the origin decided and forgot it already, or there is no room in memory */
        player_send_empty(player, 202);
}

static const struct kept_request *find_same(const struct player *player,
                                            const struct account_wish *wish)
{
    const struct kept_request *one;
    for (size_t cursor = 0; (one = state_request_next(player->api->config.state, &cursor));)
        if (one->state == REQUEST_WAITING && uid_equal(one->account, player->account_id) &&
            wish_equal(&one->wish, wish))
            return one;
    return NULL;
}

void requests_keep(struct player *player, const struct account_wish *wish)
{
    const struct wish_fault *fault = wish_fault(player->api->config.state, wish);
    const struct kept_request *same = find_same(player, wish);
    struct uid *id = arena_alloc(exchange_arena(player->exchange), sizeof *id);
    if (visitor_is(player->api, player->account_id) && guard_is_on(GUARD_VISITS)) {
        player_busy(player, RETRY_S,
                    "The origin is away, and what an admin asks of it is kept at their home alone: "
                    "ask there, or when it is back.");
    } else if (same) {
        send_kept(player, same);
    } else if (fault) {
        player_problem(player, fault->status, fault->title, fault->words);
    } else if (!id || !requests_has_room(player->api, player->account_id, 0)) {
        player_busy(player, RETRY_S,
                    "The origin is away, and as many requests as may wait for it wait already.");
    } else {
        struct batch *batch = player_batch(player, false);
        *id = batch_request(batch, player->session_id, wish);
        player->context = id;
        player_submit(player, batch, on_kept);
    }
}

bool requests_decline(struct player *player)
{
    if (!api_follows(player->api))
        return false;
    player_busy(player, RETRY_S,
                "The origin is away. What holds a password or a secret is not kept for it: do this "
                "when it is back.");
    return true;
}

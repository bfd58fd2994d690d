// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/followers.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/server.h"

enum { RETRY_S = 60 };

struct followers {
    struct api *api;
    struct follower *first;
    size_t count;
};

struct followers *followers_new(struct api *api)
{
    struct followers *followers = MEM_NEW(struct followers);
    followers->api = api;
    return followers;
}

void followers_free(struct followers **followers) { mem_free_p(followers); }

/* --- coming and going --- */

static size_t count_of(const struct followers *followers, struct uid account)
{
    size_t count = 0;
    for (const struct follower *each = followers->first; each; each = each->_next)
        count += uid_equal(each->account_id, account);
    return count;
}

static bool has_room(const struct followers *followers, struct uid account)
{
    const struct server_limits *limits = followers->api->config.limits;
    return !guard_is_on(GUARD_FOLLOWERS) ||
           (followers->count < limits->max_followers &&
            count_of(followers, account) < limits->max_followers_per_account);
}

void follower_remove(struct follower *follower)
{
    *follower->_previous_next = follower->_next;
    if (follower->_next)
        follower->_next->_previous_next = follower->_previous_next;
    follower->_followers->count--;
    counter_add(COUNTER_FOLLOWERS, -1);
    mem_free(follower);
}

static void on_close(void *context) { follower_remove(context); }

static void insert(struct followers *followers, struct follower *follower)
{
    follower->_followers = followers;
    follower->_next = followers->first;
    follower->_previous_next = &followers->first;
    if (follower->_next)
        follower->_next->_previous_next = &follower->_next;
    followers->first = follower;
    followers->count++;
    counter_add(COUNTER_FOLLOWERS, 1);
}

struct follower *followers_add(struct followers *followers, struct player *player,
                               enum follower_kind kind)
{
    if (!has_room(followers, player->account_id)) {
        counter_add(COUNTER_FOLLOWERS_REFUSED, 1);
        player_busy(player, RETRY_S, "Too many listen for changes already; ask again later.");
        return NULL;
    }
    struct follower *follower = MEM_NEW(struct follower);
    *follower = (struct follower){.kind = kind,
                                  .exchange = player->exchange,
                                  .session_id = player->session_id,
                                  .account_id = player->account_id,
                                  .is_node = player->node != NULL};
    insert(followers, follower);
    if (kind == FOLLOWER_WAITING) {
        follower->player = player;
        return follower;
    }
    exchange_events_start(player->exchange, on_close, follower);
    return follower;
}

/* --- telling --- */

struct follower *followers_next(const struct followers *followers, const struct follower *after)
{
    return after ? after->_next : followers->first;
}

bool followers_have(const struct followers *followers, enum follower_kind kind)
{
    for (const struct follower *each = followers->first; each; each = each->_next)
        if (each->kind == kind)
            return true;
    return false;
}

bool follower_lives(const struct follower *follower)
{
    return follower->is_node ? player_refresh(follower->player)
                             : follower_account(follower) != NULL;
}

const struct account *follower_account(const struct follower *follower)
{
    const struct state *state = follower->_followers->api->config.state;
    const struct account *account = state_session(state, follower->session_id, clock_unix_ms())
                                        ? state_account(state, follower->account_id)
                                        : NULL;
    return account && !account->is_disabled ? account : NULL;
}

void follower_end(struct follower *follower)
{
    bool was_over = follower->is_over;
    follower->is_over = true;
    if (!was_over)
        exchange_events_end(follower->exchange);
}

bool follower_tell(struct follower *follower, const char *event, struct text id, struct text data)
{
    if (follower->is_over)
        return false;
    if (follower_account(follower))
        return exchange_events_send(follower->exchange, event, id, data);
    follower_end(follower); /* on_close follows */
    return false;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/edge_homes.h"

#include "replica/replica.h"
#include "state/state.h"

enum { STEP_ACCOUNTS = 300, STEP_EVERY_US = 5000, NO_ROOM_PAUSE_US = 500000 };

/* A copy with a box brings a hash of the password, and one without takes it away. */
static bool has_box(const struct account *account) { return account->password_hash.size > 0; }

static void end(struct edge_homes *homes)
{
    loop_timer_stop(&homes->timer);
    node_list_unref(&homes->list);
}

static void step(struct loop_timer *timer, uint64_t now_us)
{
    struct edge_homes *homes = CONTAINER_OF(timer, struct edge_homes, timer);
    const struct account *account;
    uint64_t pause_us = STEP_EVERY_US;
    size_t count = state_account_count(homes->state);
    if (count != homes->account_count) /* the walk may have lost its place */
        homes->cursor = 0;
    homes->account_count = count;
    for (size_t i = 0; i < STEP_ACCOUNTS && pause_us == STEP_EVERY_US; i++) {
        size_t here = homes->cursor;
        account = state_account_next(homes->state, &homes->cursor);
        if (!account || !*homes->replica) {
            end(homes);
            return;
        }
        const struct homes own = node_list_homes(homes->list, account->id);
        if (homes_has(&own, homes->own) != has_box(account) &&
            !replica_want(*homes->replica, account->id)) {
            homes->cursor = here; /* this one again */
            pause_us = NO_ROOM_PAUSE_US;
        }
    }
    loop_timer_start(homes->loop, timer, now_us + pause_us);
}

void edge_homes_init(struct edge_homes *homes, struct loop *loop, const struct state *state,
                     struct replica **replica, struct uid own)
{
    *homes = (struct edge_homes){
        .loop = loop, .state = state, .replica = replica, .own = own, .timer.on_timer = step};
}

void edge_homes_look(struct edge_homes *homes, struct node_list *list)
{
    if (!list || !homes->loop)
        return;
    end(homes);
    homes->list = node_list_ref(list);
    homes->cursor = 0;
    loop_timer_start(homes->loop, &homes->timer, loop_now_us(homes->loop) + STEP_EVERY_US);
}

void edge_homes_release(struct edge_homes *homes)
{
    if (homes->loop)
        end(homes);
    homes->loop = NULL;
}

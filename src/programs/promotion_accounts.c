// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/promotion_accounts.h"

#include "edge/forwarded_mark.h"
#include "io/clock.h"
#include "io/loop.h"
#include "programs/promotion_edges.h"
#include "programs/settings.h"
#include "state/state.h"
#include "trust/keys.h"
#include "trust/node_list.h"

struct counting {
    const struct state *state;
    const struct keys *keys;
    struct node_list *list; /* NULL: not known */
    struct uid own;
    struct promotion_findings *found;
};

/* Whether another edge is, or was, where they sign in. */
static bool is_held_elsewhere(const struct counting *counting, struct uid account)
{
    if (!counting->list)
        return false;
    const struct homes homes = node_list_homes(counting->list, account);
    const struct uid *both[] = {&homes.home, &homes.backup};
    for (size_t i = 0; i < ARRAY_SIZE(both); i++)
        if (!uid_is_none(*both[i]) && !uid_equal(*both[i], counting->own))
            return true;
    return false;
}

static void count_apps(const struct counting *counting, struct uid account, bool is_elsewhere)
{
    const struct app *app;
    struct promotion_findings *found = counting->found;
    for (size_t cursor = 0; (app = state_app_next(counting->state, account, &cursor));) {
        struct secret secret;
        found->apps++;
        if (secret_unseal(counting->keys, &app->sealed, app->id, &secret)) {
            secret_wipe(&secret);
            continue;
        }
        found->apps_by_key_only++;
        found->apps_elsewhere += is_elsewhere;
    }
}

static void count_accounts(const struct counting *counting)
{
    const struct account *account;
    struct promotion_findings *found = counting->found;
    for (size_t cursor = 0; (account = state_account_next(counting->state, &cursor));) {
        bool is_elsewhere = is_held_elsewhere(counting, account->id);
        bool is_without = account->password_hash.size == 0;
        found->accounts++;
        found->without_password += is_without;
        found->passwords_elsewhere += is_without && is_elsewhere;
        count_apps(counting, account->id, is_elsewhere);
    }
}

static void count(struct counting *counting, const struct copy *nodes,
                  const struct key_place *place)
{
    uint64_t epoch = state_health(counting->state).epoch;
    counting->list = promotion_edges_list(nodes);
    counting->own = promotion_edges_own(place);
    count_accounts(counting);
    if (epoch > counting->found->epoch)
        counting->found->epoch = epoch;
    node_list_unref(&counting->list);
}

bool promotion_accounts_look(const struct promotion_config *config, const struct key_place *place,
                             const struct copy *nodes, struct promotion_findings *found,
                             struct buffer *why)
{
    struct keys *keys = NULL;
    struct state *state = NULL;
    struct keys_error keys_error = {""};
    struct state_error state_error = {""};
    struct loop *loop = loop_new();
    struct state_forwarded kept = {.lsn = 0}; /* it may become an edge again */
    forwarded_mark_read(config->settings->data, &kept.journal, &kept.lsn);
    int error = keys_open(place, true, &keys, &keys_error);
    const struct state_config own = {.folder = config->settings->data,
                                     .keys = keys,
                                     .kept = &kept,
                                     .loop = loop,
                                     .logger = config->logger,
                                     .now_ms = clock_unix_ms()};
    if (error == 0)
        error = state_open(&own, &state, &state_error);
    if (error == 0)
        count(&(struct counting){.state = state, .keys = keys, .found = found}, nodes, place);
    else
        buffer_printf(why, "%s", keys ? state_error.words : keys_error.words);
    state_close(&state);
    keys_free(&keys);
    loop_free(&loop);
    return error == 0;
}

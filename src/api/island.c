// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/island.h"

#include "api/exposure.h"
#include "api/hots.h"
#include "api/inside.h"
#include "api/nodes.h"
#include "api/player.h"
#include "api/revoked.h"
#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "state/state.h"
#include "trust/grant.h"
#include "trust/node_list.h"

#include <sodium.h>

enum { HOME_URLS = 2, URLS_BYTES = 600 };

bool island_is_linked(const struct api *api)
{
    const struct api_elsewhere *elsewhere = &api->config.elsewhere;
    return !api_follows(api) || !elsewhere->is_linked || elsewhere->is_linked(elsewhere->context);
}

static struct homes homes_of_account(const struct api *api, struct uid account)
{
    return node_list_homes(nodes_list(api->nodes), account);
}

bool island_is_home(const struct api *api, struct uid account)
{
    struct homes homes = homes_of_account(api, account);
    return !api_follows(api) || homes_has(&homes, api->node_id);
}

/* By what was signed last by an origin that knew of everything: /revoked, each hour. */
static bool is_over(const struct api *api, int64_t now_ms)
{
    int64_t heard_s = revoked_issued_s(api->revoked);
    return api_follows(api) && guard_is_on(GUARD_ISLAND_GRACE) &&
           (heard_s == 0 || now_ms / 1000 - heard_s > api->config.elsewhere.grace_s);
}

bool island_may_sign(const struct api *api, int64_t now_ms)
{
    return !api_follows(api) || (guard_is_on(GUARD_ISLAND_SIGNS) && api->has_keys &&
                                 api->config.elsewhere.node_seed && !is_over(api, now_ms));
}

bool island_believes(const struct api *api, struct uid node, struct uid account)
{
    if (uid_is_none(node) || uid_equal(node, api->node_id) || !guard_is_on(GUARD_EDGE_HOMES))
        return true;
    struct homes homes = homes_of_account(api, account);
    return homes_has(&homes, node);
}

static bool was_heard_of(const struct api *api, struct uid account, struct uid session)
{
    const struct state *state = api->config.state;
    return uid_is_none(account)
               ? state_session(state, session, 0) || state_session_has_ended(state, session)
               : state_session_is_known(state, account, session);
}

bool island_may_hear_of(const struct api *api, struct uid node, struct uid account,
                        struct uid session)
{
    bool may = api_follows(api) && uid_is_none(node) && guard_is_on(GUARD_UNHEARD_SESSIONS) &&
               !was_heard_of(api, account, session);
    counter_add(COUNTER_SESSIONS_UNHEARD, may);
    return may;
}

/* --- who signs in elsewhere --- */

struct uid island_uid_of_name(struct text name)
{
    struct uid uid;
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = (uint8_t)name.data[i];
        c = c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
        crypto_hash_sha256_update(&state, &c, 1);
    }
    crypto_hash_sha256_final(&state, digest);
    memcpy(uid.bytes, digest, sizeof uid.bytes);
    return uid;
}

bool island_lacks_password(const struct api *api, struct text name, struct uid *ret_account)
{
    const struct account *account = state_account_by_name(api->config.state, name);
    if (!api_follows(api) || (account && account->password_hash.size))
        return false;
    *ret_account = account ? account->id : island_uid_of_name(name);
    return island_is_linked(api) || !island_is_home(api, *ret_account);
}

/* --- words --- */

static void write_home(const struct api *api, struct uid account, struct buffer *out)
{
    struct homes homes = homes_of_account(api, account);
    const struct uid ids[HOME_URLS] = {homes.home, homes.backup};
    for (size_t i = 0; i < HOME_URLS && !uid_is_none(account); i++) {
        struct node_list *list = nodes_list(api->nodes);
        const struct node_entry *entry =
            list && !uid_equal(ids[i], api->node_id) ? node_list_find(list, ids[i]) : NULL;
        if (entry && entry->url_count)
            buffer_printf(out, "%s%.*s", out->size ? " or " : "", TEXT_ARGS(entry->urls[0]));
    }
}

static struct text over_words(const struct api *api, struct arena *arena, int64_t now_ms)
{
    int64_t heard_s = revoked_issued_s(api->revoked);
    if (!heard_s)
        return TEXT("This node has not heard from its origin yet.");
    return arena_printf(arena,
                        "This node has heard nothing from its origin for %lld days, and renews "
                        "sign-ins for %lld. What is downloaded plays on; ask who runs the service.",
                        (long long)((now_ms / 1000 - heard_s) / 86400),
                        (long long)(api->config.elsewhere.grace_s / 86400));
}

struct text island_words(const struct api *api, struct arena *arena, enum island_lack lack,
                         struct uid account, int64_t now_ms)
{
    struct buffer home;
    if (lack == ISLAND_IS_OVER || is_over(api, now_ms))
        return over_words(api, arena, now_ms);
    buffer_init(&home, URLS_BYTES);
    write_home(api, account, &home);
    const char *what = lack == ISLAND_LACKS_PASSWORD
                           ? "This node cannot check your sign-in while the origin is away."
                           : "This node cannot check this session while the origin is away.";
    struct text words = home.size ? arena_printf(arena, "%s At %.*s it can be checked.", what,
                                                 TEXT_ARGS(buffer_view(&home)))
                                  : arena_printf(arena, "%s Try again later.", what);
    buffer_release(&home);
    return words.data ? words : text_of(what);
}

void island_pass(struct player *player, enum island_lack lack, struct uid account)
{
    struct api *api = player->api;
    if (!player->is_alone && island_is_linked(api)) {
        player_go_elsewhere(player);
        return;
    }
    counter_add(COUNTER_ISLAND_REFUSED, 1);
    struct text words =
        island_words(api, exchange_arena(player->exchange), lack, account, player_now_ms(player));
    player_busy(player, ISLAND_RETRY_S, words.data);
}

bool island_opens(struct player *player)
{
    bool may = island_may_sign(player->api, player_now_ms(player));
    if (!may)
        island_pass(player, ISLAND_IS_OVER, (struct uid){{0}});
    return may;
}

bool island_renews(struct player *player, struct uid account)
{
    const struct api *api = player->api;
    bool is_ours = island_is_home(api, account) || player->is_alone || !island_is_linked(api);
    bool renews = is_ours && island_may_sign(api, player_now_ms(player));
    if (!renews)
        island_pass(player, ISLAND_LACKS_SESSION, account);
    return renews;
}

/* --- whose signatures hold --- */

static bool may_sign_sessions(const struct node_entry *entry)
{
    return entry->is_welcome && entry->is_delegate && entry->delegation.may & DELEGATED_SESSIONS;
}

void island_take_nodes(struct api *api, struct node_list *list)
{
    size_t count = list ? node_list_count(list) : 0, known = 0;
    struct ring_node *nodes = mem_zalloc((count + 1) * sizeof *nodes);
    for (size_t i = 0; i < count; i++) {
        const struct node_entry *entry = node_list_at(list, i);
        if (may_sign_sessions(entry))
            ring_node_init(&nodes[known++], entry->delegation.key);
    }
    struct keyring *gone = api->ring;
    api->ring = keyring_with_nodes(gone, nodes, known, api->config.elsewhere.node_seed);
    keyring_unref(&gone);
    mem_free(nodes);
    grant_cache_forget(api->grants);
    hots_forget(api);
    if (api->exposure)
        exposure_settle(api->exposure);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/proof.h"

#include "api/endings.h"
#include "api/hots.h"
#include "api/inside.h"
#include "api/island.h"
#include "api/nodes.h"
#include "api/peers.h"
#include "io/exchange.h"
#include "state/state.h"
#include "trust/node_list.h"

#include <string.h>

struct text proof_grant(const struct exchange *exchange)
{
    struct text field = http_request_field(exchange_request(exchange), TEXT("Sostenuto-Grant"));
    return field.size ? field : exchange_parameter(exchange, TEXT("g"));
}

/* An edge that asks for itself may have whatever its listeners may. */
static bool prove_node(const struct api *api, const struct exchange *exchange,
                       struct hot_proof *ret)
{
    struct node_seat seat;
    if (proof_grant(exchange).size || !peers_node(api, exchange, &seat))
        return false;
    *ret = (struct hot_proof){.right = seat.id, .libraries = UINT64_MAX, .until_ms = INT64_MAX};
    ret->user.size = strnlen(seat.name, sizeof seat.name);
    ret->user.size = ret->user.size < HOT_USER_BYTES ? ret->user.size : HOT_USER_BYTES;
    memcpy(ret->user.name, seat.name, ret->user.size);
    return true;
}

static const struct hot_proof *recall_node(const struct api *api, const struct exchange *exchange)
{
    struct hot_proof proof;
    struct arena *arena = exchange_arena((struct exchange *)(uintptr_t)exchange);
    struct hot_proof *own =
        prove_node(api, exchange, &proof) ? arena_alloc(arena, sizeof proof) : NULL;
    if (own)
        *own = proof;
    return own;
}

const struct hot_proof *proof_recall(const struct api *api, const struct exchange *exchange)
{
    const struct hot_proof *node =
        exchange_peer(exchange)->is_node ? recall_node(api, exchange) : NULL;
    if (node)
        return node;
    return hot_recall(api->hots[exchange_connection_index(exchange)], proof_grant(exchange),
                      exchange_now_ms(exchange));
}

void proof_show(struct exchange *exchange, const struct hot_proof *proof)
{
    endings_own(exchange, proof->account, proof->right);
    exchange_set_user(exchange, text_make(proof->user.name, proof->user.size));
}

static void fill(struct hot_proof *ret, const struct grant *grant, int64_t until_ms,
                 const struct account *account)
{
    int64_t grant_until_ms = grant->expires_s * 1000;
    *ret = (struct hot_proof){
        .account = account->id,
        .right = grant->session,
        .libraries = grant->libraries & account->libraries,
        .until_ms = grant_until_ms < until_ms ? grant_until_ms : until_ms,
    };
    memcpy(ret->track, grant->track, sizeof ret->track);
    ret->user.size = account->name.size < HOT_USER_BYTES ? account->name.size : HOT_USER_BYTES;
    bytes_copy(ret->user.name, account->name.data, ret->user.size);
}

/* Whose it is: a session's, and for one track also an app's or an account's own (api/hls.c).  NULL
 * when that is no more. */
static const struct account *find_owner(const struct api *api, const struct grant *grant,
                                        int64_t now_ms, int64_t *ret_until_ms)
{
    const struct state *state = api->config.state;
    const struct session *session = state_session(state, grant->session, now_ms);
    *ret_until_ms = session ? session->expires_ms : INT64_MAX;
    if (session || !grant_is_for_one_track(grant))
        return session ? state_account(state, session->account) : NULL;
    const struct app *app = state_app(state, grant->session);
    return state_account(state, app ? app->account : grant->session);
}

/* A node that asks another for itself signs a grant that names itself: an edge while it stands in
 * /nodes, for then its key is in the ring; and the origin, that was an edge (api/kept.h). */
static bool is_of_node(const struct api *api, const struct grant *grant)
{
    if (!uid_is_none(grant->node))
        return uid_equal(grant->node, grant->session);
    const struct node_list *list = nodes_list(api->nodes);
    const struct node_entry *node = list ? node_list_find(list, grant->session) : NULL;
    return node && node->role == NODE_ENTRY_ORIGIN;
}

/* Until the news of a session must be here, from when on its account is known. */
enum { NEWS_MS = 10000 };

/* What nothing but its signature speaks for. */
static void fill_signed(struct api *api, const struct grant *grant, int64_t until_ms,
                        struct hot_proof *ret)
{
    int64_t grant_until_ms = grant->expires_s * 1000;
    *ret = (struct hot_proof){.right = grant->session,
                              .libraries = grant->libraries,
                              .until_ms = grant_until_ms < until_ms ? grant_until_ms : until_ms,
                              .mark = &api->node_mark,
                              .mark_value = atomic_load(&api->node_mark)};
    memcpy(ret->track, grant->track, sizeof ret->track);
}

static bool prove_known(struct api *api, const struct grant *grant, int64_t now_ms,
                        struct hot_proof *ret)
{
    int64_t until_ms;
    const struct account *account = find_owner(api, grant, now_ms, &until_ms);
    if (!account || account->is_disabled || !island_believes(api, grant->node, account->id))
        return false;
    fill(ret, grant, until_ms, account);
    ret->mark = state_account_mark(api->config.state, account->id);
    ret->mark_value = atomic_load(ret->mark);
    return true;
}

/* False: there is no such grant, session or account. */
static bool prove(struct api *api, const struct exchange *exchange, struct hot_proof *ret)
{
    struct grant grant;
    int64_t now_ms = exchange_now_ms(exchange);
    struct text text = proof_grant(exchange);
    if (grant_cache_verify(api->grants, api->ring, text, now_ms / 1000, &grant) != GRANT_GOOD)
        return false;
    if (is_of_node(api, &grant)) {
        fill_signed(api, &grant, INT64_MAX, ret);
        memcpy(ret->user.name, "an edge", ret->user.size = sizeof "an edge" - 1);
    } else if (!prove_known(api, &grant, now_ms, ret)) {
        if (grant_is_for_one_track(&grant) || /* an app's, or an account's own: known */
            !island_may_hear_of(api, grant.node, (struct uid){{0}}, grant.session))
            return false;
        fill_signed(api, &grant, now_ms + NEWS_MS, ret);
        endings_believed(api->endings, grant.session, (struct uid){{0}});
    }
    memcpy(ret->grant, text.data, GRANT_TEXT_BYTES);
    return true;
}

bool proof_look(struct api *api, struct exchange *exchange, struct hot_proof *ret)
{
    if (prove_node(api, exchange, ret)) {
        proof_show(exchange, ret);
        return true;
    }
    if (!prove(api, exchange, ret))
        return false;
    proof_show(exchange, ret);
    hots_learn(api, exchange_connection_index(exchange), ret);
    return true;
}

bool proof_at_home(struct api *api, struct exchange *exchange, struct hot_proof *ret)
{
    if (proof_look(api, exchange, ret))
        return true;
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_problem(exchange, 401, "Signed out",
                          "The grant is missing, has expired, or its session ended: renew it.");
    return false;
}

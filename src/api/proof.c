// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/proof.h"

#include "api/hots.h"
#include "api/inside.h"
#include "io/exchange.h"
#include "state/state.h"

#include <string.h>

static struct text grant_of(const struct exchange *exchange)
{
    struct text field = http_request_field(exchange_request(exchange), TEXT("Sostenuto-Grant"));
    return field.size ? field : exchange_parameter(exchange, TEXT("g"));
}

const struct hot_proof *proof_recall(const struct api *api, const struct exchange *exchange)
{
    return hot_recall(api->hots[exchange_connection_index(exchange)], grant_of(exchange),
                      exchange_now_ms(exchange));
}

void proof_show(struct exchange *exchange, const struct hot_proof *proof)
{
    exchange_set_user(exchange, text_make(proof->user.name, proof->user.size));
    exchange_field(exchange, "X-Content-Type-Options", TEXT("nosniff"));
}

static void fill(struct hot_proof *ret, const struct grant *grant, const struct session *session,
                 const struct account *account)
{
    int64_t grant_until_ms = grant->expires_s * 1000;
    *ret = (struct hot_proof){
        .libraries = grant->libraries & account->libraries,
        .until_ms = grant_until_ms < session->expires_ms ? grant_until_ms : session->expires_ms,
    };
    memcpy(ret->track, grant->track, sizeof ret->track);
    ret->user.size = account->name.size < HOT_USER_BYTES ? account->name.size : HOT_USER_BYTES;
    memcpy(ret->user.name, account->name.data, ret->user.size);
}

/* False: there is no such grant, session or account. */
static bool prove(struct api *api, const struct exchange *exchange, struct hot_proof *ret)
{
    struct grant grant;
    int64_t now_ms = exchange_now_ms(exchange);
    struct text text = grant_of(exchange);
    if (grant_cache_verify(api->grants, api->ring, text, now_ms / 1000, &grant) != GRANT_GOOD)
        return false;
    const struct session *session = state_session(api->config.state, grant.session, now_ms);
    const struct account *account =
        session ? state_account(api->config.state, session->account) : NULL;
    if (!account || account->is_disabled)
        return false;
    fill(ret, &grant, session, account);
    ret->mark = state_account_mark(api->config.state, account->id);
    ret->mark_value = atomic_load(ret->mark);
    memcpy(ret->grant, text.data, GRANT_TEXT_BYTES);
    return true;
}

bool proof_at_home(struct api *api, struct exchange *exchange, struct hot_proof *ret)
{
    if (!prove(api, exchange, ret)) {
        exchange_field(exchange, "Cache-Control", TEXT("no-store"));
        exchange_send_problem(exchange, 401, "Signed out",
                              "The grant is missing, has expired, or its session ended: renew it.");
        return false;
    }
    proof_show(exchange, ret);
    hots_learn(api, exchange_connection_index(exchange), ret);
    return true;
}

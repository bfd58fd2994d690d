// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/visitor.h"

#include "api/inside.h"
#include "api/renewal.h"
#include "api/speaks.h"
#include "api/visits.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/exchange.h"
#include "state/accounts.h"
#include "trust/node_list.h"
#include "trust/secret.h"
#include "trust/token.h"

static bool is_own(const struct api *api, struct uid account)
{
    const struct node_list *list = api_node_list(api);
    size_t count = 0, listed = list ? node_list_count(list) : 0;
    struct uid *edges = mem_realloc_array(NULL, listed + 1, sizeof *edges);
    for (size_t i = 0; i < listed; i++)
        if (node_list_at(list, i)->role == NODE_ENTRY_EDGE)
            edges[count++] = node_list_at(list, i)->id;
    struct homes homes = homes_of(account, edges, count);
    mem_free(edges);
    return homes_has(&homes, api->node_id);
}

bool visitor_is(const struct api *api, struct uid account)
{
    return api_follows(api) && !uid_is_none(api->node_id) && !is_own(api, account);
}

/* --- what they do --- */

bool visitor_prove_renewed(const struct api *api, struct exchange *exchange, struct uid account,
                           struct uid session, struct text *ret)
{
    struct text proof;
    if (!visits_find(api->visits, session, account, exchange_now_ms(exchange) / 1000, &proof))
        return false;
    *ret = arena_text(exchange_arena(exchange), proof);
    return ret->size > 0;
}

/* Under a token that this edge signed itself: the renewal that it was signed for. */
static struct text by_renewal(const struct api *api, struct exchange *exchange,
                              const struct token *token)
{
    struct text proof;
    return visitor_prove_renewed(api, exchange, token->account, token->session, &proof) ? proof
                                                                                        : TEXT_NONE;
}

static struct text by_token(const struct api *api, struct exchange *exchange)
{
    struct token read;
    struct text field = http_request_field(exchange_request(exchange), TEXT("Authorization"));
    struct text token = text_trim(text_from(field, sizeof("Bearer ") - 1));
    if (!text_starts_nocase(field, TEXT("Bearer ")) || token.size >= OPERATION_MAX_PROOF_BYTES)
        return TEXT_NONE;
    if (token_verify(api->ring, token, exchange_now_ms(exchange) / 1000, &read) != TOKEN_GOOD)
        return TEXT_NONE;
    if (uid_equal(read.node, api->node_id))
        return by_renewal(api, exchange, &read);
    return arena_printf(exchange_arena(exchange), "%c%.*s", PROOF_TOKEN, TEXT_ARGS(token));
}

static struct text by_app(const struct api *api, struct exchange *exchange, struct text typed)
{
    struct secret secret;
    if (!typed.size || !secret_from_text(typed, &secret))
        return TEXT_NONE;
    struct secret_index index = secret_hash(&secret);
    const struct app *app = state_app_by_index(api->config.state, &index);
    enum { SIZE = 1 + UID_BYTES + PROOF_MARK_BYTES };
    char *proof = app ? arena_alloc(exchange_arena(exchange), SIZE) : NULL;
    if (proof) {
        uint8_t mark[PROOF_MARK_BYTES];
        speaks_mark(&secret, api->node_id, exchange_now_ms(exchange), mark);
        proof[0] = PROOF_APP;
        memcpy(proof + 1, app->id.bytes, UID_BYTES);
        memcpy(proof + 1 + UID_BYTES, mark, sizeof mark);
    }
    secret_wipe(&secret);
    return proof ? text_make(proof, SIZE) : TEXT_NONE;
}

bool visitor_prove(const struct api *api, struct exchange *exchange, struct uid account,
                   struct text *ret)
{
    *ret = TEXT_NONE;
    if (!visitor_is(api, account))
        return true;
    *ret = by_token(api, exchange);
    if (!ret->size)
        *ret = by_app(api, exchange, exchange_parameter(exchange, TEXT("apiKey")));
    if (!ret->size)
        *ret = by_app(api, exchange, exchange_parameter(exchange, TEXT("p")));
    return ret->size > 0 || !guard_is_on(GUARD_VISITS);
}

/* --- that they are here --- */

void visitor_renewed(const struct api *api, struct exchange *exchange, struct uid session,
                     struct text token)
{
    struct buffer proof;
    struct renewal renewal;
    int64_t now_ms = exchange_now_ms(exchange);
    const struct text dpop = http_request_field(exchange_request(exchange), TEXT("DPoP"));
    const struct text tokens[] = {token, visits_token(api->visits, session), TEXT_NONE};
    bool is_good = false;
    buffer_init(&proof, OPERATION_MAX_PROOF_BYTES);
    for (size_t i = 0; i < ARRAY_SIZE(tokens) && !is_good; i++) {
        buffer_reset(&proof);
        renewal_write(session, dpop, tokens[i], &proof);
        is_good = renewal_read(api, buffer_view(&proof), api->node_id, now_ms, NULL, &renewal);
    }
    if (is_good)
        visits_note(api->visits, &renewal, buffer_view(&proof), now_ms / 1000);
    buffer_release(&proof);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * session_renew: renewing a player's session, and ending it.
 *
 * By the browser's key (DPoP): a proof and the last access token, however old; nothing rotates, so
 * it may be repeated, lost, or done at another node.  By the cookie, for clients without keys: each
 * renewal replaces its secret.  When the journal cannot take that, the listener gets a new access
 * token all the same and keeps the old cookie: a full disk signs nobody out.
 */
#include "api/audit.h"
#include "api/bound.h"
#include "api/credentials.h"
#include "api/inside.h"
#include "api/island.h"
#include "api/session.h"
#include "api/visitor.h"
#include "base/counters.h"
#include "base/guard.h"
#include "trust/opener.h"
#include "trust/refresh.h"

#define RENEW_BOUND_MS (24LL * 60 * 60 * 1000)

/* --- renewing it --- */

static void sign_out(struct player *player)
{
    session_set_cookie(player, "", 0);
    player_problem(player, 401, "Signed out", "This session has ended; sign in again.");
}

static void on_renewed(void *context, const struct batch_result *result)
{
    struct player *player = context;
    const struct session_step *step = player->context;
    if (outcome_status(result->whole) == 200 && !session_is_bound(&step->session))
        session_set_cookie(player, step->refresh.text, REFRESH_LIFE_MS / 1000);
    session_send(player, &step->session, 200);
}

/* Writes the session anew, for another thirty days. */
static void renew(struct player *player, const struct session *session)
{
    struct session_step *step = session_step_new(player);
    int64_t now_ms = player_now_ms(player);
    if (!step)
        return;
    step->session = *session;
    step->session.label = arena_text(exchange_arena(player->exchange), session->label);
    if (!session_is_bound(session)) {
        refresh_generate(session->id, &step->refresh);
        step->session.previous = session->current;
        step->session.current = step->refresh.hash;
    }
    step->session.rotated_ms = now_ms;
    step->session.expires_ms = now_ms + REFRESH_LIFE_MS;
    player->account_id = session->account;
    player->context = step;
    struct batch *batch = player_batch(player, false);
    batch_session(batch, &step->session);
    batch_submit(&batch, on_renewed, player);
}

static void revoke(struct player *player, struct uid account, struct uid session)
{
    player->account_id = account;
    struct batch *batch = player_batch(player, false);
    batch_session_revoke(batch, account, session);
    player_submit(player, batch, sign_out);
}

/* --- by the cookie --- */

/* Rotated nowhere but at the origin, which so never takes the cookie of an island for a copied one:
 * here it is answered with another token.  A session that this edge opened it knows before the
 * origin does. */
static void refresh_at_edge(struct player *player, struct uid id, const struct session *session,
                            const struct refresh_hash *presented)
{
    const struct api *api = player->api;
    enum refresh_verdict verdict = REFRESH_REUSED;
    if (session && !session_is_bound(session))
        verdict = refresh_judge(presented, &session->current, &session->previous,
                                session->rotated_ms, session->expires_ms, player_now_ms(player));
    if (!player->is_alone && island_is_linked(api) && !opener_is(id, api->node_id))
        island_pass(player, ISLAND_LACKS_SESSION, (struct uid){{0}});
    else if (!session && state_session_has_ended(api->config.state, id))
        sign_out(player);
    else if (verdict != REFRESH_GOOD && verdict != REFRESH_GRACE) /* or it is blanked here */
        island_pass(player, ISLAND_LACKS_SESSION, session ? session->account : (struct uid){{0}});
    else if (island_opens(player))
        session_send(player, session, 200);
}

static void refresh_by_cookie(struct player *player)
{
    struct uid id;
    struct refresh_hash presented;
    int64_t now_ms = player_now_ms(player);
    const struct session *session = NULL;
    bool is_cookie = refresh_parse(session_cookie(player), &id, &presented);
    if (is_cookie)
        session = state_session(player->api->config.state, id, now_ms);
    if (is_cookie && api_follows(player->api)) {
        refresh_at_edge(player, id, session, &presented);
        return;
    }
    if (!session || session_is_bound(session)) {
        sign_out(player);
        return;
    }
    switch (refresh_judge(&presented, &session->current, &session->previous, session->rotated_ms,
                          session->expires_ms, now_ms)) {
    case REFRESH_GOOD:
        renew(player, session);
        break;
    case REFRESH_GRACE:
        session_send(player, session, 200);
        break;
    case REFRESH_REUSED: /* somebody copied the cookie: end the session for both */
        audit_player(player, AUDIT_COOKIE_REUSED, session->account);
        revoke(player, session->account, session->id);
        break;
    case REFRESH_EXPIRED:
        sign_out(player);
        break;
    }
}

/* --- by the browser's key --- */

static bool is_key_of(const struct player *player, const uint8_t thumb[sizeof(struct key_thumb)])
{
    return memcmp(player->proof->thumb.bytes, thumb, sizeof player->proof->thumb.bytes) == 0 ||
           !guard_is_on(GUARD_BOUND_REFRESH);
}

/* False after answering.  What a visitor's edge signs proves nothing elsewhere: the browser's proof
 * must, and so names this edge. */
static bool renews_here(struct player *player, const struct token *token, struct text text)
{
    bool is_visitor = visitor_is(player->api, token->account);
    if (!island_renews(player, token->account) || (is_visitor && !bound_names_node(player)) ||
        !bound_use_once(player, token->account))
        return false;
    if (is_visitor) {
        visitor_renewed(player->api, player->exchange, token->session, text);
        player->renewed_id = token->session;
    }
    return true;
}

/* Nothing rotates, so a lost answer costs nothing; once a day the session is given more time. */
static void refresh_known(struct player *player, const struct session *session)
{
    state_session_used(player->api->config.state, session->id, player_now_ms(player));
    if (player_now_ms(player) - session->rotated_ms >= RENEW_BOUND_MS)
        renew(player, session);
    else
        session_send(player, session, 200);
}

static void on_adopted(struct player *player)
{
    const struct session_step *step = player->context;
    if (!state_session(player->api->config.state, step->session.id, player_now_ms(player))) {
        sign_out(player);
        return;
    }
    counter_add(COUNTER_SESSIONS_ADOPTED, 1);
    session_send(player, &step->session, 200);
}

/* A session that a node of ours opened and has not told of: its token says all that matters. */
static void adopt(struct player *player, const struct token *token)
{
    struct session_step *step;
    if (!(step = session_step_new(player)))
        return;
    int64_t now_ms = player_now_ms(player);
    step->session = (struct session){.id = token->session,
                                     .account = token->account,
                                     .label = session_label(player),
                                     .rotated_ms = now_ms,
                                     .created_ms = token->issued_s * 1000,
                                     .expires_ms = now_ms + REFRESH_LIFE_MS};
    memcpy(step->session.current.bytes, token->thumb.bytes, sizeof token->thumb.bytes);
    step->session.previous = step->session.current;
    player->account_id = token->account;
    player->context = step;
    struct batch *batch = player_batch(player, false);
    batch_session(batch, &step->session);
    player_submit(player, batch, on_adopted);
}

/* Whoever signed it may speak of sessions that nobody else has heard of. */
static bool may_adopt(const struct player *player, const struct token *token)
{
    const struct api *api = player->api;
    return state_account(api->config.state, token->account) &&
           (uid_is_none(token->node) || (opener_is(token->session, token->node) &&
                                         island_believes(api, token->node, token->account)));
}

static void refresh_by_token(struct player *player, const struct token *token, struct text text)
{
    const struct state *state = player->api->config.state;
    const struct session *session = state_session(state, token->session, player_now_ms(player));
    bool is_known = session || state_session_is_known(state, token->account, token->session);
    if (session && session_is_bound(session) && uid_equal(session->account, token->account) &&
        is_key_of(player, session->current.bytes)) {
        if (renews_here(player, token, text))
            refresh_known(player, session);
    } else if (is_known || !token->is_bound || !is_key_of(player, token->thumb.bytes)) {
        sign_out(player);
    } else if (may_adopt(player, token)) {
        if (renews_here(player, token, text))
            adopt(player, token);
    } else if (api_follows(player->api)) {
        island_pass(player, ISLAND_LACKS_SESSION, token->account);
    } else {
        sign_out(player);
    }
}

static void refresh_by_key(struct player *player)
{
    struct text text;
    struct token token;
    if (!player_text(player, "token", 1, TOKEN_MAX_BYTES, &text))
        return;
    enum token_verdict verdict =
        token_read(player->api->ring, text, player_now_ms(player) / 1000, &token);
    if (verdict == TOKEN_GOOD)
        refresh_by_token(player, &token, text);
    else if (verdict == TOKEN_FORGED && api_follows(player->api))
        island_pass(player, ISLAND_LACKS_SESSION, (struct uid){{0}}); /* by a key not known here */
    else
        sign_out(player);
}

void player_session_refresh(struct player *player)
{
    if (!bound_take(player))
        return;
    if (player->proof)
        refresh_by_key(player);
    else
        refresh_by_cookie(player);
}

/* --- ending it --- */

static void on_ended(struct player *player)
{
    session_set_cookie(player, "", 0);
    player_send_empty(player, 204);
}

/* The session of the access token, else that of the cookie. */
static const struct session *session_of(struct player *player)
{
    const struct session *session = credentials_bearer(player->api, player->exchange);
    struct uid id;
    struct refresh_hash presented;
    int64_t now_ms = player_now_ms(player);
    if (session || !refresh_parse(session_cookie(player), &id, &presented))
        return session;
    session = state_session(player->api->config.state, id, now_ms);
    if (!session || session_is_bound(session))
        return NULL;
    enum refresh_verdict verdict = refresh_judge(&presented, &session->current, &session->previous,
                                                 session->rotated_ms, session->expires_ms, now_ms);
    return verdict == REFRESH_GOOD || verdict == REFRESH_GRACE ? session : NULL;
}

static void end(struct player *player, struct uid account, struct uid session)
{
    player->account_id = account;
    struct batch *batch = player_batch(player, false);
    batch_session_revoke(batch, account, session);
    player_submit(player, batch, on_ended);
}

/* A good token for a session that was opened elsewhere and is not known here yet: it ends before it
 * comes. */
static bool names_unknown_session(const struct player *player, struct token *ret)
{
    const struct api *api = player->api;
    struct text text = credentials_token(player->exchange);
    return text.size &&
           token_verify(api->ring, text, player_now_ms(player) / 1000, ret) == TOKEN_GOOD &&
           island_believes(api, ret->node, ret->account) &&
           state_account(api->config.state, ret->account) &&
           !state_session_is_known(api->config.state, ret->account, ret->session);
}

void player_session_delete(struct player *player)
{
    const struct session *session = session_of(player);
    struct token token;
    if (session) {
        audit_player(player, AUDIT_SIGNED_OUT, session->account);
        end(player, session->account, session->id);
    } else if (names_unknown_session(player, &token)) {
        end(player, token.account, token.session);
    } else {
        on_ended(player);
    }
}

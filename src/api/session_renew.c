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
#include "api/session.h"
#include "base/guard.h"
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

static void refresh_by_cookie(struct player *player)
{
    struct uid id;
    struct refresh_hash presented;
    int64_t now_ms = player_now_ms(player);
    const struct session *session = NULL;
    if (refresh_parse(session_cookie(player), &id, &presented))
        session = state_session(player->api->config.state, id, now_ms);
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

/* The session of a token, however old, that the browser's key may renew; NULL: there is none. */
static const struct session *bound_session(struct player *player, struct text token_text)
{
    struct token token;
    int64_t now_ms = player_now_ms(player);
    if (token_read(player->api->ring, token_text, now_ms / 1000, &token) != TOKEN_GOOD)
        return NULL;
    const struct session *session = state_session(player->api->config.state, token.session, now_ms);
    if (!session || !session_is_bound(session) || !uid_equal(session->account, token.account))
        return NULL;
    bool is_key = memcmp(player->proof->thumb.bytes, session->current.bytes,
                         sizeof session->current.bytes) == 0;
    return is_key || !guard_is_on(GUARD_BOUND_REFRESH) ? session : NULL;
}

/* Nothing rotates, so a lost answer costs nothing; once a day the session is given more time. */
static void refresh_by_key(struct player *player)
{
    struct text token;
    if (!player_text(player, "token", 1, TOKEN_MAX_BYTES, &token))
        return;
    const struct session *session = bound_session(player, token);
    if (!session) {
        sign_out(player);
        return;
    }
    if (!bound_use_once(player, session->account))
        return;
    state_session_used(player->api->config.state, session->id, player_now_ms(player));
    if (player_now_ms(player) - session->rotated_ms >= RENEW_BOUND_MS)
        renew(player, session);
    else
        session_send(player, session, 200);
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

void player_session_delete(struct player *player)
{
    const struct session *session = session_of(player);
    if (!session) {
        on_ended(player);
        return;
    }
    audit_player(player, AUDIT_SIGNED_OUT, session->account);
    player->account_id = session->account;
    struct batch *batch = player_batch(player, false);
    batch_session_revoke(batch, session->account, session->id);
    player_submit(player, batch, on_ended);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * session: a player's sign-in: a short access token, a grant for audio and artwork, and a cookie
 * that renews both.
 *
 * Each renewal replaces the cookie's secret.  When the journal cannot take that, the listener gets
 * a new access token all the same and keeps the old cookie: a full disk signs nobody out.
 */
#include "api/credentials.h"
#include "api/inside.h"
#include "api/player.h"
#include "api/signin.h"
#include "base/encode.h"
#include "trust/grant.h"
#include "trust/refresh.h"
#include "trust/token.h"

#include <inttypes.h>

#define COOKIE "sostenuto_refresh"
enum { LABEL_MAX_BYTES = 120 };

/* --- the cookie --- */

static void set_cookie(struct player *player, const char *value, int64_t life_s)
{
    struct text field = arena_printf(
        exchange_arena(player->exchange),
        COOKIE "=%s; Path=/api/v1/session; Max-Age=%" PRId64 "; HttpOnly; SameSite=Strict%s", value,
        life_s, exchange_peer(player->exchange)->is_secure ? "; Secure" : "");
    if (field.data)
        exchange_field(player->exchange, "Set-Cookie", field);
}

static struct text get_cookie(const struct player *player)
{
    struct text rest = http_request_field(exchange_request(player->exchange), TEXT("Cookie")), part;
    while (text_split(&rest, ';', &part)) {
        part = text_trim(part);
        if (text_starts(part, TEXT(COOKIE "=")))
            return text_from(part, sizeof(COOKIE "=") - 1);
    }
    return TEXT_NONE;
}

/* --- the session object --- */

static void write_token(struct json *json, const struct player *player,
                        const struct session *session)
{
    struct buffer text;
    int64_t now_s = player_now_ms(player) / 1000;
    struct token token = {.session = session->id,
                          .account = session->account,
                          .issued_s = now_s,
                          .expires_s = now_s + TOKEN_LIFE_S};
    buffer_init(&text, TOKEN_MAX_BYTES);
    token_sign(player->api->ring, &token, &text);
    json_member_text(json, "accessToken", buffer_view(&text));
    json_member_i64(json, "expiresAt", token.expires_s * 1000);
    buffer_release(&text);
}

static void write_grant(struct json *json, const struct player *player,
                        const struct session *session, uint64_t libraries)
{
    struct buffer text;
    int64_t now_s = player_now_ms(player) / 1000;
    struct grant grant = {
        .session = session->id, .libraries = libraries, .expires_s = now_s + GRANT_LIFE_S};
    buffer_init(&text, GRANT_TEXT_BYTES);
    grant_sign(player->api->ring, &grant, now_s, &text);
    json_member_text(json, "grant", buffer_view(&text));
    json_member_i64(json, "grantExpiresAt", grant.expires_s * 1000);
    buffer_release(&text);
}

static void send_session(struct player *player, const struct session *session, unsigned status)
{
    player->account_id = session->account;
    if (!player_refresh(player)) {
        player_problem(player, 401, "Signed out", "This account is gone, or was closed.");
        return;
    }
    exchange_set_user(player->exchange, player->account->name);
    exchange_keep_identity(player->exchange);
    struct json *json = player_json(player);
    json_begin_object(json);
    write_token(json, player, session);
    write_grant(json, player, session, player->account->libraries);
    json_name(json, "user");
    json_begin_object(json);
    player_write_account(json, player->account);
    json_end_object(json);
    json_name(json, "server");
    json_begin_object(json);
    json_member_text(json, "name", TEXT("Sostenuto"));
    json_member_text(json, "version", player->api->config.version);
    json_end_object(json);
    json_end_object(json);
    player_send(player, status);
}

/* --- beginning one --- */

struct beginning {
    struct session session;
    struct refresh refresh;
    unsigned status;
};

static struct text label_of(const struct player *player)
{
    struct text agent = http_request_field(exchange_request(player->exchange), TEXT("User-Agent"));
    if (!text_is_utf8(agent))
        return TEXT("player");
    while (agent.size > LABEL_MAX_BYTES || !text_is_utf8(agent))
        agent.size--;
    return agent.size ? agent : TEXT("player");
}

static void on_begun(struct player *player)
{
    struct beginning *beginning = player->context;
    set_cookie(player, beginning->refresh.text, REFRESH_LIFE_MS / 1000);
    send_session(player, &beginning->session, beginning->status);
}

void session_begin(struct player *player, struct uid account, unsigned status)
{
    struct beginning *beginning =
        arena_zalloc(exchange_arena(player->exchange), sizeof(*beginning));
    int64_t now_ms = player_now_ms(player);
    if (!beginning) {
        player_busy(player, 1, "This request needs more memory than one may have.");
        return;
    }
    beginning->status = status;
    beginning->session = (struct session){.id = uid_random(),
                                          .account = account,
                                          .label = label_of(player),
                                          .rotated_ms = now_ms,
                                          .created_ms = now_ms,
                                          .expires_ms = now_ms + REFRESH_LIFE_MS};
    refresh_generate(beginning->session.id, &beginning->refresh);
    beginning->session.current = beginning->refresh.hash;
    player->account_id = account;
    player->context = beginning;
    struct batch *batch = player_batch(player, false);
    batch_session(batch, &beginning->session);
    player_submit(player, batch, on_begun);
}

static void on_signin(void *context, const struct signin_result *result)
{
    struct player *player = context;
    switch (result->verdict) {
    case SIGNIN_GOOD:
        session_begin(player, result->account, 200);
        break;
    case SIGNIN_WRONG:
        player_problem(player, 401, "Not signed in", "The name or the password is wrong.");
        break;
    case SIGNIN_WAIT:
        player_busy(player, result->retry_after_s,
                    "Too many sign-ins just now; wait a moment, then try again.");
        break;
    }
}

void player_session_post(struct player *player)
{
    struct text name, password;
    if (!player_text(player, "name", 1, 256, &name) ||
        !player_text(player, "password", 1, 1024, &password))
        return;
    signin_start(player->api, player->exchange, name, password, false, on_signin, player);
}

/* --- renewing it --- */

static void sign_out(struct player *player)
{
    set_cookie(player, "", 0);
    player_problem(player, 401, "Signed out", "This session has ended; sign in again.");
}

static void on_rotated(void *context, const struct batch_result *result)
{
    struct player *player = context;
    struct beginning *beginning = player->context;
    if (outcome_status(result->whole) == 200)
        set_cookie(player, beginning->refresh.text, REFRESH_LIFE_MS / 1000);
    send_session(player, &beginning->session, 200);
}

static void rotate(struct player *player, const struct session *session)
{
    struct beginning *beginning =
        arena_zalloc(exchange_arena(player->exchange), sizeof(*beginning));
    if (!beginning) {
        player_busy(player, 1, "This request needs more memory than one may have.");
        return;
    }
    int64_t now_ms = player_now_ms(player);
    beginning->session = *session;
    beginning->session.label = arena_text(exchange_arena(player->exchange), session->label);
    refresh_generate(session->id, &beginning->refresh);
    beginning->session.previous = session->current;
    beginning->session.current = beginning->refresh.hash;
    beginning->session.rotated_ms = now_ms;
    beginning->session.expires_ms = now_ms + REFRESH_LIFE_MS;
    player->account_id = session->account;
    player->context = beginning;
    struct batch *batch = player_batch(player, false);
    batch_session(batch, &beginning->session);
    batch_submit(&batch, on_rotated, player);
}

static void revoke(struct player *player, struct uid account, struct uid session)
{
    player->account_id = account;
    struct batch *batch = player_batch(player, false);
    batch_session_revoke(batch, account, session);
    player_submit(player, batch, sign_out);
}

void player_session_refresh(struct player *player)
{
    struct uid id;
    struct refresh_hash presented;
    int64_t now_ms = player_now_ms(player);
    const struct session *session = NULL;
    if (refresh_parse(get_cookie(player), &id, &presented))
        session = state_session(player->api->config.state, id, now_ms);
    if (!session) {
        sign_out(player);
        return;
    }
    switch (refresh_judge(&presented, &session->current, &session->previous, session->rotated_ms,
                          session->expires_ms, now_ms)) {
    case REFRESH_GOOD:
        rotate(player, session);
        break;
    case REFRESH_GRACE:
        send_session(player, session, 200);
        break;
    case REFRESH_REUSED: /* somebody copied the cookie: end the session for both */
        revoke(player, session->account, session->id);
        break;
    case REFRESH_EXPIRED:
        sign_out(player);
        break;
    }
}

/* --- ending it --- */

static void on_ended(struct player *player)
{
    set_cookie(player, "", 0);
    player_send_empty(player, 204);
}

/* The session of the access token, else that of the cookie. */
static const struct session *session_of(struct player *player)
{
    const struct session *session = credentials_bearer(player->api, player->exchange);
    struct uid id;
    struct refresh_hash presented;
    int64_t now_ms = player_now_ms(player);
    if (session || !refresh_parse(get_cookie(player), &id, &presented))
        return session;
    session = state_session(player->api->config.state, id, now_ms);
    if (!session)
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
    player->account_id = session->account;
    struct batch *batch = player_batch(player, false);
    batch_session_revoke(batch, session->account, session->id);
    player_submit(player, batch, on_ended);
}

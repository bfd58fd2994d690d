// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/session.h"

#include "api/audit.h"
#include "api/bound.h"
#include "api/exposure.h"
#include "api/inside.h"
#include "api/island.h"
#include "api/signin.h"
#include "base/counters.h"
#include "base/encode.h"
#include "media/packager.h"
#include "trust/device.h"
#include "trust/grant.h"
#include "trust/opener.h"
#include "trust/refresh.h"

#include <inttypes.h>

#define REFRESH_COOKIE "sostenuto_refresh"
#define DEVICE_COOKIE "sostenuto_device"
enum { LABEL_MAX_BYTES = 120 };

/* --- the cookies --- */

static void set_cookie(struct player *player, const char *name, const char *value, int64_t life_s)
{
    struct text field = arena_printf(
        exchange_arena(player->exchange),
        "%s=%s; Path=/api/v1/session; Max-Age=%" PRId64 "; HttpOnly; SameSite=Strict%s", name,
        value, life_s, exchange_peer(player->exchange)->is_secure ? "; Secure" : "");
    if (field.data)
        exchange_field(player->exchange, "Set-Cookie", field);
}

/* `name` with its "=". */
static struct text get_cookie(const struct player *player, struct text name)
{
    struct text rest = http_request_field(exchange_request(player->exchange), TEXT("Cookie")), part;
    while (text_split(&rest, ';', &part)) {
        part = text_trim(part);
        if (text_starts(part, name))
            return text_from(part, name.size);
    }
    return TEXT_NONE;
}

void session_set_cookie(struct player *player, const char *value, int64_t life_s)
{
    set_cookie(player, REFRESH_COOKIE, value, life_s);
}

struct text session_cookie(const struct player *player)
{
    return get_cookie(player, TEXT(REFRESH_COOKIE "="));
}

struct text session_device_cookie(const struct player *player)
{
    return get_cookie(player, TEXT(DEVICE_COOKIE "="));
}

static void set_device_cookie(struct player *player, struct uid account)
{
    struct device device;
    device_make(player->api->config.keys, account, player_now_ms(player) / 1000, &device);
    set_cookie(player, DEVICE_COOKIE, device.text, DEVICE_LIFE_S);
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
                          .expires_s = now_s + TOKEN_LIFE_S,
                          .is_bound = session_is_bound(session)};
    memcpy(token.thumb.bytes, session->current.bytes, sizeof token.thumb.bytes);
    buffer_init(&text, TOKEN_MAX_BYTES);
    token_sign(player->api->ring, &token, &text);
    json_member_text(json, "accessToken", buffer_view(&text));
    json_member_i64(json, "expiresAt", token.expires_s * 1000);
    buffer_release(&text);
    if (player->api->config.packager)
        packager_expect(player->api->config.packager);
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

void session_send(struct player *player, const struct session *session, unsigned status)
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
    json_member_bool(json, "isBound", session_is_bound(session));
    if (exposure_has_password(player->api, session->account))
        json_member_bool(json, "passwordIsExposed", true);
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

struct session_step *session_step_new(struct player *player)
{
    struct session_step *step = arena_zalloc(exchange_arena(player->exchange), sizeof(*step));
    if (!step)
        player_busy(player, 1, "This request needs more memory than one may have.");
    return step;
}

struct text session_label(const struct player *player)
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
    const struct session_step *step = player->context;
    if (session_is_bound(&step->session))
        session_set_cookie(player, "", 0);
    else
        session_set_cookie(player, step->refresh.text, REFRESH_LIFE_MS / 1000);
    set_device_cookie(player, step->session.account);
    counter_add(COUNTER_SIGNINS, 1);
    audit_player(player, AUDIT_SIGNED_IN, step->session.account);
    session_send(player, &step->session, step->status);
}

/* By the key that the request proved, else by a cookie. */
static void set_refresh(const struct player *player, struct session_step *step)
{
    struct session *session = &step->session;
    if (player->proof) {
        memcpy(session->current.bytes, player->proof->thumb.bytes, sizeof session->current.bytes);
        session->previous = session->current;
    } else {
        refresh_generate(session->id, &step->refresh);
        session->current = step->refresh.hash;
    }
}

void session_begin(struct player *player, struct uid account, unsigned status)
{
    struct session_step *step = session_step_new(player);
    int64_t now_ms = player_now_ms(player);
    if (!step)
        return;
    step->status = status;
    step->session = (struct session){.id = opener_draw(player->api->ring, now_ms / 1000),
                                     .account = account,
                                     .label = session_label(player),
                                     .rotated_ms = now_ms,
                                     .created_ms = now_ms,
                                     .expires_ms = now_ms + REFRESH_LIFE_MS};
    set_refresh(player, step);
    player->account_id = account;
    player->context = step;
    struct batch *batch = player_batch(player, false);
    batch_session(batch, &step->session);
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
        audit_player(player, AUDIT_REFUSED, result->account);
        player_problem(player, 401, "Not signed in", "The name or the password is wrong.");
        break;
    case SIGNIN_ELSEWHERE:
        island_pass(player, ISLAND_LACKS_PASSWORD, result->account);
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
    if (!island_opens(player) || !bound_take(player))
        return;
    const struct signin_request request = {
        .name = name, .password = password, .device = session_device_cookie(player)};
    signin_start(player->api, player->exchange, &request, on_signin, player);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/credentials.h"

#include "api/endings.h"
#include "api/inside.h"
#include "api/island.h"
#include "api/signin.h"
#include "api/throttle.h"
#include "base/counters.h"
#include "base/encode.h"
#include "base/guard.h"
#include "trust/secret.h"
#include "trust/token.h"

#include <sodium.h>

struct text credentials_token(const struct exchange *exchange)
{
    struct text field = http_request_field(exchange_request(exchange), TEXT("Authorization"));
    return text_starts_nocase(field, TEXT("Bearer ")) ? text_trim(text_from(field, 7)) : TEXT_NONE;
}

const struct session *credentials_bearer(struct api *api, const struct exchange *exchange)
{
    struct text text = credentials_token(exchange);
    struct token token;
    int64_t now_ms = exchange_now_ms(exchange);
    if (!text.size || token_verify(api->ring, text, now_ms / 1000, &token) != TOKEN_GOOD)
        return NULL;
    const struct session *session = state_session(api->config.state, token.session, now_ms);
    if (!session || !uid_equal(session->account, token.account) ||
        !island_believes(api, token.node, token.account))
        return NULL;
    const struct account *account = state_account(api->config.state, session->account);
    return account && !account->is_disabled ? session : NULL;
}

/* A token that the origin signed, for a session that it has not told of yet. */
static bool prove_unheard(struct call *call)
{
    struct token token;
    if (token_verify(call->api->ring, credentials_token(call->exchange),
                     exchange_now_ms(call->exchange) / 1000, &token) != TOKEN_GOOD)
        return false;
    const struct account *account = state_account(call->api->config.state, token.account);
    if (!account || account->is_disabled ||
        !island_may_hear_of(call->api, token.node, token.account, token.session))
        return false;
    call->account_id = token.account;
    call->proven_by = token.session;
    call->is_unheard = true;
    endings_believed(call->api->endings, token.session, token.account);
    return true;
}

static enum call_end prove_bearer(struct call *call)
{
    const struct session *session = credentials_bearer(call->api, call->exchange);
    if (session) {
        call->account_id = session->account;
        call->proven_by = session->id;
    }
    if (session || prove_unheard(call))
        return CALL_OK;
    if (api_follows(call->api) && !call->is_alone && island_is_linked(call->api) &&
        guard_is_on(GUARD_ORIGIN_JUDGES))
        return CALL_ELSEWHERE;
    exchange_field(call->exchange, "WWW-Authenticate", TEXT("Bearer error=\"invalid_token\""));
    call->http_status = 401;
    return call_fail(call, API_ERROR_WRONG_CREDENTIALS,
                     "The session has ended, or its access token has: renew it.");
}

/* What only another node can judge. */
static enum call_end pass(struct call *call, struct uid account)
{
    if (!call->is_alone && island_is_linked(call->api))
        return CALL_ELSEWHERE;
    counter_add(COUNTER_ISLAND_REFUSED, 1);
    struct text words =
        island_words(call->api, exchange_arena(call->exchange), ISLAND_LACKS_PASSWORD, account,
                     exchange_now_ms(call->exchange));
    return call_fail_busy(call, ISLAND_RETRY_S, words.data);
}

/* --- app secrets --- */

const struct app *credentials_app(const struct api *api, const struct secret *secret)
{
    struct secret_index keyed = secret_index(api->config.keys, secret), plain = secret_hash(secret);
    const struct app *app = state_app_by_index(api->config.state, &keyed);
    return app ? app : state_app_by_index(api->config.state, &plain);
}

static enum call_end use_app(struct call *call, const struct app *app)
{
    const struct account *account = state_account(call->api->config.state, app->account);
    if (!account || account->is_disabled)
        return call_fail(call, API_ERROR_WRONG_CREDENTIALS, NULL);
    state_app_used(call->api->config.state, app->id, exchange_now_ms(call->exchange));
    call->account_id = app->account;
    call->proven_by = app->id;
    return CALL_OK;
}

static enum call_end prove_key(struct call *call, struct text key)
{
    struct secret secret;
    if (!secret_from_text(key, &secret))
        return call_fail(call, API_ERROR_BAD_KEY, NULL);
    const struct app *app = credentials_app(call->api, &secret);
    secret_wipe(&secret);
    if (!app && api_follows(call->api))
        return pass(call, (struct uid){{0}});
    return app ? use_app(call, app) : call_fail(call, API_ERROR_BAD_KEY, NULL);
}

static const struct app *find_app_by_token(struct call *call, const struct account *account,
                                           struct text token, struct text salt)
{
    const struct app *app;
    size_t cursor = 0;
    while ((app = state_app_next(call->api->config.state, account->id, &cursor))) {
        struct secret secret;
        if (!secret_unseal(call->api->config.keys, &app->sealed, app->id, &secret))
            continue;
        bool answers = secret_answers_token(&secret, salt, token);
        secret_wipe(&secret);
        if (answers)
            return app;
    }
    return NULL;
}

static enum call_end prove_token(struct call *call, struct text name, struct text token,
                                 struct text salt)
{
    const struct account *account = state_account_by_name(call->api->config.state, name);
    const struct app *app = account ? find_app_by_token(call, account, token, salt) : NULL;
    if (app)
        return use_app(call, app);
    struct uid id = account ? account->id : island_uid_of_name(name);
    if (api_follows(call->api) &&
        ((!call->is_alone && island_is_linked(call->api)) || !island_is_home(call->api, id)))
        return pass(call, id);
    /* nobody guesses 140 random bits, so a failure here is not counted and makes nobody wait */
    return call_fail(call, API_ERROR_WRONG_CREDENTIALS, NULL);
}

/* --- passwords --- */

struct password_wait {
    struct call *call;
    credentials_then *then;
    enum call_end end;
    bool is_inside; /* signin_start() has not returned yet */
    bool is_done;
};

static void on_signin(void *context, const struct signin_result *result)
{
    struct password_wait *wait = context;
    struct call *call = wait->call;
    switch (result->verdict) {
    case SIGNIN_GOOD:
        call->account_id = call->proven_by = result->account;
        wait->end = CALL_OK;
        break;
    case SIGNIN_WRONG:
        wait->end = call_fail(call, API_ERROR_WRONG_CREDENTIALS, NULL);
        break;
    case SIGNIN_ELSEWHERE:
        wait->end = pass(call, result->account);
        break;
    case SIGNIN_WAIT:
        wait->end = call_fail_busy(call, result->retry_after_s,
                                   "Too many sign-ins just now; wait, then try again.");
        break;
    }
    wait->is_done = true;
    if (!wait->is_inside)
        wait->then(call, wait->end);
}

/* "enc:" and hex is how old clients hide a password from people, not from listeners. */
static bool decode_password(struct call *call, struct text typed, struct text *ret)
{
    *ret = typed;
    if (!text_starts(typed, TEXT("enc:")))
        return true;
    struct text hex = text_from(typed, 4);
    char *bytes = arena_alloc(exchange_arena(call->exchange), hex.size / 2 + 1);
    size_t size = bytes ? decode_hex(hex, bytes, hex.size / 2) : SIZE_MAX;
    if (size == SIZE_MAX)
        return false;
    *ret = text_make(bytes, size);
    return true;
}

static enum call_end prove_password(struct call *call, struct text name, struct text typed,
                                    credentials_then *then)
{
    struct text password;
    struct password_wait *wait = arena_zalloc(exchange_arena(call->exchange), sizeof(*wait));
    if (!wait || !decode_password(call, typed, &password))
        return call_fail(call, API_ERROR_WRONG_CREDENTIALS, NULL);
    *wait = (struct password_wait){.call = call, .then = then, .is_inside = true};
    exchange_set_class(call->exchange, SHIELD_CLASS_SIGN_IN);
    const struct signin_request request = {.name = name, .password = password, .secrets_too = true};
    signin_start(call->api, call->exchange, &request, on_signin, wait);
    wait->is_inside = false;
    return wait->is_done ? wait->end : CALL_LATER;
}

enum call_end credentials_prove(struct call *call, credentials_then *then)
{
    struct text key = call_text(call, "apiKey"), name = call_text(call, "u"),
                password = call_text(call, "p"), token = call_text(call, "t"),
                salt = call_text(call, "s");
    /* other schemes are for a proxy in front of us */
    bool has_bearer = text_starts_nocase(
        http_request_field(exchange_request(call->exchange), TEXT("Authorization")),
        TEXT("Bearer "));
    bool has_name = name.size || password.size || token.size;
    if ((key.size && has_name) || (password.size && token.size) ||
        (has_bearer && (key.size || has_name)))
        return call_fail(call, API_ERROR_MECHANISM_CONFLICT, NULL);
    if (has_bearer)
        return prove_bearer(call);
    if (key.size)
        return prove_key(call, key);
    if (!name.size)
        return call_fail(call, API_ERROR_MISSING_PARAMETER,
                         "Sign in: send apiKey, or u with t and s, or u with p.");
    if (token.size && !salt.size)
        return call_fail(call, API_ERROR_MISSING_PARAMETER,
                         "The parameter s (the salt of t) is missing.");
    if (token.size)
        return prove_token(call, name, token, salt);
    if (!password.size)
        return call_fail(call, API_ERROR_MISSING_PARAMETER,
                         "Sign in: send t and s, or p, beside u.");
    return prove_password(call, name, password, then);
}

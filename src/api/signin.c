// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/signin.h"

#include "api/credentials.h"
#include "api/inside.h"
#include "api/island.h"
#include "api/known.h"
#include "api/throttle.h"
#include "base/counters.h"
#include "base/mem.h"
#include "io/workers.h"
#include "state/state.h"
#include "trust/device.h"
#include "trust/password.h"

#include <sodium.h>

/* One password on its way through the pool; the texts are copies. */
struct attempt {
    struct api *api;
    signin_done *done;
    void *context;
    struct uid account; /* none: nobody has that name */
    struct text name, password, hash;
    char address[sizeof(((struct exchange_peer *)NULL)->address)];
    struct uid device; /* by which the browser is known to the account, or none */
    int64_t now_ms;
    bool is_right;
};

static void finish(signin_done *done, void *context, enum signin_verdict verdict,
                   struct uid account, unsigned retry_after_s)
{
    done(context, &(struct signin_result){verdict, account, retry_after_s});
}

static void attempt_free(struct attempt *attempt)
{
    if (attempt->password.size)
        sodium_memzero((void *)(uintptr_t)attempt->password.data, attempt->password.size);
    mem_free((void *)(uintptr_t)attempt->name.data);
    mem_free((void *)(uintptr_t)attempt->password.data);
    mem_free((void *)(uintptr_t)attempt->hash.data);
    mem_free(attempt);
}

static void attempt_work(void *context)
{
    struct attempt *attempt = context;
    if (uid_is_none(attempt->account) || !attempt->hash.size)
        password_verify_nobody(attempt->password);
    else
        attempt->is_right = password_verify(attempt->password, attempt->hash);
}

static void attempt_done(void *context)
{
    struct attempt *attempt = context;
    struct api *api = attempt->api;
    const struct throttle_try who = {text_of(attempt->address), attempt->name, attempt->device};
    /* the account may have changed while the pool worked */
    const struct account *account = state_account(api->config.state, attempt->account);
    bool is_right = attempt->is_right && account && !account->is_disabled &&
                    text_equal(account->password_hash, attempt->hash);
    if (is_right) {
        throttle_succeeded(api->throttle, &who, attempt->now_ms);
        known_put(api->known, attempt->account, attempt->hash, attempt->password, attempt->now_ms);
    } else {
        throttle_failed(api->throttle, &who, attempt->now_ms);
    }
    finish(attempt->done, attempt->context, is_right ? SIGNIN_GOOD : SIGNIN_WRONG, attempt->account,
           0);
    attempt_free(attempt);
}

static struct text copy(struct text t) { return text_make(text_dup(t), t.size); }

static void attempt_start(struct api *api, const struct attempt *prepared)
{
    struct attempt *attempt = mem_dup(prepared, sizeof(*prepared));
    attempt->name = copy(prepared->name);
    attempt->password = copy(prepared->password);
    attempt->hash = copy(prepared->hash);
    if (workers_submit(api->config.passwords, api->config.loop, attempt_work, attempt_done,
                       attempt))
        return;
    counter_add(COUNTER_SIGNINS_BUSY, 1);
    attempt_free(attempt);
    finish(prepared->done, prepared->context, SIGNIN_WAIT, (struct uid){{0}}, 1);
}

/* An app secret typed where the password belongs. */
static bool is_app_secret(struct api *api, const struct account *account, struct text password,
                          int64_t now_ms)
{
    struct secret secret;
    if (!secret_from_text(password, &secret))
        return false;
    const struct app *app = credentials_app(api, &secret);
    secret_wipe(&secret);
    if (!app || !uid_equal(app->account, account->id))
        return false;
    state_app_used(api->config.state, app->id, now_ms);
    return true;
}

void signin_start(struct api *api, const struct exchange *exchange,
                  const struct signin_request *request, signin_done *done, void *context)
{
    struct text name = request->name, password = request->password;
    struct attempt attempt = {
        .api = api, .done = done, .context = context, .name = name, .password = password};
    attempt.now_ms = exchange_now_ms(exchange);
    memcpy(attempt.address, exchange_peer(exchange)->address, sizeof(attempt.address));
    if (password.size > PASSWORD_MAX_BYTES) {
        finish(done, context, SIGNIN_WRONG, (struct uid){{0}}, 0);
        return;
    }
    const struct account *account = state_account_by_name(api->config.state, name);
    if (account && !account->is_disabled) {
        attempt.account = account->id;
        attempt.hash = account->password_hash;
        bool is_known =
            known_has(api->known, account->id, attempt.hash, password, attempt.now_ms) ||
            (request->secrets_too && is_app_secret(api, account, password, attempt.now_ms));
        if (is_known) {
            finish(done, context, SIGNIN_GOOD, account->id, 0);
            return;
        }
    }
    if (island_lacks_password(api, name, &attempt.account)) {
        finish(done, context, SIGNIN_ELSEWHERE, attempt.account, 0);
        return;
    }
    if (!device_read(api->config.keys, request->device, attempt.account, attempt.now_ms / 1000,
                     &attempt.device))
        attempt.device = (struct uid){{0}};
    const struct throttle_try who = {text_of(attempt.address), name, attempt.device};
    uint64_t wait_ms = throttle_wait_ms(api->throttle, &who, attempt.now_ms);
    if (wait_ms)
        finish(done, context, SIGNIN_WAIT, (struct uid){{0}}, (unsigned)((wait_ms + 999) / 1000));
    else
        attempt_start(api, &attempt);
}

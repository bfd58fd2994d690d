// SPDX-License-Identifier: GPL-3.0-or-later
/* What an owner asks about users and their apps. */
#include "programs/operator_verbs.h"

#include "io/clock.h"
#include "io/workers.h"
#include "state/state.h"
#include "trust/breached.h"

enum { NAME_MAX_BYTES = 64 };

/* NULL after the failure was answered. */
static const struct account *named_account(struct request *request)
{
    const char *name = request->asked.name;
    const struct account *account = state_account_by_name(operator_state(request), text_of(name));
    if (!account)
        operator_fail(request, "there is no user \"%.64s\"; sostenuto user list shows them", name);
    return account;
}

/* --- batches: what is changed is durable before it is answered --- */

static void on_durable(void *context, const struct batch_result *result)
{
    struct request *request = context;
    if (result->whole > OUTCOME_DUPLICATE) {
        const char *why = result->count > 0 && result->outcomes[0].why
                              ? result->outcomes[0].why
                              : outcome_help(result->whole);
        operator_fail(request, "%s", why);
        return;
    }
    operator_audit(request);
    if (!request->secret.text[0]) {
        operator_succeed(request, request->just_durable);
        return;
    }
    json_member_text(operator_answer(request, true), "secret", text_of(request->secret.text));
    operator_answer_end(request);
}

static struct batch *batch_start(struct request *request)
{
    const struct batch_author author = {
        .client = TEXT("control"), .now_ms = clock_unix_ms(), .is_operator = true};
    return batch_new(operator_state(request), &author);
}

static void batch_send(struct request *request, struct batch *batch, const char *said)
{
    request->just_durable = said;
    batch_submit(&batch, on_durable, request);
}

/* --- passwords: hashed elsewhere, then the request goes on --- */

static void hash_work(void *context)
{
    struct request *request = context;
    struct text password = text_of(request->asked.password);
    request->is_breached =
        breached_look_up(request->operator->config.breached, password) == BREACHED_YES;
    if (!request->is_breached)
        request->is_hashed = password_hash(password, &request->hash);
}

/* False after the failure was answered. */
static bool may_have_it(struct request *request)
{
    bool may = request->is_hashed;
    if (request->is_breached)
        operator_fail(request,
                      "that password stands in the list of leaked ones (breached_passwords); "
                      "take another");
    else if (!may)
        operator_fail(request, "a password has 1 to %d bytes", PASSWORD_MAX_BYTES);
    return may;
}

static void user_add_hashed(void *context)
{
    struct request *request = context;
    if (!may_have_it(request))
        return;
    struct batch *batch = batch_start(request);
    (void)batch_account_create(batch, text_of(request->asked.name), text_of(request->hash.text),
                               request->asked.is_admin, ACCOUNT_ALL_LIBRARIES);
    batch_send(request, batch, "the user is there");
}

static void user_password_hashed(void *context)
{
    struct request *request = context;
    if (!may_have_it(request))
        return;
    const struct account *account = named_account(request);
    if (!account)
        return;
    struct batch *batch = batch_start(request);
    batch_password(batch, account->id, text_of(request->hash.text));
    batch_send(request, batch, "the password is changed");
}

static void hash_then(struct request *request, workers_call *next)
{
    const struct operator_config *config = &request->operator->config;
    if (!workers_submit(config->passwords, config->loop, hash_work, next, request))
        operator_fail(request, "too many sign-ins at once; try again");
}

/* --- users --- */

void operator_user_add(struct request *request)
{
    const char *name = request->asked.name;
    size_t size = strlen(name);
    if (size == 0 || size > NAME_MAX_BYTES)
        operator_fail(request, "a user name has 1 to %d bytes", NAME_MAX_BYTES);
    else if (state_account_by_name(operator_state(request), text_of(name)))
        operator_fail(
            request, "there is a user \"%s\" already; sostenuto user password changes the password",
            name);
    else
        hash_then(request, user_add_hashed);
}

void operator_user_password(struct request *request)
{
    if (named_account(request))
        hash_then(request, user_password_hashed);
}

void operator_user_list(struct request *request)
{
    struct json *json = operator_answer(request, true);
    json_name(json, "users");
    json_begin_array(json);
    size_t cursor = 0;
    for (const struct account *account;
         (account = state_account_next(operator_state(request), &cursor));) {
        size_t app_cursor = 0, apps = 0;
        while (state_app_next(operator_state(request), account->id, &app_cursor))
            apps++;
        json_begin_object(json);
        json_member_text(json, "name", account->name);
        json_member_bool(json, "admin", account->is_admin);
        json_member_bool(json, "disabled", account->is_disabled);
        json_member_u64(json, "apps", apps);
        json_member_i64(json, "created_ms", account->created_ms);
        json_end_object(json);
    }
    json_end_array(json);
    operator_answer_end(request);
}

/* The last admin stays, else nobody could manage the server but by this socket.  True after that
 * was answered. */
static bool is_last_admin(struct request *request, const struct account *account)
{
    struct state *state = operator_state(request);
    size_t cursor = 0, admins = 0;
    for (const struct account *other; (other = state_account_next(state, &cursor));)
        admins += other->is_admin && !other->is_disabled;
    bool is_last = account->is_admin && admins == 1 && state_account_count(state) > 1;
    if (is_last)
        operator_fail(
            request,
            "that is the last admin; make another one first: sostenuto user role NAME admin");
    return is_last;
}

void operator_user_remove(struct request *request)
{
    const struct account *account = named_account(request);
    if (!account || is_last_admin(request, account))
        return;
    struct batch *batch = batch_start(request);
    batch_account_delete(batch, account->id);
    batch_send(request, batch, "the user is removed, with all apps and sessions");
}

void operator_user_role(struct request *request)
{
    const struct account *account = named_account(request);
    bool stays_admin = request->asked.is_admin;
    if (!account || (!stays_admin && is_last_admin(request, account)))
        return;
    struct batch *batch = batch_start(request);
    batch_account_role(batch, account->id, stays_admin);
    batch_send(request, batch, "the role is changed");
}

/* --- apps --- */

void operator_app_add(struct request *request)
{
    const struct account *account = named_account(request);
    if (!account)
        return;
    const char *label = request->asked.label;
    if (!label[0] || strlen(label) > NAME_MAX_BYTES) {
        operator_fail(request, "an app's label has 1 to %d bytes", NAME_MAX_BYTES);
        return;
    }
    struct batch *batch = batch_start(request);
    (void)batch_app_create(batch, account->id, text_of(label), &request->secret);
    batch_send(request, batch, NULL);
}

void operator_app_list(struct request *request)
{
    const struct account *account = named_account(request);
    if (!account)
        return;
    struct json *json = operator_answer(request, true);
    json_name(json, "apps");
    json_begin_array(json);
    size_t cursor = 0;
    for (const struct app *app;
         (app = state_app_next(operator_state(request), account->id, &cursor));) {
        struct uid_text id;
        json_begin_object(json);
        json_member_text(json, "id", uid_text(&id, app->id));
        json_member_text(json, "label", app->label);
        json_member_i64(json, "created_ms", app->created_ms);
        json_member_i64(json, "last_used_ms", app->last_used_ms);
        json_end_object(json);
    }
    json_end_array(json);
    operator_answer_end(request);
}

/* By id or by label; every app of that label. */
void operator_app_remove(struct request *request)
{
    const struct account *account = named_account(request);
    if (!account)
        return;
    struct text wanted = text_of(request->asked.label);
    struct batch *batch = batch_start(request);
    size_t cursor = 0, found = 0;
    for (const struct app *app;
         (app = state_app_next(operator_state(request), account->id, &cursor));) {
        struct uid_text id;
        if (!text_equal(app->label, wanted) && !text_equal(uid_text(&id, app->id), wanted))
            continue;
        batch_app_revoke(batch, account->id, app->id);
        found++;
    }
    if (found > 0) {
        batch_send(request, batch, "the app's secret is worth nothing any more");
        return;
    }
    batch_free(&batch);
    operator_fail(request, "that user has no app \"%.64s\"; sostenuto app list shows them",
                  wanted.data);
}

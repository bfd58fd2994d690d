// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/operator.h"

#include "api/audit.h"
#include "base/counters.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/workers.h"
#include "library/library.h"
#include "base/json.h"
#include "programs/edges_desk.h"
#include "programs/operator_request.h"
#include "state/state.h"
#include "trust/breached.h"
#include "trust/keyfolder.h"
#include "trust/password.h"
#include <assert.h>
#include <stdarg.h>
#include <unistd.h>

enum {
    NAME_MAX_BYTES = 64,
    WORDS_MAX_BYTES = 512,
    PROBLEMS_SHOWN = 20,
    ANSWER_MAX_BYTES = 8 << 20
};

struct operator
{
    struct operator_config config;
    size_t under_way;
};

/* One request from its parsing to its answer. */
struct request {
    struct operator* operator;
    struct operator_request asked;
    operator_done *done;
    void *context;
    struct buffer answer;
    struct json json;
    struct password_hash hash;
    bool is_breached, is_hashed;
    struct secret secret;     /* app.add: told once the app is durable */
    const char *just_durable; /* words of the answer when the batch was taken */
};

static struct state *state_of(const struct request *request)
{
    return request->operator->config.state;
}

/* --- answers: one JSON object, opened by answer_start() --- */

static struct json *answer_start(struct request *request, bool is_ok)
{
    buffer_reset(&request->answer);
    json_init(&request->json, &request->answer);
    json_begin_object(&request->json);
    json_member_bool(&request->json, "ok", is_ok);
    return &request->json;
}

static void answer_give(struct request *request)
{
    request->operator->under_way--;
    request->done(request->context,
                  request->answer.overflowed
                      ? TEXT("{\"ok\":false,\"error\":\"the answer is too long\"}")
                      : buffer_view(&request->answer));
    buffer_release(&request->answer);
    operator_request_release(&request->asked);
    explicit_bzero(&request->secret, sizeof request->secret);
    mem_free(request);
}

static void answer_end(struct request *request)
{
    json_end_object(&request->json);
    answer_give(request);
}

static void succeed(struct request *request, const char *said)
{
    json_member_text(answer_start(request, true), "said", text_of(said));
    answer_end(request);
}

static void fail(struct request *request, const char *format, ...) PRINTF_LIKE(2, 3);
static void fail(struct request *request, const char *format, ...)
{
    char words[WORDS_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    json_member_text(answer_start(request, false), "error", text_of(words));
    answer_end(request);
}

/* NULL after the failure was answered. */
static const struct account *named_account(struct request *request)
{
    const char *name = request->asked.name;
    const struct account *account = state_account_by_name(state_of(request), text_of(name));
    if (!account)
        fail(request, "there is no user \"%.64s\"; sostenuto user list shows them", name);
    return account;
}

/* What the owner asked was done. */
static void audit(const struct request *request)
{
    static const struct {
        const char *verb;
        enum audit_event event;
    } events[] = {
        {"user.add", AUDIT_USER_MADE},
        {"user.remove", AUDIT_USER_REMOVED},
        {"user.role", AUDIT_USER_CHANGED},
        {"user.password", AUDIT_PASSWORD},
        {"app.add", AUDIT_APP_MADE},
        {"app.remove", AUDIT_REVOKED},
        {"keys.rotate", AUDIT_KEYS_ROTATED},
        {"keys.revoke", AUDIT_KEY_REVOKED},
        {"backup", AUDIT_BACKUP},
    };
    const struct operator_request *asked = &request->asked;
    for (size_t i = 0; i < ARRAY_SIZE(events); i++)
        if (strcmp(events[i].verb, asked->verb) == 0)
            audit_write(request->operator->config.audit, events[i].event,
                        &(struct audit_entry){
                            .account = text_of(asked->name),
                            .by = TEXT("owner"),
                            .what = text_of(asked->label[0] ? asked->label : asked->path)});
}

/* --- batches: what is changed is durable before it is answered --- */

static void on_durable(void *context, const struct batch_result *result)
{
    struct request *request = context;
    if (result->whole > OUTCOME_DUPLICATE) {
        const char *why = result->count > 0 && result->outcomes[0].why
                              ? result->outcomes[0].why
                              : outcome_help(result->whole);
        fail(request, "%s", why);
        return;
    }
    audit(request);
    if (!request->secret.text[0]) {
        succeed(request, request->just_durable);
        return;
    }
    json_member_text(answer_start(request, true), "secret", text_of(request->secret.text));
    answer_end(request);
}

static struct batch *batch_start(struct request *request)
{
    const struct batch_author author = {
        .client = TEXT("control"), .now_ms = clock_unix_ms(), .is_operator = true};
    return batch_new(state_of(request), &author);
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
        fail(request, "that password stands in the list of leaked ones (breached_passwords); "
                      "take another");
    else if (!may)
        fail(request, "a password has 1 to %d bytes", PASSWORD_MAX_BYTES);
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
        fail(request, "too many sign-ins at once; try again");
}

/* --- users --- */

static void user_add(struct request *request)
{
    const char *name = request->asked.name;
    size_t size = strlen(name);
    if (size == 0 || size > NAME_MAX_BYTES)
        fail(request, "a user name has 1 to %d bytes", NAME_MAX_BYTES);
    else if (state_account_by_name(state_of(request), text_of(name)))
        fail(request,
             "there is a user \"%s\" already; sostenuto user password changes the password", name);
    else
        hash_then(request, user_add_hashed);
}

static void user_password(struct request *request)
{
    if (named_account(request))
        hash_then(request, user_password_hashed);
}

static void user_list(struct request *request)
{
    struct json *json = answer_start(request, true);
    json_name(json, "users");
    json_begin_array(json);
    size_t cursor = 0;
    for (const struct account *account;
         (account = state_account_next(state_of(request), &cursor));) {
        size_t app_cursor = 0, apps = 0;
        while (state_app_next(state_of(request), account->id, &app_cursor))
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
    answer_end(request);
}

/* The last admin stays, else nobody could manage the server but by this socket. */
static bool is_last_admin(const struct request *request, const struct account *account)
{
    size_t cursor = 0, admins = 0;
    for (const struct account *other; (other = state_account_next(state_of(request), &cursor));)
        admins += other->is_admin && !other->is_disabled;
    return account->is_admin && admins == 1 && state_account_count(state_of(request)) > 1;
}

static void user_remove(struct request *request)
{
    const struct account *account = named_account(request);
    if (!account)
        return;
    if (is_last_admin(request, account)) {
        fail(request,
             "that is the last admin; make another one first: sostenuto user role NAME admin");
        return;
    }
    struct batch *batch = batch_start(request);
    batch_account_delete(batch, account->id);
    batch_send(request, batch, "the user is removed, with all apps and sessions");
}

static void user_role(struct request *request)
{
    const struct account *account = named_account(request);
    if (!account)
        return;
    if (!request->asked.is_admin && is_last_admin(request, account)) {
        fail(request,
             "that is the last admin; make another one first: sostenuto user role NAME admin");
        return;
    }
    struct batch *batch = batch_start(request);
    batch_account_role(batch, account->id, request->asked.is_admin);
    batch_send(request, batch, "the role is changed");
}

/* --- apps --- */

static void app_add(struct request *request)
{
    const struct account *account = named_account(request);
    if (!account)
        return;
    const char *label = request->asked.label;
    if (!label[0] || strlen(label) > NAME_MAX_BYTES) {
        fail(request, "an app's label has 1 to %d bytes", NAME_MAX_BYTES);
        return;
    }
    struct batch *batch = batch_start(request);
    (void)batch_app_create(batch, account->id, text_of(label), &request->secret);
    batch_send(request, batch, NULL);
}

static void app_list(struct request *request)
{
    const struct account *account = named_account(request);
    if (!account)
        return;
    struct json *json = answer_start(request, true);
    json_name(json, "apps");
    json_begin_array(json);
    size_t cursor = 0;
    for (const struct app *app; (app = state_app_next(state_of(request), account->id, &cursor));) {
        struct uid_text id;
        json_begin_object(json);
        json_member_text(json, "id", uid_text(&id, app->id));
        json_member_text(json, "label", app->label);
        json_member_i64(json, "created_ms", app->created_ms);
        json_member_i64(json, "last_used_ms", app->last_used_ms);
        json_end_object(json);
    }
    json_end_array(json);
    answer_end(request);
}

/* By id or by label; every app of that label. */
static void app_remove(struct request *request)
{
    const struct account *account = named_account(request);
    if (!account)
        return;
    struct text wanted = text_of(request->asked.label);
    struct batch *batch = batch_start(request);
    size_t cursor = 0, found = 0;
    for (const struct app *app; (app = state_app_next(state_of(request), account->id, &cursor));) {
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
    fail(request, "that user has no app \"%.64s\"; sostenuto app list shows them", wanted.data);
}

/* --- the node --- */

static void scan(struct request *request)
{
    struct library *library = request->operator->config.library;
    if (!library) {
        fail(request, "no library is open");
        return;
    }
    library_scan(library,
                 (struct library_scan_options){.full = request->asked.is_full,
                                               .allow_removal = request->asked.allows_removal});
    json_member_i64(answer_start(request, true), "asked_ms", clock_unix_ms());
    answer_end(request);
}

struct problems {
    struct json *json;
    size_t left;
};

static bool add_problem(void *context, const struct library_problem *problem)
{
    struct problems *problems = context;
    json_begin_object(problems->json);
    json_member_i64(problems->json, "library", problem->root);
    json_member_text(problems->json, "path", problem->path);
    json_member_text(problems->json, "reason", problem->reason);
    json_end_object(problems->json);
    return --problems->left > 0;
}

static void write_scan(struct json *json, struct library *library)
{
    struct library_status status;
    struct problems problems = {json, PROBLEMS_SHOWN};
    library_status(library, &status);
    json_begin_object(json);
    json_member_text(json, "phase", text_of(library_phase_name(status.phase)));
    json_member_bool(json, "idle", status.phase == LIBRARY_IDLE);
    json_member_u64(json, "seen", status.files_seen);
    json_member_u64(json, "estimate", status.files_estimate);
    json_member_u64(json, "changed", status.files_changed);
    json_member_u64(json, "failed", status.files_failed);
    json_member_u64(json, "removed", status.files_removed);
    json_member_u64(json, "removal_refused", status.removal_refused);
    json_member_u64(json, "tracks", status.tracks);
    json_member_i64(json, "started_ms", status.started_ms);
    json_member_i64(json, "finished_ms", status.finished_ms);
    json_member_u64(json, "version", status.version);
    json_name(json, "problems");
    json_begin_array(json);
    if (status.phase == LIBRARY_IDLE)
        library_report(library, add_problem, &problems);
    json_end_array(json);
    json_end_object(json);
}

static void scan_status(struct request *request)
{
    struct library *library = request->operator->config.library;
    if (!library) {
        fail(request, "no library is open");
        return;
    }
    struct json *json = answer_start(request, true);
    json_name(json, "scan");
    write_scan(json, library);
    answer_end(request);
}

static void on_backup(void *context, int error, const char *why)
{
    struct request *request = context;
    if (error < 0)
        fail(request, "the backup failed: %s", why ? why : strerrordesc_np(-error));
    else {
        audit(request);
        succeed(request, "the backup is written");
    }
}

static void backup(struct request *request)
{
    const char *path = request->asked.path;
    if (path[0] != '/')
        fail(request, "a backup needs an absolute path");
    else
        state_backup(state_of(request), path, on_backup, request);
}

static void write_keys(struct json *json, const struct keyfolder *folder, int64_t now_s);

static void status(struct request *request)
{
    const struct operator_config *config = &request->operator->config;
    struct state_health health = state_health(config->state);
    struct json *json = answer_start(request, true);
    json_member_text(json, "version", TEXT(SOSTENUTO_VERSION));
    json_member_bool(json, "serving", config->is_serving);
    json_member_i64(json, "pid", config->is_serving ? getpid() : 0);
    json_member_i64(json, "restarts", counter_get(COUNTER_RESTARTS));
    json_member_i64(json, "start_time_s", counter_get(COUNTER_START_TIME));
    json_member_i64(json, "connections", counter_get(COUNTER_CONNECTIONS_OPEN));
    json_member_i64(json, "requests", counter_get(COUNTER_REQUESTS));
    json_member_u64(json, "accounts", state_account_count(config->state));
    json_member_u64(json, "journal_bytes", health.journal_bytes);
    json_member_u64(json, "unapplied", health.durable_lsn - health.applied_lsn);
    json_member_i64(json, "journal_error", health.journal_error);
    json_member_i64(json, "database_error", health.database_error);
    if (health.has_record) {
        json_member_i64(json, "record_error", health.record_error);
        json_member_u64(json, "unpushed", health.durable_lsn - health.pushed_lsn);
    }
    json_member_u64(json, "damaged_records", health.damaged_records);
    json_name(json, "keys");
    json_begin_object(json);
    write_keys(json, config->keyfolder, clock_unix_ms() / 1000);
    json_end_object(json);
    if (config->library) {
        json_name(json, "scan");
        write_scan(json, config->library);
    }
    answer_end(request);
}

/* --- keys --- */

static void write_keys(struct json *json, const struct keyfolder *folder, int64_t now_s)
{
    struct keyring *ring = keyfolder_ring(folder);
    const struct keyring_content *content = keyring_content(ring);
    struct keyfolder_status status = keyfolder_status(folder, now_s);
    struct key_id signing = {{0}};
    struct key_id_text id;
    (void)keyring_signing(ring, now_s, &signing);
    json_member_text(json, "root", text_of(status.root_fingerprint));
    json_member_bool(json, "has_root", status.has_root);
    json_member_bool(json, "is_due", status.is_due);
    json_member_i64(json, "next_rotation_s", status.next_rotation_s);
    json_name(json, "list");
    json_begin_array(json);
    for (size_t i = 0; i < content->key_count; i++) {
        json_begin_object(json);
        json_member_text(json, "id", key_id_text(&id, content->keys[i].id));
        json_member_i64(json, "from_s", content->keys[i].from_s);
        json_member_i64(json, "until_s", content->keys[i].until_s);
        json_member_bool(json, "signs", key_id_equal(content->keys[i].id, signing));
        json_end_object(json);
    }
    json_end_array(json);
    keyring_unref(&ring);
}

static void keys_list(struct request *request)
{
    struct json *json = answer_start(request, true);
    json_name(json, "keys");
    json_begin_object(json);
    write_keys(json, request->operator->config.keyfolder, clock_unix_ms() / 1000);
    json_end_object(json);
    answer_end(request);
}

static void keys_changed(struct request *request, int error, const struct keys_error *words,
                         const char *said)
{
    const struct operator_config *config = &request->operator->config;
    if (error) {
        fail(request, "%s", words->words);
        return;
    }
    if (config->on_keys)
        config->on_keys(config->context);
    audit(request);
    succeed(request, said);
}

static void keys_rotate(struct request *request)
{
    struct keys_error words = {""};
    int error =
        keyfolder_rotate(request->operator->config.keyfolder, clock_unix_ms() / 1000, &words);
    keys_changed(request, error, &words, "the next signing key is published; it signs in a day");
}

static void keys_revoke(struct request *request)
{
    struct keys_error words = {""};
    struct key_id id;
    if (!key_id_from_text(text_of(request->asked.name), &id)) {
        fail(request, "that is not the id of a key; sostenuto keys list shows them");
        return;
    }
    int error =
        keyfolder_revoke(request->operator->config.keyfolder, id, clock_unix_ms() / 1000, &words);
    keys_changed(request, error, &words, "revoked; a new key signs from now on");
}

/* --- dispatch --- */

static const struct {
    const char *name;
    void (*run)(struct request *request);
} verbs[] = {
    {"user.add", user_add},   {"user.list", user_list},         {"user.remove", user_remove},
    {"user.role", user_role}, {"user.password", user_password}, {"app.add", app_add},
    {"app.list", app_list},   {"app.remove", app_remove},       {"scan", scan},
    {"backup", backup},       {"scan.status", scan_status},     {"status", status},
    {"keys.list", keys_list}, {"keys.rotate", keys_rotate},     {"keys.revoke", keys_revoke},
};

struct operator* operator_new(const struct operator_config *config)
{
    struct operator* operator= MEM_NEW(struct operator);
    operator->config = * config;
    return operator;
}

void operator_free(struct operator** operator_p)
{
    assert(!*operator_p || (*operator_p)->under_way == 0);
    mem_free_p(operator_p);
}

void operator_ask(struct operator* operator, struct text line, operator_done *done, void *context)
{
    struct request *request = MEM_NEW(struct request);
    request->operator= operator;
    request->done = done;
    request->context = context;
    buffer_init(&request->answer, ANSWER_MAX_BYTES);
    operator->under_way++;
    if (!operator_request_parse(line, &request->asked)) {
        fail(request, "a request is one JSON object of texts and switches");
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (strcmp(verbs[i].name, request->asked.verb) == 0) {
            verbs[i].run(request);
            return;
        }
    }
    if (edges_desk_ask(operator->config.edges, &request->asked, clock_unix_ms() / 1000,
                       &request->answer)) {
        answer_give(request);
        return;
    }
    fail(request, "not understood: \"%.64s\"; this server is sostenuto " SOSTENUTO_VERSION,
         request->asked.verb);
}

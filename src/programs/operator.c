// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/operator_verbs.h"

#include "api/audit.h"
#include "base/mem.h"
#include "io/clock.h"
#include "programs/edges_desk.h"
#include <assert.h>
#include <stdarg.h>

enum { WORDS_MAX_BYTES = 512, ANSWER_MAX_BYTES = 8 << 20 };

/* --- answers: one JSON object, opened by operator_answer() --- */

struct json *operator_answer(struct request *request, bool is_ok)
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

void operator_answer_end(struct request *request)
{
    json_end_object(&request->json);
    answer_give(request);
}

void operator_succeed(struct request *request, const char *said)
{
    json_member_text(operator_answer(request, true), "said", text_of(said));
    operator_answer_end(request);
}

void operator_fail(struct request *request, const char *format, ...)
{
    char words[WORDS_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    json_member_text(operator_answer(request, false), "error", text_of(words));
    operator_answer_end(request);
}

/* What the owner asked was done. */
void operator_audit(const struct request *request)
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

/* --- dispatch --- */

static const struct {
    const char *name;
    void (*run)(struct request *request);
} verbs[] = {
    {"user.add", operator_user_add},
    {"user.list", operator_user_list},
    {"user.remove", operator_user_remove},
    {"user.role", operator_user_role},
    {"user.password", operator_user_password},
    {"app.add", operator_app_add},
    {"app.list", operator_app_list},
    {"app.remove", operator_app_remove},
    {"scan", operator_scan},
    {"backup", operator_backup},
    {"scan.status", operator_scan_status},
    {"status", operator_status},
    {"keys.list", operator_keys_list},
    {"keys.rotate", operator_keys_rotate},
    {"keys.revoke", operator_keys_revoke},
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
        operator_fail(request, "a request is one JSON object of texts and switches");
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
    operator_fail(request, "not understood: \"%.64s\"; this server is sostenuto " SOSTENUTO_VERSION,
                  request->asked.verb);
}

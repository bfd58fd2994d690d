// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/call.h"

#include "api/inside.h"
#include "api/visitor.h"

/* What "Retry-After" asks for when the journal does not take a write. */
enum { JOURNAL_RETRY_S = 5 };

struct subject subject_of(enum catalog_kind kind, const struct catalog_id *id)
{
    static const char kinds[CATALOG_KINDS][3] = {"tr", "al", "ar", "fo", "xx"};
    return subject_make(kinds[kind], id->bytes);
}

bool call_find_text(const struct call *call, struct text id, enum catalog_kind kind, uint32_t *ret)
{
    enum catalog_kind found_kind;
    struct catalog_id found;
    if (!catalog_id_parse(id, &found_kind, &found) || found_kind != kind)
        return false;
    uint32_t number = catalog_find(call->view, kind, &found);
    if (number == (uint32_t)CATALOG_NONE)
        return false;
    *ret = number;
    return true;
}

bool call_find(const struct call *call, const char *name, enum catalog_kind kind, uint32_t *ret)
{
    return call_find_text(call, call_text(call, name), kind, ret);
}

struct page call_page(const struct call *call, uint64_t max)
{
    enum { MOST = 10000 };
    struct page page = {.max = max < MOST ? (size_t)max : MOST};
    page.numbers =
        arena_alloc(exchange_arena(call->exchange), (page.max + 1) * sizeof(*page.numbers));
    if (!page.numbers)
        page.max = 0;
    return page;
}

struct batch *call_batch(const struct call *call)
{
    struct batch_author author = {.account = call->account_id,
                                  .client = call->client,
                                  .now_ms = exchange_now_ms(call->exchange)};
    author.is_unproven = !visitor_prove(call->api, call->exchange, call->account_id, &author.proof);
    return batch_new(call->api->config.state, &author);
}

struct submission {
    struct call *call;
    endpoint_handler *then;
};

static enum call_end fail_by_outcome(struct call *call, const struct batch_result *result)
{
    const char *why = NULL;
    for (size_t i = 0; i < result->count && !why; i++)
        if (result->outcomes[i].outcome == result->whole)
            why = result->outcomes[i].why;
    if (outcome_status(result->whole) == 503)
        return call_fail_busy(call, JOURNAL_RETRY_S, outcome_help(result->whole));
    return call_fail(call,
                     result->whole == OUTCOME_FORBIDDEN ? API_ERROR_FORBIDDEN : API_ERROR_GENERIC,
                     why ? why : outcome_help(result->whole));
}

static void on_submitted(void *context, const struct batch_result *result)
{
    struct submission *submission = context;
    struct call *call = submission->call;
    enum call_end end = CALL_OK;
    if (outcome_status(result->whole) != 200)
        end = fail_by_outcome(call, result);
    else if (!call_refresh(call))
        end = call_fail(call, API_ERROR_WRONG_CREDENTIALS, NULL);
    else if (submission->then)
        end = submission->then(call);
    if (end != CALL_LATER)
        call_finish(call, end);
}

enum call_end call_submit(struct call *call, struct batch *batch, endpoint_handler *then)
{
    struct submission *submission =
        arena_alloc(exchange_arena(call->exchange), sizeof(*submission));
    if (!submission) {
        batch_free(&batch);
        return call_fail_busy(call, 1, "This request needs more memory than one may have.");
    }
    *submission = (struct submission){call, then};
    batch_submit(&batch, on_submitted, submission);
    return CALL_LATER;
}

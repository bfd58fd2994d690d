// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/decide.h"

#include "api/audit.h"
#include "api/inside.h"
#include "api/wishes.h"
#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/clock.h"
#include "state/batch.h"
#include "state/duty.h"
#include "state/state.h"

enum { EVERY_US = 30 * 1000 * 1000, SETTLE_US = 2 * 1000 * 1000 };
#define DUTY \
    "\x01"   \
    "requests" /* no name: those have no control characters */
#define DAY_MS (24LL * 60 * 60 * 1000)
#define SHOWN_MS (7 * DAY_MS)
#define LIFE_MS (30 * DAY_MS) /* what comes later than that surprises who asked */

struct decider {
    struct api *api;
    struct loop_timer timer;
    uint64_t due_us;             /* when it comes */
    struct submitted *submitted; /* one batch at a time; NULL: none */
    struct decider **asking;     /* whether to decide is asked; it outlives this */
};

/* A batch under way; it outlives a decider that ends meanwhile. */
struct submitted {
    struct decider *decider;            /* NULL: gone */
    struct uid account, id;             /* of the request that it decides; none: it forgets one */
    bool is_grant;                      /* it does what was asked */
    char name[WISH_NAME_MAX_BYTES + 1]; /* whom it is about */
};

bool decide_is_over(const struct kept_request *request, int64_t now_ms)
{
    return request->state != REQUEST_WAITING && now_ms - request->decided_ms > SHOWN_MS;
}

/* --- judging --- */

static bool has_right(const struct state *state, struct uid id)
{
    const struct account *account = state_account(state, id);
    return account && account->is_admin && !account->is_disabled;
}

/* Of the asker's, and not ended since; that it has expired by now does not matter. */
static bool is_session_good(const struct state *state, const struct kept_request *request)
{
    const struct session *session = state_session(state, request->session, request->asked_ms);
    return session && uid_equal(session->account, request->account);
}

static bool is_too_old(const struct kept_request *request, int64_t now_ms)
{
    return now_ms - request->asked_ms > LIFE_MS;
}

/* Its session may still come. */
static bool is_early(const struct state *state, const struct kept_request *request, int64_t now_ms)
{
    return !is_too_old(request, now_ms) &&
           !state_session_is_known(state, request->account, request->session);
}

/* NULL: it shall be done. */
static const char *why_not(const struct state *state, const struct kept_request *request,
                           int64_t now_ms)
{
    const struct wish_fault *fault = wish_fault(state, &request->wish);
    if (is_too_old(request, now_ms))
        return "It was asked more than 30 days ago.";
    if (!has_right(state, request->account) && guard_is_on(GUARD_REQUEST_RIGHTS))
        return "Who asked may not do that (any more).";
    if (!is_session_good(state, request) && guard_is_on(GUARD_REQUEST_RIGHTS))
        return "The session in which it was asked has been ended.";
    return fault ? fault->words : NULL;
}

/* --- one at a time --- */

static void note(const struct api *api, const struct kept_request *request, const char *name)
{
    const struct account *asker = state_account(api->config.state, request->account);
    bool is_done = request->state == REQUEST_DONE;
    char what[32];
    (void)snprintf(what, sizeof what, "%s: %s", request_what_word(request->wish.what),
                   is_done ? "done" : "refused");
    counter_add(is_done ? COUNTER_REQUESTS_DONE : COUNTER_REQUESTS_REFUSED, 1);
    audit_write(api->config.audit, AUDIT_REQUEST_DECIDED,
                &(struct audit_entry){.account = text_of(name),
                                      .by = asker ? asker->name : TEXT("nobody"),
                                      .what = text_of(what)});
}

static void look_within(struct decider *decider, uint64_t us)
{
    struct loop *loop = decider->api->config.loop;
    uint64_t due_us = loop_now_us(loop) + us;
    if (decider->due_us > due_us) {
        decider->due_us = due_us;
        loop_timer_start(loop, &decider->timer, due_us);
    }
}

/* What nobody could see before it was tried: another origin gave the name away. */
static const char *why_refused(const struct batch_result *result)
{
    for (size_t i = 0; i < result->count; i++)
        if (result->outcomes[i].outcome == OUTCOME_REFUSED)
            return result->outcomes[i].why ? result->outcomes[i].why : "It could not be done.";
    return NULL;
}

static void write_decision(struct decider *decider, const struct kept_request *request,
                           const char *why, int64_t now_ms);

static void on_submitted(void *context, const struct batch_result *result)
{
    struct submitted *submitted = context;
    struct decider *decider = submitted->decider;
    const struct kept_request *request =
        decider ? state_request(decider->api->config.state, submitted->account, submitted->id)
                : NULL;
    const char *why = submitted->is_grant ? why_refused(result) : NULL;
    if (decider)
        decider->submitted = NULL;
    if (request && why)
        write_decision(decider, request, why, clock_unix_ms());
    else if (request && request->state != REQUEST_WAITING)
        note(decider->api, request, submitted->name);
    if (decider && outcome_status(result->whole) == 200) /* else the timer comes again */
        look_within(decider, 0);
    mem_free(submitted);
}

/* While it is there: of one that shall be deleted it is not known later. */
static void note_name(const struct state *state, const struct kept_request *request,
                      char ret[WISH_NAME_MAX_BYTES + 1])
{
    const struct account *about = state_account(state, request->wish.about);
    struct text name = about ? about->name : request->wish.name;
    (void)snprintf(ret, WISH_NAME_MAX_BYTES + 1, "%.*s", TEXT_ARGS(name));
}

static void submit(struct decider *decider, struct batch *batch, const struct kept_request *request,
                   bool is_decision, bool is_grant)
{
    struct submitted *submitted = MEM_NEW(struct submitted);
    *submitted = (struct submitted){.decider = decider, .is_grant = is_grant};
    if (is_decision) {
        submitted->account = request->account;
        submitted->id = request->id;
        note_name(decider->api->config.state, request, submitted->name);
    }
    decider->submitted = submitted;
    batch_submit(&batch, on_submitted, submitted);
}

static void write_decision(struct decider *decider, const struct kept_request *request,
                           const char *why, int64_t now_ms)
{
    struct batch *batch = batch_new(decider->api->config.state,
                                    &(struct batch_author){.now_ms = now_ms, .is_operator = true});
    batch_all_or_none(batch);
    if (!why)
        wish_grant(batch, &request->wish);
    batch_request_decided(batch, request, !why, why);
    submit(decider, batch, request, true, !why);
}

static void decide(struct decider *decider, const struct kept_request *request, int64_t now_ms)
{
    const char *why = why_not(decider->api->config.state, request, now_ms);
    write_decision(decider, request, why, now_ms);
}

static void forget(struct decider *decider, const struct kept_request *request, int64_t now_ms)
{
    struct batch *batch = batch_new(decider->api->config.state,
                                    &(struct batch_author){.now_ms = now_ms, .is_operator = true});
    batch_request_forget(batch, request);
    submit(decider, batch, request, false, false);
}

/* What is to do first: in the order in which it was asked. */
static const struct kept_request *next(const struct state *state, int64_t now_ms)
{
    const struct kept_request *one, *first = NULL;
    for (size_t cursor = 0; (one = state_request_next(state, &cursor));) {
        bool is_due = one->state == REQUEST_WAITING ? !is_early(state, one, now_ms)
                                                    : decide_is_over(one, now_ms);
        if (is_due && (!first || one->asked_ms < first->asked_ms))
            first = one;
    }
    return first;
}

/* Of several origins one decides at a time (state/duty.h). */
static void on_duty(void *context, bool is_ours)
{
    struct decider **asking = context, *decider = *asking;
    mem_free(asking);
    if (!decider)
        return;
    decider->asking = NULL;
    int64_t now_ms = clock_unix_ms();
    const struct kept_request *request = is_ours ? next(decider->api->config.state, now_ms) : NULL;
    if (request && request->state == REQUEST_WAITING)
        decide(decider, request, now_ms);
    else if (request)
        forget(decider, request, now_ms);
}

static void on_timer(struct loop_timer *timer, uint64_t now_us)
{
    struct decider *decider = CONTAINER_OF(timer, struct decider, timer);
    struct state *state = decider->api->config.state;
    decider->due_us = now_us + EVERY_US;
    loop_timer_start(decider->api->config.loop, timer, decider->due_us);
    if (decider->submitted || decider->asking || state_health(state).record_error ||
        !next(state, clock_unix_ms())) /* with the record away others may have decided */
        return;
    decider->asking = mem_alloc(sizeof *decider->asking);
    *decider->asking = decider;
    duty_ask(state, DUTY, on_duty, decider->asking);
}

void decider_look(struct decider *decider) { look_within(decider, SETTLE_US); }

struct decider *decider_new(struct api *api)
{
    struct decider *decider = MEM_NEW(struct decider);
    decider->api = api;
    decider->timer.on_timer = on_timer;
    decider->due_us = UINT64_MAX;
    decider_look(decider);
    return decider;
}

void decider_free(struct decider **decider_at)
{
    struct decider *decider = *decider_at;
    if (!decider)
        return;
    loop_timer_stop(&decider->timer);
    if (decider->submitted)
        decider->submitted->decider = NULL;
    if (decider->asking)
        *decider->asking = NULL;
    mem_free_p(decider_at);
}

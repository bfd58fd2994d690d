// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/exposure.h"

#include "api/audit.h"
#include "api/inside.h"
#include "api/speaks.h"
#include "base/mem.h"
#include "io/clock.h"
#include "state/state.h"
#include "trust/node_book.h"
#include "trust/opener.h"

enum {
    OPERATIONS_AT_ONCE = 900,
    /* Of one turn, a few milliseconds: */
    ACCOUNTS_AT_ONCE = 1000,
    HASHES_AT_ONCE = 10000,
    PAUSE_US = 1000, /* others come in between */
};

static int64_t lost_ms(const struct node_seat *lost) { return (lost->revoked_s + 1) * 1000; }

/* --- ending --- */

struct ending {
    struct api *api;
    struct batch *batch;
    size_t count;
};

static void begin(struct ending *ending)
{
    ending->count = 0;
    ending->batch =
        batch_new(ending->api->config.state, &(struct batch_author){.client = TEXT("server"),
                                                                    .now_ms = clock_unix_ms(),
                                                                    .is_operator = true});
}

static void end(struct ending *ending)
{
    if (ending->count)
        batch_submit(&ending->batch, NULL, NULL);
    else
        batch_free(&ending->batch);
}

static void count_one(struct ending *ending)
{
    if (++ending->count < OPERATIONS_AT_ONCE)
        return;
    end(ending);
    begin(ending);
}

static void end_sessions(struct ending *ending, const struct node_seat *lost, struct uid account)
{
    const struct session *session;
    for (size_t cursor = 0;
         (session = state_session_next(ending->api->config.state, account, &cursor));) {
        if (!opener_is(session->id, lost->id))
            continue;
        batch_session_revoke(ending->batch, account, session->id);
        count_one(ending);
    }
}

static bool has_apps(const struct api *api, const struct node_seat *lost, struct uid account)
{
    const struct app *app;
    bool has = false;
    for (size_t cursor = 0; !has && (app = state_app_next(api->config.state, account, &cursor));)
        has = app->created_ms < lost_ms(lost);
    return has;
}

static size_t end_apps(struct ending *ending, const struct node_seat *lost, struct uid account)
{
    const struct app *app;
    size_t ended = 0;
    for (size_t cursor = 0; (app = state_app_next(ending->api->config.state, account, &cursor));) {
        if (app->created_ms >= lost_ms(lost))
            continue;
        batch_app_revoke(ending->batch, account, app->id);
        count_one(ending);
        ended++;
    }
    return ended;
}

static void note(const struct api *api, const struct account *account, const struct node_seat *lost)
{
    if (api->config.audit)
        audit_write(api->config.audit, AUDIT_EXPOSED,
                    &(struct audit_entry){.account = account->name,
                                          .by = TEXT("server"),
                                          .what = text_of(lost->name)});
}

/* --- in turns --- */

struct exposure {
    struct api *api;
    struct uid *accounts; /* those that there were when it began; NULL: nothing is under way */
    size_t count, at;
    bool begins_again; /* the book changed meanwhile */
    struct loop_timer next;
};

/* Hashes that it may cost to find out whose home an edge was (api/speaks.h). */
static size_t cost_of(struct node_book *book)
{
    struct node_seat seat;
    size_t count = node_book_count(book), revoked = 0;
    for (size_t i = 0; i < count; i++) {
        node_book_at(book, i, &seat);
        revoked += seat.revoked_s != 0;
    }
    return (revoked + 2) * count;
}

/* The hashes that it cost. */
static size_t settle_account(struct ending *ending, const struct node_seat *lost, struct uid id,
                             size_t cost)
{
    const struct api *api = ending->api;
    const struct account *account = state_account(api->config.state, id);
    if (!account)
        return 0;
    end_sessions(ending, lost, id);
    if (!has_apps(api, lost, id))
        return 0; /* it held nothing of theirs that opens still */
    if (speaks_for_own(api, lost, id) && end_apps(ending, lost, id))
        note(api, account, lost);
    return cost;
}

static void settle_turn(struct exposure *exposure)
{
    struct node_book *book = exposure->api->config.book;
    struct ending ending = {.api = exposure->api};
    struct node_seat seat;
    size_t cost = cost_of(book), hashes = 0, accounts = 0;
    begin(&ending);
    for (; exposure->at < exposure->count && hashes < HASHES_AT_ONCE && accounts < ACCOUNTS_AT_ONCE;
         exposure->at++, accounts++)
        for (size_t i = 0; i < node_book_count(book); i++) {
            node_book_at(book, i, &seat);
            if (seat.revoked_s)
                hashes += settle_account(&ending, &seat, exposure->accounts[exposure->at], cost);
        }
    end(&ending);
}

static bool has_revoked(struct node_book *book)
{
    struct node_seat seat;
    bool has = false;
    for (size_t i = 0; book && !has && i < node_book_count(book); i++) {
        node_book_at(book, i, &seat);
        has = seat.revoked_s != 0;
    }
    return has;
}

static void begin_all(struct exposure *exposure)
{
    const struct state *state = exposure->api->config.state;
    const struct account *account;
    size_t count = state_account_count(state);
    exposure->begins_again = false;
    exposure->at = exposure->count = 0;
    exposure->accounts =
        mem_realloc_array(exposure->accounts, count + 1, sizeof *exposure->accounts);
    for (size_t cursor = 0;
         exposure->count < count && (account = state_account_next(state, &cursor));)
        exposure->accounts[exposure->count++] = account->id;
}

static void end_all(struct exposure *exposure)
{
    mem_free(exposure->accounts);
    exposure->accounts = NULL;
}

static void go_on(struct exposure *exposure)
{
    struct loop *loop = exposure->api->config.loop;
    settle_turn(exposure);
    if (exposure->at == exposure->count && exposure->begins_again)
        begin_all(exposure);
    if (exposure->at == exposure->count)
        end_all(exposure);
    else
        loop_timer_start(loop, &exposure->next, loop_now_us(loop) + PAUSE_US);
}

static void on_next(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    go_on(CONTAINER_OF(timer, struct exposure, next));
}

void exposure_settle(struct exposure *exposure)
{
    if (!has_revoked(exposure->api->config.book))
        return;
    if (exposure->accounts) {
        exposure->begins_again = true;
        return;
    }
    begin_all(exposure);
    go_on(exposure);
}

bool exposure_is_settled(const struct exposure *exposure) { return !exposure->accounts; }

struct exposure *exposure_new(struct api *api)
{
    struct exposure *exposure = MEM_NEW(struct exposure);
    exposure->api = api;
    exposure->next.on_timer = on_next;
    return exposure;
}

void exposure_free(struct exposure **exposure)
{
    if (!*exposure)
        return;
    loop_timer_stop(&(*exposure)->next);
    mem_free((*exposure)->accounts);
    mem_free_p(exposure);
}

/* --- passwords --- */

bool exposure_has_password(const struct api *api, struct uid account)
{
    struct node_book *book = api->config.book;
    struct node_seat seat;
    bool is_exposed = false;
    int64_t set_ms = state_password_set_ms(api->config.state, account);
    for (size_t i = 0; book && set_ms && !is_exposed && i < node_book_count(book); i++) {
        node_book_at(book, i, &seat);
        is_exposed =
            seat.revoked_s && set_ms < lost_ms(&seat) && speaks_for_own(api, &seat, account);
    }
    return is_exposed;
}

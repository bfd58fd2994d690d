// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/exposure.h"

#include "api/audit.h"
#include "api/inside.h"
#include "api/speaks.h"
#include "io/clock.h"
#include "state/state.h"
#include "trust/node_book.h"
#include "trust/opener.h"

enum { OPERATIONS_AT_ONCE = 900 };

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

static void end_all(struct ending *ending, const struct node_seat *lost)
{
    const struct api *api = ending->api;
    const struct account *account;
    for (size_t cursor = 0; (account = state_account_next(api->config.state, &cursor));) {
        end_sessions(ending, lost, account->id);
        if (speaks_for_own(api, lost, account->id) && end_apps(ending, lost, account->id))
            note(api, account, lost);
    }
}

void exposure_settle(struct api *api)
{
    struct node_book *book = api->config.book;
    struct ending ending = {.api = api};
    struct node_seat seat;
    for (size_t i = 0; book && i < node_book_count(book); i++) {
        node_book_at(book, i, &seat);
        if (!seat.revoked_s)
            continue;
        begin(&ending);
        end_all(&ending, &seat);
        end(&ending);
    }
}

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

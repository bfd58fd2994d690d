// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/listeners.h"

#include "api/credentials.h"
#include "api/inside.h"
#include "api/object_classes.h"
#include "io/exchange.h"
#include "io/server.h"
#include "state/copy.h"
#include "state/state.h"
#include "trust/keyring.h"

enum { LIFE_S = 24 * 3600 };

static void problem(struct exchange *exchange, unsigned status, const char *title,
                    const char *detail)
{
    exchange_lasting_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_problem(exchange, status, title, detail);
}

/* False after answering. */
static bool prove(struct api *api, struct exchange *exchange)
{
    const struct session *session = credentials_bearer(api, exchange);
    const struct account *account =
        session ? state_account(api->config.state, session->account) : NULL;
    if (!account) {
        problem(exchange, 401, "Signed out", "This is for nodes that follow this one.");
        return false;
    }
    exchange_set_user(exchange, account->name);
    if (!account->is_admin)
        problem(exchange, 403, "For nodes", "Listeners' states are for other nodes.");
    return account->is_admin;
}

/* Its version says when it was made; merging does not need it. */
static bool seal(const struct api *api, struct exchange *exchange, struct text body)
{
    int64_t now_ms = exchange_now_ms(exchange);
    const struct signed_object object = {.name = exchange_request(exchange)->path,
                                         .epoch = state_health(api->config.state).epoch,
                                         .number = (uint64_t)now_ms,
                                         .issued_s = now_ms / 1000,
                                         .expires_s = now_ms / 1000 + LIFE_S,
                                         .body = body};
    return keyring_seal(api->ring, &object, now_ms / 1000, exchange_output(exchange));
}

static void handle(struct exchange *exchange, void *context)
{
    struct api *api = context;
    struct uid account;
    struct buffer body;
    struct text id = text_from(exchange_request(exchange)->path, sizeof("/listeners/") - 1);
    if (!prove(api, exchange))
        return;
    if (!uid_from_text(id, &account)) {
        problem(exchange, 404, "Not found", "There is no account of this id.");
        return;
    }
    buffer_init(&body, SIGNED_MAX_BODY_BYTES);
    state_copy_write(api->config.state, account, exchange_now_ms(exchange), &body);
    if (body.overflowed || !seal(api, exchange, buffer_view(&body))) {
        problem(exchange, 503, "Not now",
                body.overflowed ? "This account's state is larger than an object may be."
                                : "This node cannot sign just now.");
    } else {
        exchange_lasting_field(exchange, "Cache-Control", TEXT("no-store"));
        exchange_set_class(exchange, SHIELD_CLASS_BACKGROUND);
        exchange_keep_identity(exchange);
        exchange_send_output(exchange, 200, SIGNED_CONTENT_TYPE);
    }
    buffer_release(&body);
}

void listener_routes(struct api *api, struct server *server)
{
    server_route(server, &(struct server_route){.methods = "GET",
                                                .path = "/listeners/",
                                                .class = SHIELD_CLASS_SIGNED_IN,
                                                .handler = handle,
                                                .context = api});
}

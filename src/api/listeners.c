// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/listeners.h"

#include "api/inside.h"
#include "api/nodes.h"
#include "api/object_classes.h"
#include "api/peers.h"
#include "io/exchange.h"
#include "io/server.h"
#include "state/copy.h"
#include "state/state.h"
#include "trust/keyring.h"
#include "trust/node_list.h"

enum { LIFE_S = 24 * 3600 };

static void problem(struct exchange *exchange, unsigned status, const char *title,
                    const char *detail)
{
    exchange_lasting_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_problem(exchange, status, title, detail);
}

/* False after answering. */
static bool prove(struct api *api, struct exchange *exchange, struct node_seat *ret)
{
    bool is_node = peers_node(api, exchange, ret);
    if (is_node)
        peers_show(exchange, ret);
    else
        problem(exchange, 403, "For nodes",
                "Listeners' states are for other nodes, at the address for nodes.");
    return is_node;
}

/* With what signs the listener in, for a home or backup edge and nobody else. */
static void write_copy(const struct api *api, struct uid account, const struct node_seat *seat,
                       int64_t made_ms, struct buffer *out)
{
    nodes_look(api->nodes);
    const struct homes homes = node_list_homes(nodes_list(api->nodes), account);
    if (homes_has(&homes, seat->id))
        state_copy_write_boxed(api->config.state, account, seat->key, made_ms, out);
    else
        state_copy_write(api->config.state, account, made_ms, out);
}

/* Its version says when it was made; merging does not need it. */
static bool seal(const struct api *api, struct exchange *exchange, int64_t made_ms,
                 struct text body)
{
    int64_t now_ms = exchange_now_ms(exchange);
    const struct signed_object object = {.name = exchange_request(exchange)->path,
                                         .epoch = state_health(api->config.state).epoch,
                                         .number = (uint64_t)made_ms,
                                         .issued_s = now_ms / 1000,
                                         .expires_s = now_ms / 1000 + LIFE_S,
                                         .body = body};
    return keyring_seal(api->ring, &object, now_ms / 1000, exchange_output(exchange));
}

static void handle(struct exchange *exchange, void *context)
{
    struct api *api = context;
    struct uid account;
    struct node_seat seat;
    struct buffer body;
    struct text id = text_from(exchange_request(exchange)->path, sizeof("/listeners/") - 1);
    if (!prove(api, exchange, &seat))
        return;
    if (!uid_from_text(id, &account)) {
        problem(exchange, 404, "Not found", "There is no account of this id.");
        return;
    }
    buffer_init(&body, SIGNED_MAX_BODY_BYTES);
    int64_t made_ms = state_copy_stamp(api->config.state); /* not when it was asked for */
    write_copy(api, account, &seat, made_ms, &body);
    if (body.overflowed || !seal(api, exchange, made_ms, buffer_view(&body))) {
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

// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/peers.h"

#include "api/inside.h"
#include "io/exchange.h"

#include <stdio.h>

bool peers_node(const struct api *api, const struct exchange *exchange, struct node_seat *ret)
{
    const struct exchange_peer *peer = exchange_peer(exchange);
    bool passes_on = http_request_field(exchange_request(exchange), TEXT("Via")).data;
    return api->config.book && peer->is_node && !passes_on &&
           node_book_seat(api->config.book, peer->node_key, exchange_now_ms(exchange) / 1000, ret);
}

void peers_show(struct exchange *exchange, const struct node_seat *seat)
{
    char name[sizeof("edge:") + DELEGATION_NAME_MAX_BYTES];
    (void)snprintf(name, sizeof name, "edge:%s", seat->name);
    exchange_set_user(exchange, text_of(name));
}

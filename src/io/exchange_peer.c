// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/guard.h"
#include "io/carrier.h"
#include "io/forwarded.h"
#include "io/node_tls.h"
#include "io/server_state.h"
#include "io/stream.h"
#include "io/tls_state.h"

#include <string.h>

/*
 * exchange_peer: who asks, for both kinds of connection.
 *
 * A connection of a trusted proxy carries many people, so max_connections_per_address cannot count
 * it.  Their running requests are counted instead, each as a connection of its own, by each loop
 * for itself: no lock is shared on the way of a request.
 */
void exchange_show_peer(struct exchange_peer *peer, const struct address *address)
{
    struct address_text shown;
    struct text digits = address_show(address, &shown);
    memcpy(peer->address, digits.data, digits.size + 1);
    peer->is_private = address_is_private(address);
}

void exchange_show_proof(struct exchange_peer *peer, const struct stream *stream,
                         const struct server_tls *tls)
{
    peer->is_secure = stream->ssl != NULL;
    peer->is_node =
        stream->ssl && server_tls_nodes(tls) && node_tls_peer_key(stream->ssl, peer->node_key);
}

/* A node that was let in before may not be welcome any more. */
static void meet_node(struct exchange *exchange, const struct node_tls *nodes)
{
    struct exchange_peer *peer = &exchange->peer;
    peer->is_between_nodes = nodes != NULL;
    peer->is_node = nodes && peer->is_node && node_tls_admits(nodes, peer->node_key);
}

static void enter_crowd(struct exchange *exchange, const struct address *address)
{
    struct server *server = exchange->server;
    if (server->forwarded_count >= SERVER_FORWARDED_MAX)
        return; /* more people than anybody counts: max_away and the like bound them */
    server->forwarded_count++;
    exchange->forwarded = *address;
    exchange->is_in_crowd = true;
    exchange->is_crowded =
        !crowd_enter(server->forwarded, address) && guard_is_on(GUARD_FORWARDED_CROWD);
}

void exchange_leave_crowd(struct exchange *exchange)
{
    if (!exchange->is_in_crowd)
        return;
    exchange->is_in_crowd = false;
    exchange->server->forwarded_count--;
    crowd_leave(exchange->server->forwarded, &exchange->forwarded);
}

void exchange_meet(struct exchange *exchange, bool is_trusted, const struct server_tls *tls)
{
    const struct server *server = exchange->server;
    struct exchange_peer *peer = &exchange->peer;
    meet_node(exchange, server_tls_nodes(tls));
    if (is_trusted || peer->is_node) {
        struct forwarded forwarded =
            forwarded_read(&exchange->request, server->trusted, server->config.trusted_proxy_count);
        peer->is_secure |= forwarded.is_secure;
        if (forwarded.has_address) {
            exchange_show_peer(peer, &forwarded.address);
            peer->port = 0;
            enter_crowd(exchange, &forwarded.address);
        }
    }
    exchange->is_public_plain = !peer->is_secure && !peer->is_private;
    exchange->needs_tls = tls && exchange->is_public_plain;
}

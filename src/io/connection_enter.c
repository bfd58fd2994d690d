// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "http/proxy_protocol.h"
#include "io/connection_state.h"
#include "shield/door.h"

#include <errno.h>
#include <sys/socket.h>

/*
 * connection_enter: what happens to a connection before its first request: who it is (PROXY v2),
 * whether it may come in (the door).
 */

/* --- PROXY protocol --- */

static bool is_let_in(const struct connection *connection)
{
    struct address_text storage;
    const struct shield_arrival arrival = {
        .moment = SHIELD_AT_ACCEPT,
        .class = SHIELD_CLASS_NEW_VISIT,
        .address = address_show(&connection->address, &storage),
        .now_us = loop_now_us(connection_server(connection)->loop),
    };
    if (shield_admit(connection_server(connection)->config.shield, &arrival) <=
        SHIELD_SERVE_LIGHTER)
        return true;
    counter_add(COUNTER_DOOR_REFUSED, 1);
    return false;
}

/* A trusted proxy brings many people; those it names are in a header of each request. */
bool server_admits(struct server *server, const struct address *address)
{
    if (server_trusts(server, address) || crowd_enter(server->home->crowd, address) ||
        !guard_is_on(GUARD_CROWD))
        return true;
    counter_add(COUNTER_CONNECTIONS_CROWDED, 1);
    return false;
}

void server_forgets(struct server *server, const struct address *address)
{
    if (!server_trusts(server, address))
        crowd_leave(server->home->crowd, address);
}

enum step_result connection_enter(struct connection *connection)
{
    if (!is_let_in(connection))
        return STEP_CLOSES;
    connection->step = connection->listener->tls ? STEP_SNIFF : STEP_HEADER;
    return server_admits(connection_server(connection), &connection->address) ? STEP_GOES_ON
                                                                              : STEP_CLOSES;
}

/* Reads the header exactly and not a byte further: what follows may be TLS. */
enum step_result connection_step_proxy(struct connection *connection)
{
    struct http_proxy_header header;
    size_t consumed;
    int result =
        http_proxy_header_parse(buffer_view(&connection->progress->in), &header, &consumed);
    if (result > 0) {
        if (header.has_source) {
            connection->address = header.source;
            connection->port = header.source_port;
        }
        buffer_release(&connection->progress->in);
        return connection_enter(connection);
    }
    size_t size = connection->progress->in.size;
    const uint8_t *bytes = (const uint8_t *)connection->progress->in.data;
    size_t whole = size < 16 ? 16 : 16 + (size_t)(bytes[14] << 8 | bytes[15]);
    if (result < 0)
        return STEP_CLOSES;
    char *room = buffer_reserve(&connection->progress->in, whole - size);
    ssize_t got = room ? recv(connection->stream.fd, room, whole - size, 0) : 0;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return STEP_WAITS;
    if (got <= 0)
        return STEP_CLOSES;
    connection->progress->in.size += (size_t)got;
    return STEP_GOES_ON;
}

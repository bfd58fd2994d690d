// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/client_state.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

/*
 * client_dial: from an origin's addresses to a connection that a request can be sent on.  Each
 * address is tried shortly, then the silent ones at length; TLS, if any, comes after.
 */

static bool bind_source(int fd, const struct client_pool *pool, int family)
{
    int one = 1;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    if (!pool->has_source || family != AF_INET)
        return true;
    memcpy(&v4.sin_addr, pool->source.bytes + 12, 4);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    return bind(fd, (const struct sockaddr *)&v4, sizeof v4) == 0;
}

/* The socket, connecting; -1 when it cannot even begin. */
static int connect_socket(const struct client_pool *pool, const struct client_address *address)
{
    int one = 1, bytes = pool->origin->limits.receive_buffer_bytes;
    int family = address->sockaddr.ss_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bytes > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (bind_source(fd, pool, family) &&
        (connect(fd, (const struct sockaddr *)&address->sockaddr, address->size) == 0 ||
         errno == EINPROGRESS))
        return fd;
    close(fd);
    return -1;
}

void client_dial_open(struct client_connection *connection, uint8_t address)
{
    const struct client_pool *pool = connection->pool;
    connection->address = address;
    connection->stream.fd = connect_socket(pool, &pool->origin->addresses[address]);
    connection->watch.fd = connection->stream.fd;
    connection->watch.wanted = LOOP_WRITE;
}

static void await_address(struct client_connection *connection)
{
    const struct client_limits *limits = client_limits_of(connection);
    bool is_only = connection->pool->origin->address_count <= 1;
    client_connection_wait(connection, is_only || connection->round > 0 || limits->attempt_ms == 0
                                           ? limits->connect_ms
                                           : limits->attempt_ms);
}

void client_dial_begin(struct client_connection *connection)
{
    int failed = connection->stream.fd < 0
                     ? -EADDRNOTAVAIL
                     : loop_watch_add(connection->client->loop, &connection->watch);
    if (!failed)
        await_address(connection);
    else if (connection->pool->origin->address_count > 1)
        client_connection_wait(connection, 0); /* as one that is silent: the next comes at once */
    else
        client_connection_fail_soon(connection, CLIENT_UNREACHABLE);
}

static bool is_connected(const struct client_connection *connection)
{
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(connection->stream.fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && !error;
}

/* False when no address is left: each is tried shortly, then the silent ones at length. */
static bool next_address(struct client_connection *connection)
{
    const struct client_origin *origin = connection->pool->origin;
    unsigned count = origin->address_count,
             first = origin->preferred < count ? origin->preferred : 0;
    for (unsigned tried = 0; tried < 2 * count; tried++) {
        connection->address = (uint8_t)((connection->address + 1u) % count);
        if (connection->address == first && ++connection->round > 1)
            return false;
        if (!(connection->refused >> connection->address & 1))
            return true;
    }
    return false;
}

void client_dial_elsewhere(struct client_connection *connection, enum client_outcome why)
{
    struct client_pool *pool = connection->pool;
    while (pool->origin->address_count > 1 && next_address(connection)) {
        loop_watch_remove(&connection->watch);
        stream_close(&connection->stream);
        client_dial_open(connection, connection->address);
        if (connection->stream.fd >= 0 &&
            loop_watch_add(connection->client->loop, &connection->watch) == 0) {
            await_address(connection);
            return;
        }
        connection->refused |= (uint8_t)(1u << connection->address);
    }
    client_connection_fail(connection, why);
}

static void after_connect(struct client_connection *connection)
{
    if (!is_connected(connection)) {
        connection->refused |= (uint8_t)(1u << connection->address);
        client_dial_elsewhere(connection, CLIENT_UNREACHABLE);
        return;
    }
    connection->pool->origin->preferred = connection->address;
    if (!connection->pool->origin->is_tls) {
        if (client_connection_send(connection) < 0)
            client_connection_fail(connection, CLIENT_RESET);
        return;
    }
    client_tls_begin(&connection->stream, connection->pool->origin);
    connection->step = CLIENT_HANDSHAKE;
    client_connection_wait(connection, client_limits_of(connection)->connect_ms);
}

static void shake_hands(struct client_connection *connection)
{
    int result = client_tls_handshake(&connection->stream);
    if (result == -EAGAIN) {
        loop_watch_set(&connection->watch,
                       connection->stream.wants_other_way ? LOOP_WRITE : LOOP_READ);
    } else if (result < 0) {
        client_tls_forget(connection->pool->origin);
        client_connection_fail(connection, CLIENT_NO_TLS);
    } else if (stream_chose_h2(&connection->stream)) {
        client_streams_start(connection);
    } else if (client_connection_send(connection) < 0) {
        client_connection_fail(connection, CLIENT_RESET);
    } else {
        connection->pool->origin->shares_connecting = false; /* it takes one call, as all will */
        client_pool_pump(connection->pool);
    }
}

void client_dial_go_on(struct client_connection *connection)
{
    if (connection->step == CLIENT_CONNECTING)
        after_connect(connection);
    else
        shake_hands(connection);
}

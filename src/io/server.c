// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/server.h"

#include "base/counters.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/dispatch.h"
#include "io/server_state.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPTS_PER_TURN = 64, PAUSE_US = 100 * 1000 };

struct server_config server_config_default(void)
{
    return (struct server_config){
        .limits =
            {
#define LIMIT(name, unit_type, default_value, help) .name = (default_value),
#include "io/server.def"
#undef LIMIT
            },
    };
}

static void parse_trusted(struct server *server)
{
    const struct server_config *config = &server->config;
    server->trusted =
        mem_realloc_array(NULL, config->trusted_proxy_count + 1, sizeof *server->trusted);
    for (size_t i = 0; i < config->trusted_proxy_count; i++) {
        bool is_block = address_block_parse(config->trusted_proxies[i], &server->trusted[i]);
        assert(is_block);
    }
}

struct server *server_new(struct loop *loop, const struct server_config *config)
{
    struct server *server = MEM_NEW(struct server);
    server->loop = loop;
    server->config = *config;
    server->date_s = INT64_MIN;
    /* all of a header, every byte written \xNN, and what is ours */
    buffer_init(&server->log_line, (size_t)config->limits.max_header_bytes * 4 + 1024);
    parse_trusted(server);
    connections_init(server);
    return server;
}

void server_route(struct server *server, const struct server_route *route)
{
    dispatch_add_route(server, route);
}

size_t server_loop_count(const struct server *server UNUSED) { return 1; }

struct loop *server_loop(const struct server *server, size_t index)
{
    assert(index == 0);
    return server->loop;
}

struct text server_date(struct server *server, int64_t unix_s)
{
    if (server->date_s != unix_s) {
        http_date_write(&server->date_text, unix_s);
        server->date_s = unix_s;
    }
    return text_of(server->date_text.digits);
}

bool server_trusts(const struct server *server, const struct address *address)
{
    for (size_t i = 0; i < server->config.trusted_proxy_count; i++)
        if (address_block_contains(&server->trusted[i], address))
            return true;
    return false;
}

/* --- accepting --- */

static struct address address_of(const struct sockaddr_storage *from, uint16_t *ret_port)
{
    struct address address =
        address_v4(INADDR_LOOPBACK); /* UNIX sockets: somebody on this machine */
    *ret_port = 0;
    if (from->ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, from, sizeof v4);
        address = address_v4(ntohl(v4.sin_addr.s_addr));
        *ret_port = ntohs(v4.sin_port);
    } else if (from->ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, from, sizeof v6);
        memcpy(address.bytes, v6.sin6_addr.s6_addr, sizeof address.bytes);
        *ret_port = ntohs(v6.sin6_port);
    }
    return address;
}

static void take_connection(struct listener *listener, int fd, const struct sockaddr_storage *from)
{
    struct server *server = listener->server;
    uint16_t port;
    struct address address = address_of(from, &port);
    counter_add(COUNTER_CONNECTIONS, 1);
    if (server->connection_count >= server->config.limits.max_connections) {
        counter_add(COUNTER_CONNECTIONS_REFUSED, 1);
        close(fd);
        return;
    }
    int on = 1; /* fails on UNIX sockets, where it is not needed */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    server->connection_count++;
    counter_add(COUNTER_CONNECTIONS_OPEN, 1);
    connection_accept(listener, fd, &address, port);
}

static void on_resume(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct listener *listener = CONTAINER_OF(timer, struct listener, pause);
    loop_watch_set(&listener->watch, LOOP_READ);
}

static void on_accept(struct loop_watch *watch, unsigned events UNUSED, uint64_t now_us)
{
    struct listener *listener = CONTAINER_OF(watch, struct listener, watch);
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage from = {0};
        socklen_t size = sizeof from;
        int fd = accept4(watch->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take_connection(listener, fd, &from);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            LOG(listener->server->config.logger, LOG_WARNING, "cannot accept",
                {"why", log_errno(errno)});
            loop_watch_set(watch, 0);
            loop_timer_start(listener->server->loop, &listener->pause, now_us + PAUSE_US);
        }
        return;
    }
}

int server_listen(struct server *server, int listening_fd, struct server_tls *tls)
{
    struct listener *listener = MEM_NEW(struct listener);
    listener->server = server;
    listener->tls = tls;
    listener->pause.on_timer = on_resume;
    listener->watch =
        (struct loop_watch){.on_events = on_accept, .fd = listening_fd, .wanted = LOOP_READ};
    int error = loop_watch_add(server->loop, &listener->watch);
    if (error) {
        close(listening_fd);
        mem_free(listener);
        return error;
    }
    listener->next = server->listeners;
    server->listeners = listener;
    return 0;
}

static void stop_listening(struct server *server)
{
    for (struct listener *listener = server->listeners; listener; listener = listener->next) {
        loop_timer_stop(&listener->pause);
        loop_watch_remove(&listener->watch);
        if (listener->watch.fd >= 0)
            close(listener->watch.fd);
        listener->watch.fd = -1;
    }
}

/* --- ending --- */

static void on_grace_over(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct server *server = CONTAINER_OF(timer, struct server, grace);
    for (struct connection *connection = server->connections, *next; connection;
         connection = next) {
        next = connection_next(connection);
        connection_abort(connection);
    }
    if (server->on_drained) {
        void (*done)(void *) = server->on_drained;
        server->on_drained = NULL;
        done(server->drained_context); /* may free the server: the last step */
    }
}

void server_connection_gone(struct server *server)
{
    server->connection_count--;
    counter_add(COUNTER_CONNECTIONS_OPEN, -1);
    if (server->is_draining && server->connection_count == 0 && server->on_drained)
        loop_timer_start(server->loop, &server->grace, loop_now_us(server->loop));
}

void server_drain(struct server *server, uint64_t grace_us, void (*done)(void *context),
                  void *context)
{
    stop_listening(server);
    server->is_draining = true;
    server->on_drained = done;
    server->drained_context = context;
    server->grace.on_timer = on_grace_over;
    uint64_t now_us = loop_now_us(server->loop);
    loop_timer_start(server->loop, &server->grace, now_us + (server->connections ? grace_us : 0));
    for (struct connection *connection = server->connections, *next; connection;
         connection = next) {
        next = connection_next(connection);
        connection_drain(connection);
    }
}

/* Handlers may still hold exchanges: those live on, alone, until they are finished. */
static void orphan_exchanges(struct server *server)
{
    for (struct exchange *exchange = server->live; exchange; exchange = exchange->next)
        exchange->server = NULL;
    for (struct exchange *exchange = server->spare, *next; exchange; exchange = next) {
        next = exchange->next;
        exchange->server = NULL;
        exchange_drop(exchange);
    }
}

void server_free(struct server **server_at)
{
    struct server *server = *server_at;
    if (!server)
        return;
    stop_listening(server);
    server->on_drained = NULL;
    while (server->connections)
        connection_abort(server->connections);
    connections_release(server);
    loop_timer_stop(&server->grace);
    orphan_exchanges(server);
    for (struct listener *listener = server->listeners, *next; listener; listener = next) {
        next = listener->next;
        mem_free(listener);
    }
    buffer_release(&server->log_line);
    mem_free(server->routes);
    mem_free(server->trusted);
    mem_free_p(server_at);
}

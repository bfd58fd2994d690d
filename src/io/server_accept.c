// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/handover_message.h"
#include "io/server_state.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * server_accept: listening sockets, and which loop a new connection lives on.
 *
 * Every loop watches the same descriptor and the kernel wakes one that sleeps, so no queue of
 * connections depends on one loop.  It wakes the same one again and again while that has little to
 * do: a loop that holds clearly more connections than another gives what it accepts to that one.
 */
enum { ACCEPTS_PER_TURN = 8, PAUSE_US = 100 * 1000, UNEVEN_BY = 4 };

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

/* --- where it shall live --- */

/* The loop for one more connection: our own, unless we hold an eighth more than a fair share and
 * another holds less.  NULL when the server is full. */
static struct server *choose_loop(struct server *server)
{
    const struct server *home = server->home;
    struct server *least = server;
    unsigned own = atomic_load(&server->connection_count), fewest = own, total = 0;
    unsigned count = loop_group_count(home->group);
    assert(count > 0);
    for (unsigned i = 0; i < count; i++) {
        unsigned held = atomic_load_explicit(&home->all[i]->connection_count, memory_order_relaxed);
        total += held;
        if (held < fewest) {
            fewest = held;
            least = home->all[i];
        }
    }
    if (total >= server->config.limits.max_connections && guard_is_on(GUARD_CONNECTIONS))
        return NULL;
    return own > fewest + UNEVEN_BY + total / count / 8 ? least : server;
}

/* An accepted socket on its way to another loop. */
struct arrival {
    struct listener *listener; /* of the loop it goes to */
    int fd;
    uint16_t port;
    struct address address;
    struct handover_message *past; /* owned; NULL: it is new */
};

static void arrive(const struct arrival *arrival)
{
    struct server *server = arrival->listener->server;
    bool is_ending = server->is_draining && !handover_moves_connections(server);
    if (is_ending || server->is_shut) {
        close(arrival->fd);
        server_connection_gone(server);
    } else if (arrival->past) {
        connection_adopt(arrival->listener, arrival->fd, arrival->past);
    } else {
        connection_accept(arrival->listener, arrival->fd, &arrival->address, arrival->port);
    }
    if (server->is_draining && !is_ending && !server->is_shut)
        handover_turn(server); /* it came just before we gave way */
}

static void on_arrival(void *context)
{
    struct arrival *arrival = context;
    arrive(arrival);
    if (arrival->past)
        mem_free((void *)(uintptr_t)arrival->past->bytes.data);
    mem_free(arrival->past);
    mem_free(arrival);
}

/* To the loop where it shall live; `arrival` is without its listener. */
static void send_arrival(struct listener *listener, struct arrival *arrival)
{
    struct server *chosen = choose_loop(listener->server);
    counter_add(COUNTER_CONNECTIONS, 1);
    if (!chosen && connections_make_way(listener->server))
        chosen = choose_loop(listener->server);
    if (!chosen) {
        counter_add(COUNTER_CONNECTIONS_REFUSED, 1);
        close(arrival->fd);
        return;
    }
    atomic_fetch_add(&chosen->connection_count, 1);
    counter_add(COUNTER_CONNECTIONS_OPEN, 1);
    arrival->listener = &listener->socket->listeners[chosen->index];
    if (chosen == listener->server) {
        arrive(arrival);
        return;
    }
    struct arrival *sent = mem_dup(arrival, sizeof *arrival);
    if (arrival->past) {
        sent->past = mem_dup(arrival->past, sizeof *arrival->past);
        sent->past->bytes = text_make(mem_dup(arrival->past->bytes.data, arrival->past->bytes.size),
                                      arrival->past->bytes.size);
    }
    loop_post(chosen->loop, on_arrival, sent);
}

static void take_connection(struct listener *listener, int fd, const struct sockaddr_storage *from)
{
    struct arrival arrival = {.fd = fd};
    int on = 1; /* fails on UNIX sockets, where it is not needed */
    arrival.address = address_of(from, &arrival.port);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    send_arrival(listener, &arrival);
}

/* --- from a predecessor --- */

static uint16_t local_port(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    uint16_t port;
    if (getsockname(fd, (struct sockaddr *)&address, &size) == 0)
        (void)address_of(&address, &port);
    else
        port = 0;
    return port;
}

/* The socket that would have accepted it, or the first one. */
void server_take_over(struct server *home, const struct handover_message *past, int fd)
{
    struct server_socket *chosen = home->sockets;
    for (struct server_socket *socket = home->sockets; socket; socket = socket->next)
        if (local_port(socket->fd) == local_port(fd))
            chosen = socket;
    if (!chosen || home->is_draining) {
        close(fd);
        return;
    }
    struct handover_message copy = *past;
    struct arrival arrival = {
        .fd = fd, .port = past->port, .address = past->address, .past = &copy};
    counter_add(COUNTER_CONNECTIONS_ADOPTED, 1);
    send_arrival(&chosen->listeners[0], &arrival);
}

/* --- accepting --- */

/* An exclusive watch cannot be changed, only given up and taken again. */
static void pause_listening(struct listener *listener, uint64_t now_us, int why)
{
    LOG(listener->server->config.logger, LOG_WARNING, "cannot accept", {"why", log_errno(why)});
    loop_watch_remove(&listener->watch);
    loop_timer_start(listener->server->loop, &listener->pause, now_us + PAUSE_US);
}

static void on_resume(struct loop_timer *timer, uint64_t now_us)
{
    struct listener *listener = CONTAINER_OF(timer, struct listener, pause);
    int error = loop_watch_add(listener->server->loop, &listener->watch);
    if (error)
        pause_listening(listener, now_us, error);
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
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_listening(listener, now_us, errno);
        return;
    }
}

/* --- sockets --- */

static void let_go(struct server_socket *socket)
{
    if (atomic_fetch_sub(&socket->watchers, 1) == 1)
        close(socket->fd);
}

static void on_open(void *context)
{
    struct listener *listener = context;
    listener->is_open = true;
    on_resume(&listener->pause, loop_now_us(listener->server->loop));
}

int server_listen(struct server *server, int listening_fd, struct server_tls *tls)
{
    unsigned count = loop_group_count(server->group);
    struct server_socket *socket = mem_zalloc(sizeof *socket + count * sizeof socket->listeners[0]);
    socket->fd = listening_fd;
    socket->watchers = count;
    for (unsigned i = 0; i < count; i++) {
        struct listener *listener = &socket->listeners[i];
        listener->server = server->all[i];
        listener->socket = socket;
        listener->tls = tls;
        listener->pause.on_timer = on_resume;
        listener->watch = (struct loop_watch){
            .on_events = on_accept, .fd = listening_fd, .wanted = LOOP_READ | LOOP_EXCLUSIVE};
    }
    int error = loop_watch_add(server->loop, &socket->listeners[0].watch);
    if (error) {
        close(listening_fd);
        mem_free(socket);
        return error;
    }
    socket->listeners[0].is_open = true;
    socket->next = server->sockets;
    server->sockets = socket;
    for (unsigned i = 1; i < count; i++)
        loop_post(server->all[i]->loop, on_open, &socket->listeners[i]);
    return 0;
}

void server_stop_accepting(struct server *server)
{
    for (struct server_socket *socket = server->home->sockets; socket; socket = socket->next) {
        struct listener *listener = &socket->listeners[server->index];
        if (!listener->is_open)
            continue;
        listener->is_open = false;
        loop_timer_stop(&listener->pause);
        loop_watch_remove(&listener->watch);
        let_go(socket);
    }
}

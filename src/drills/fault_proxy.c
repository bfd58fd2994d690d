// SPDX-License-Identifier: GPL-3.0-or-later
/*
 *              sides[0]                        sides[1]
 *   listener ◀──────────▶ struct connection ◀──────────▶ server
 *              lines[UP]:   read from side 0, written to side 1
 *              lines[DOWN]: read from side 1, written to side 0
 */
#include "drills/fault_proxy.h"

#include "base/mem.h"
#include "drills/fault_line.h"
#include "io/loop.h"
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { UP, DOWN, WAYS };

struct connection {
    struct fault_proxy *proxy;
    struct connection *next, **link; /* of the proxy's list */
    struct side {
        struct loop_watch watch;
        struct connection *connection;
        bool is_connecting, has_ended; /* ended: nothing more comes from it */
        bool is_told;                  /* the end of the other side was passed on */
    } sides[2];
    struct fault_line lines[WAYS];
    struct loop_timer timer;
    unsigned luck;
};

struct fault_proxy {
    struct loop *loop;
    pthread_t thread;
    struct loop_watch listener;
    uint16_t port, server_port;
    uint64_t random;
    struct connection *connections;
    struct scenario_fault active[SCENARIO_MAX_FAULTS];
    size_t active_count;
    char scratch[FAULT_LINE_BYTES];
    pthread_mutex_t lock; /* figures only */
    struct fault_proxy_figures figures;
};

/* --- figures --- */

static void count(struct fault_proxy *proxy, uint64_t *figure, uint64_t more)
{
    pthread_mutex_lock(&proxy->lock);
    *figure += more;
    pthread_mutex_unlock(&proxy->lock);
}

/* --- a connection's end --- */

static void close_side(struct side *side, bool is_reset)
{
    static const struct linger at_once = {.l_onoff = 1};
    loop_watch_remove(&side->watch);
    if (is_reset)
        (void)setsockopt(side->watch.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)close(side->watch.fd);
}

static void connection_free(struct connection *connection, bool is_reset)
{
    struct fault_proxy *proxy = connection->proxy;
    loop_timer_stop(&connection->timer);
    for (unsigned i = 0; i < 2; i++) {
        close_side(&connection->sides[i], is_reset);
        count(proxy, &proxy->figures.hits[FAULT_CORRUPT], connection->lines[i].spoilt);
        fault_line_release(&connection->lines[i]);
    }
    *connection->link = connection->next;
    if (connection->next)
        connection->next->link = connection->link;
    pthread_mutex_lock(&proxy->lock);
    proxy->figures.connections_now--;
    pthread_mutex_unlock(&proxy->lock);
    mem_free(connection);
}

/* --- bytes --- */

enum pumped { PUMP_ON, PUMP_CLOSE, PUMP_RESET };

static enum pumped fill(struct connection *connection, unsigned way, uint64_t now_us)
{
    struct side *from = &connection->sides[way == UP ? 0 : 1];
    struct fault_line *line = &connection->lines[way];
    struct fault_proxy *proxy = connection->proxy;
    size_t room;
    while (!from->has_ended && !from->is_connecting && (room = fault_line_room(line)) > 0) {
        ssize_t got = recv(from->watch.fd, proxy->scratch,
                           room < sizeof proxy->scratch ? room : sizeof proxy->scratch, 0);
        if (got > 0)
            fault_line_push(line, proxy->scratch, (size_t)got, now_us);
        else if (got == 0)
            from->has_ended = true;
        else if (errno == EAGAIN || errno == EINTR)
            break;
        else
            return PUMP_RESET;
    }
    return PUMP_ON;
}

static enum pumped drain(struct connection *connection, unsigned way, uint64_t now_us)
{
    struct side *to = &connection->sides[way == UP ? 1 : 0];
    struct side *from = &connection->sides[way == UP ? 0 : 1];
    struct fault_line *line = &connection->lines[way];
    struct fault_proxy *proxy = connection->proxy;
    struct text due;
    while (!to->is_connecting && (due = fault_line_due(line, now_us)).size > 0) {
        ssize_t sent = send(to->watch.fd, due.data, due.size, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR ? PUMP_ON : PUMP_RESET;
        fault_line_take(line, (size_t)sent);
        count(proxy, way == UP ? &proxy->figures.bytes_up : &proxy->figures.bytes_down,
              (uint64_t)sent);
    }
    enum fault_line_end end = fault_line_end(line, now_us);
    if (end != FAULT_LINE_OPEN)
        return end == FAULT_LINE_RESET ? PUMP_RESET : PUMP_CLOSE;
    if (from->has_ended && line->size == 0 && !to->is_connecting && !to->is_told) {
        to->is_told = true;
        (void)shutdown(to->watch.fd, SHUT_WR);
    }
    return PUMP_ON;
}

static unsigned wanted(const struct connection *connection, unsigned at, uint64_t now_us)
{
    const struct side *side = &connection->sides[at];
    const struct fault_line *out = &connection->lines[at == 0 ? DOWN : UP];
    const struct fault_line *in = &connection->lines[at == 0 ? UP : DOWN];
    unsigned events = 0;
    if (side->is_connecting || fault_line_due(out, now_us).size > 0)
        events |= LOOP_WRITE;
    if (!side->has_ended && !side->is_connecting && fault_line_room(in) > 0)
        events |= LOOP_READ;
    return events;
}

/* Moves what can be moved, then waits for sockets or for time.  May free the connection. */
static void pump(struct connection *connection, uint64_t now_us)
{
    enum pumped done = PUMP_ON;
    uint64_t next_us = UINT64_MAX;
    for (unsigned way = 0; way < WAYS && done == PUMP_ON; way++) {
        done = fill(connection, way, now_us);
        if (done == PUMP_ON)
            done = drain(connection, way, now_us);
        /* nobody calls us for a side that hung up: what it left is taken as room comes */
        if (done == PUMP_ON && !connection->sides[way == UP ? 0 : 1].watch._loop)
            done = fill(connection, way, now_us);
    }
    if (done == PUMP_ON && connection->sides[0].is_told && connection->sides[1].is_told)
        done = PUMP_CLOSE;
    if (done != PUMP_ON) {
        connection_free(connection, done == PUMP_RESET);
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        uint64_t line_us = fault_line_next_us(&connection->lines[i]);
        if (line_us > now_us && line_us < next_us)
            next_us = line_us;
        if (connection->sides[i].watch._loop)
            loop_watch_set(&connection->sides[i].watch, wanted(connection, i, now_us));
    }
    if (next_us != UINT64_MAX)
        loop_timer_start(connection->proxy->loop, &connection->timer, next_us);
    else
        loop_timer_stop(&connection->timer);
}

static void on_due(struct loop_timer *timer, uint64_t now_us)
{
    pump(CONTAINER_OF(timer, struct connection, timer), now_us);
}

static void on_side(struct loop_watch *watch, unsigned events, uint64_t now_us)
{
    struct side *side = CONTAINER_OF(watch, struct side, watch);
    struct connection *connection = side->connection;
    int error = 0;
    socklen_t size = sizeof error;
    if (side->is_connecting) {
        (void)getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) {
            count(connection->proxy, &connection->proxy->figures.refused_for_good, 1);
            connection_free(connection, true);
            return;
        }
        side->is_connecting = false;
    }
    if (events & LOOP_HANGUP) /* comes again each turn: what is left is read when there is room */
        loop_watch_remove(watch);
    pump(connection, now_us);
}

/* --- faults --- */

static bool touches(const struct scenario_fault *fault, unsigned way)
{
    return fault->direction == FAULT_BOTH || (fault->direction == FAULT_UP) == (way == UP);
}

static void suffer(struct connection *connection, uint64_t now_us)
{
    struct fault_proxy *proxy = connection->proxy;
    for (unsigned way = 0; way < WAYS; way++) {
        struct fault_toxics toxics = {0};
        for (size_t i = 0; i < proxy->active_count; i++)
            if (connection->luck < proxy->active[i].share_percent &&
                touches(&proxy->active[i], way))
                fault_toxics_add(&toxics, &proxy->active[i]);
        fault_line_set(&connection->lines[way], &toxics, now_us);
    }
    pump(connection, now_us);
}

static void count_hit(struct connection *connection, const struct scenario_fault *fault)
{
    struct fault_proxy *proxy = connection->proxy;
    if (connection->luck < fault->share_percent && fault->kind != FAULT_CORRUPT)
        count(proxy, &proxy->figures.hits[fault->kind], 1);
}

static void suffer_all(struct fault_proxy *proxy)
{
    struct connection *next;
    for (struct connection *each = proxy->connections; each; each = next) {
        next = each->next;
        suffer(each, loop_now_us(proxy->loop));
    }
}

struct order {
    struct fault_proxy *proxy;
    struct scenario_fault fault;
};

static void begin(void *context)
{
    struct order *order = context;
    struct fault_proxy *proxy = order->proxy;
    if (proxy->active_count < SCENARIO_MAX_FAULTS) {
        proxy->active[proxy->active_count++] = order->fault;
        for (struct connection *each = proxy->connections; each; each = each->next)
            count_hit(each, &order->fault);
        suffer_all(proxy);
    }
    mem_free(order);
}

static bool is_same(const struct scenario_fault *a, const struct scenario_fault *b)
{
    return a->kind == b->kind && a->at_s == b->at_s && a->until_s == b->until_s &&
           a->direction == b->direction;
}

static void end(void *context)
{
    struct order *order = context;
    struct fault_proxy *proxy = order->proxy;
    for (size_t i = 0; i < proxy->active_count; i++)
        if (is_same(&proxy->active[i], &order->fault)) {
            proxy->active[i] = proxy->active[--proxy->active_count];
            break;
        }
    suffer_all(proxy);
    mem_free(order);
}

static void post(struct fault_proxy *proxy, loop_call *call, const struct scenario_fault *fault)
{
    struct order *order = MEM_NEW(struct order);
    *order = (struct order){proxy, *fault};
    loop_post(proxy->loop, call, order);
}

void fault_proxy_begin(struct fault_proxy *proxy, const struct scenario_fault *fault)
{
    post(proxy, begin, fault);
}

void fault_proxy_end(struct fault_proxy *proxy, const struct scenario_fault *fault)
{
    post(proxy, end, fault);
}

/* --- accepting --- */

static unsigned draw_luck(struct fault_proxy *proxy)
{
    uint64_t z = proxy->random += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    return (unsigned)((z ^ (z >> 31)) % 100);
}

static bool is_refused(const struct fault_proxy *proxy, unsigned luck)
{
    for (size_t i = 0; i < proxy->active_count; i++)
        if (proxy->active[i].kind == FAULT_REFUSE && luck < proxy->active[i].share_percent)
            return true;
    return false;
}

static int connect_server(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0 &&
        errno != EINPROGRESS) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static void refuse(int fd)
{
    static const struct linger at_once = {.l_onoff = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)close(fd);
}

static void enter(struct fault_proxy *proxy, const int fds[2], unsigned luck, uint64_t now_us)
{
    struct connection *connection = MEM_NEW(struct connection);
    connection->proxy = proxy;
    connection->luck = luck;
    connection->timer.on_timer = on_due;
    connection->next = proxy->connections;
    connection->link = &proxy->connections;
    if (connection->next)
        connection->next->link = &connection->next;
    proxy->connections = connection;
    pthread_mutex_lock(&proxy->lock);
    proxy->figures.connections++;
    proxy->figures.connections_now++;
    pthread_mutex_unlock(&proxy->lock);
    for (unsigned i = 0; i < 2; i++) {
        struct side *side = &connection->sides[i];
        side->connection = connection;
        side->is_connecting = i == 1;
        side->watch = (struct loop_watch){
            .on_events = on_side, .fd = fds[i], .wanted = i == 1 ? LOOP_WRITE : LOOP_READ};
        fault_line_init(&connection->lines[i], proxy->random ^ i, now_us);
        int error = loop_watch_add(proxy->loop, &side->watch);
        assert(error == 0);
    }
    for (size_t i = 0; i < proxy->active_count; i++)
        count_hit(connection, &proxy->active[i]);
    suffer(connection, now_us);
}

static void on_accept(struct loop_watch *watch, unsigned events UNUSED, uint64_t now_us)
{
    struct fault_proxy *proxy = CONTAINER_OF(watch, struct fault_proxy, listener);
    int fds[2];
    while ((fds[0] = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        unsigned luck = draw_luck(proxy);
        bool is_full = proxy->figures.connections_now >= FAULT_PROXY_MAX_CONNECTIONS;
        bool is_hit = is_refused(proxy, luck);
        fds[1] = is_full || is_hit ? -1 : connect_server(proxy->server_port);
        if (fds[1] >= 0) {
            enter(proxy, fds, luck, now_us);
            continue;
        }
        count(proxy, is_hit ? &proxy->figures.hits[FAULT_REFUSE] : &proxy->figures.refused_for_good,
              1);
        refuse(fds[0]);
    }
}

/* --- life --- */

static void *run(void *context)
{
    struct fault_proxy *proxy = context;
    loop_run(proxy->loop);
    while (proxy->connections)
        connection_free(proxy->connections, true);
    loop_watch_remove(&proxy->listener);
    return NULL;
}

static int listen_anywhere(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 &&
        (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 8192) != 0 ||
         getsockname(fd, (struct sockaddr *)&address, &size) != 0)) {
        (void)close(fd);
        return -1;
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}

struct fault_proxy *fault_proxy_start(uint16_t server_port, uint64_t seed)
{
    uint16_t port = 0;
    int fd = listen_anywhere(&port);
    if (fd < 0)
        return NULL;
    struct fault_proxy *proxy = MEM_NEW(struct fault_proxy);
    proxy->loop = loop_new();
    proxy->port = port;
    proxy->server_port = server_port;
    proxy->random = seed;
    proxy->listener = (struct loop_watch){.on_events = on_accept, .fd = fd, .wanted = LOOP_READ};
    pthread_mutex_init(&proxy->lock, NULL);
    int error = loop_watch_add(proxy->loop, &proxy->listener);
    if (error == 0)
        error = -pthread_create(&proxy->thread, NULL, run, proxy);
    if (error == 0)
        return proxy;
    loop_watch_remove(&proxy->listener);
    (void)close(fd);
    loop_free(&proxy->loop);
    pthread_mutex_destroy(&proxy->lock);
    mem_free(proxy);
    errno = -error;
    return NULL;
}

uint16_t fault_proxy_port(const struct fault_proxy *proxy) { return proxy->port; }

void fault_proxy_figures(struct fault_proxy *proxy, struct fault_proxy_figures *ret)
{
    pthread_mutex_lock(&proxy->lock);
    *ret = proxy->figures;
    pthread_mutex_unlock(&proxy->lock);
}

void fault_proxy_stop(struct fault_proxy **proxy)
{
    if (!*proxy)
        return;
    loop_stop((*proxy)->loop);
    (void)pthread_join((*proxy)->thread, NULL);
    (void)close((*proxy)->listener.fd);
    loop_free(&(*proxy)->loop);
    pthread_mutex_destroy(&(*proxy)->lock);
    mem_free_p(proxy);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/server.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/dispatch.h"
#include "io/h2.h"
#include "io/neighbours.h"
#include "io/server_state.h"

#include <assert.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* server: its life, and its end: drain and close on every loop.  Accepting is server_accept.c. */

enum {
    CROWD_SPARE = 4096, /* loops that accept at the same moment may pass max_connections */
    DISK_READERS_MAX = 256,
    DISK_QUEUE = 4096, /* parts of files that wait for a thread; then loops read themselves */
};

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

static unsigned loops_wanted(const struct server_config *config)
{
    unsigned wanted = config->limits.loops;
    return wanted == 0               ? loop_group_processors()
           : wanted < LOOP_GROUP_MAX ? wanted
                                     : LOOP_GROUP_MAX;
}

static unsigned disk_readers(const struct server_config *config)
{
    unsigned wanted = config->limits.disk_readers;
    return wanted < DISK_READERS_MAX ? wanted : DISK_READERS_MAX;
}

/* One loop's share; before its loop is told of anything. */
static void init_share(struct server *server, struct server *home, unsigned index)
{
    server->home = home;
    server->index = index;
    server->loop = loop_group_at(home->group, index);
    server->config = home->config;
    server->trusted = home->trusted;
    server->date_s = INT64_MIN;
    server->forwarded =
        crowd_new(home->config.limits.max_connections_per_address, SERVER_FORWARDED_MAX);
    access_log_init(server);
    connections_init(server);
}

static void on_all_drained(struct loop_watch *watch, unsigned events, uint64_t now_us);

struct server *server_new(struct loop *loop, const struct server_config *config)
{
    struct server *server = MEM_NEW(struct server);
    unsigned count = loops_wanted(config);
    server->config = *config;
    server->neighbours = neighbours_new();
    parse_trusted(server);
    server->crowd = crowd_new(config->limits.max_connections_per_address,
                              (size_t)config->limits.max_connections + CROWD_SPARE);
    if (config->limits.disk_readers > 0)
        server->disk = workers_start("disk", disk_readers(config), DISK_QUEUE);
    server->group = loop_group_start(loop, count);
    server->all = mem_realloc_array(NULL, count, sizeof *server->all);
    server->all[0] = server;
    for (unsigned i = 1; i < count; i++)
        server->all[i] = MEM_NEW(struct server);
    for (unsigned i = 0; i < count; i++)
        init_share(server->all[i], server, i);
    server->all_drained = (struct loop_watch){.on_events = on_all_drained,
                                              .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                                              .wanted = LOOP_READ};
    int failed = loop_watch_add(loop, &server->all_drained);
    assert(!failed);
    return server;
}

void server_route(struct server *server, const struct server_route *route)
{
    assert(!server->sockets);
    dispatch_add_route(server, route);
}

void server_at_loop_end(struct server *server, server_loop_end *call, void *context)
{
    assert(!server->sockets && server->loop_end_count < SERVER_LOOP_ENDS);
    server->at_loop_end[server->loop_end_count].call = call;
    server->at_loop_end[server->loop_end_count++].context = context;
}

size_t server_loop_count(const struct server *server) { return loop_group_count(server->group); }

struct loop *server_loop(const struct server *server, size_t index)
{
    return loop_group_at(server->group, (unsigned)index);
}

static void give_sign(void *context)
{
    struct server *server = context;
    atomic_store(&server->owes_sign, false);
}

bool server_is_lively(struct server *server)
{
    bool is_lively = true;
    for (unsigned i = 1; i < loop_group_count(server->group); i++) {
        struct server *asked = server->all[i];
        if (loop_is_asleep(asked->loop))
            continue;
        if (atomic_exchange(&asked->owes_sign, true))
            is_lively = false;
        else
            loop_post(asked->loop, give_sign, asked);
    }
    return is_lively;
}

struct text server_date(struct server *server, int64_t unix_s)
{
    if (server->date_s != unix_s) {
        http_date_write(&server->date_text, unix_s);
        server->date_s = unix_s;
    }
    return text_make(server->date_text.digits, HTTP_DATE_BYTES);
}

bool server_trusts(const struct server *server, const struct address *address)
{
    for (size_t i = 0; i < server->config.trusted_proxy_count; i++)
        if (address_block_contains(&server->trusted[i], address))
            return true;
    return false;
}

struct http_limits server_header_limits(const struct server *server)
{
    const struct server_limits *limits = &server->config.limits;
    const size_t none = SIZE_MAX / 2;
    return (struct http_limits){
        .max_header_bytes = guard_is_on(GUARD_HEADER_BYTES) ? limits->max_header_bytes : none,
        .max_fields = guard_is_on(GUARD_HEADER_FIELDS) ? limits->max_header_fields : none,
        .max_target_bytes = guard_is_on(GUARD_TARGET_BYTES) ? limits->max_target_bytes : none,
        .takes_any_method = server->config.takes_any_method,
    };
}

/* --- on every loop --- */

void server_on_each_loop(struct server *home, loop_call *call)
{
    for (unsigned i = 1; i < loop_group_count(home->group); i++)
        loop_post(home->all[i]->loop, call, home->all[i]);
    call(home);
}

static void abort_connections(void *context)
{
    struct server *server = context;
    while (server->connections)
        connection_abort(server->connections);
    h2_abort_all(server);
}

/* --- draining --- */

/* The last loop without a connection rings the home loop, which waits for a successor to know of
 * the predecessors. */
void server_look_if_drained(struct server *server)
{
    struct server *home = server->home;
    if (!server->is_draining || server->is_drained || atomic_load(&server->connection_count) > 0 ||
        (server->giving_way && server->adopting))
        return;
    server->is_drained = true;
    access_log_flush(server);
    if (atomic_fetch_add(&home->drained_count, 1) + 1 == loop_group_count(home->group)) {
        uint64_t one = 1;
        ssize_t put = write(home->all_drained.fd, &one, sizeof one);
        assert(put == sizeof one);
    }
}

void server_connection_gone(struct server *server)
{
    atomic_fetch_sub(&server->connection_count, 1);
    counter_add(COUNTER_CONNECTIONS_OPEN, -1);
    server_look_if_drained(server);
}

static void drain_loop(void *context)
{
    struct server *server = context;
    server_stop_accepting(server);
    server->is_draining = true;
    for (struct connection *connection = server->connections, *next; connection;
         connection = next) {
        next = connection_next(connection);
        connection_drain(connection);
    }
    h2_drain_all(server);
    server_look_if_drained(server);
}

/* May free the server: the last step. */
static void tell_drained(struct server *server)
{
    void (*done)(void *) = server->on_drained;
    loop_timer_stop(&server->grace);
    server->on_drained = NULL;
    if (done)
        done(server->drained_context);
}

static void on_all_drained(struct loop_watch *watch, unsigned events UNUSED, uint64_t now_us UNUSED)
{
    uint64_t count;
    ssize_t got = read(watch->fd, &count, sizeof count);
    assert(got == sizeof count);
    tell_drained(CONTAINER_OF(watch, struct server, all_drained));
}

static void on_grace_over(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct server *server = CONTAINER_OF(timer, struct server, grace);
    handover_stop_adopting(server);
    server_look_if_drained(server);
    if (atomic_load(&server->drained_count) == loop_group_count(server->group))
        tell_drained(server);
    else
        server_on_each_loop(server, abort_connections);
}

void server_drain(struct server *server, uint64_t grace_us, void (*done)(void *context),
                  void *context)
{
    server->on_drained = done;
    server->drained_context = context;
    server->grace.on_timer = on_grace_over;
    loop_timer_start(server->loop, &server->grace, loop_now_us(server->loop) + grace_us);
    server_on_each_loop(server, drain_loop);
}

/* --- closing --- */

static void shut_loop(void *context)
{
    struct server *server = context;
    server->is_shut = true;
    server_stop_accepting(server);
    handover_stop(server);
    abort_connections(server);
    connections_release(server);
    h2_shared_free(&server->h2);
    page_pipe_close(&server->page_pipe);
    loop_timer_stop(&server->log.timer);
    const struct server *home = server->home;
    for (size_t i = 0; i < home->loop_end_count; i++)
        home->at_loop_end[i].call(home->at_loop_end[i].context, server->index);
}

static void free_share(struct server *server)
{
    access_log_release(server);
    handover_release(server);
    crowd_free(&server->forwarded);
    mem_free(server);
}

void server_free(struct server **server_at)
{
    struct server *server = *server_at;
    if (!server)
        return;
    unsigned count = loop_group_count(server->group);
    server->on_drained = NULL;
    loop_timer_stop(&server->grace);
    server_on_each_loop(server, shut_loop);
    workers_finish(server->disk); /* while there are loops to hear of it */
    loop_group_stop(&server->group);
    access_log_forget_flush(server);
    loop_watch_remove(&server->all_drained);
    close(server->all_drained.fd);
    for (unsigned i = 0; i < count; i++)
        exchanges_orphan(server->all[i]);
    for (struct server_socket *socket = server->sockets, *next; socket; socket = next) {
        next = socket->next;
        mem_free(socket);
    }
    mem_free(server->routes);
    mem_free(server->trusted);
    crowd_free(&server->crowd);
    neighbours_free(&server->neighbours);
    workers_stop(&server->disk);
    for (unsigned i = 1; i < count; i++)
        free_share(server->all[i]);
    mem_free(server->all);
    free_share(server);
    *server_at = NULL;
}

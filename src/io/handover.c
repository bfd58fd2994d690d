// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/handover.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/loop_group.h"
#include "io/handover_message.h"
#include "io/server_state.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

/*
 * Each loop gives way by itself: it looks every other millisecond while there is something to wait
 * for, and again whenever a connection becomes idle, so no step of a connection has to know how far
 * it has come.  The home loop sees that all are quiet, calls on_quiet(), and lets all move what
 * they have.  One message is one sendmsg(), so the loops share the channel without a lock.
 */
enum { TURN_US = 2000, ADOPTIONS_PER_TURN = 64, MAX_PREDECESSORS = 16 };

struct giving_way {
    struct server *server;
    struct server_handover to;
    struct loop_timer turn;
    uint64_t quiet_at_us; /* at the latest */
    bool is_quiet;        /* this loop */
    /* --- the home loop's alone --- */
    atomic_uint quiet_loops;
    atomic_bool is_free;
};

static bool pass_on(struct giving_way *giving);
static void pause_adopting(struct server *server);

/* --- giving way --- */

static bool is_quiet(const struct server *server)
{
    for (const struct exchange *at = server->live; at; at = at->next)
        if (at->step != EXCHANGE_ANSWERING || exchange_has_events(at))
            return false;
    for (const struct connection *at = server->connections; at; at = connection_next(at))
        if (!connection_needs_no_handler(at))
            return false;
    return true;
}

static void abort_busy(struct server *server)
{
    for (struct connection *at = server->connections, *next; at; at = next) {
        next = connection_next(at);
        if (!connection_needs_no_handler(at))
            connection_abort(at);
    }
}

/* False when the channel has no room: the rest goes on a later turn. */
static bool move_all(struct giving_way *giving)
{
    for (struct connection *at = giving->server->connections, *next; at; at = next) {
        next = connection_next(at);
        if (!connection_can_move(at))
            continue;
        struct handover_message message = connection_describe(at);
        int error = handover_send(giving->to.channel, &message, connection_fd(at));
        if (error == -EAGAIN)
            return false;
        if (error == 0)
            counter_add(COUNTER_CONNECTIONS_HANDED_OVER, 1);
        connection_abort(at); /* our descriptor of it: the successor has its own */
    }
    return true;
}

/* The first message on an empty channel finds room, or nobody: then moving fails, too, and closes
 * the connections. */
void server_handed_over(struct server *server)
{
    const struct handover_message is_free = {.kind = HANDOVER_FREE};
    struct giving_way *home = server->giving_way;
    if (home->to.channel >= 0 && handover_send(home->to.channel, &is_free, -1) != 0)
        LOG_EVENT(server->config.logger, LOG_WARNING, "the successor is gone");
    atomic_store(&home->is_free, true);
}

static void on_turn(struct loop_timer *timer, uint64_t now_us)
{
    struct giving_way *giving = CONTAINER_OF(timer, struct giving_way, turn);
    struct server *server = giving->server;
    struct giving_way *home = server->home->giving_way;
    if (!giving->is_quiet && (is_quiet(server) || now_us >= giving->quiet_at_us)) {
        giving->is_quiet = true;
        abort_busy(server);
        atomic_fetch_add(&home->quiet_loops, 1);
    }
    if (giving == home && home->to.on_quiet &&
        atomic_load(&home->quiet_loops) == loop_group_count(server->group)) {
        void (*on_quiet)(void *) = home->to.on_quiet;
        home->to.on_quiet = NULL; /* once */
        on_quiet(home->to.context);
    }
    if (!atomic_load(&home->is_free) || !pass_on(giving) || !move_all(giving))
        loop_timer_start(server->loop, timer, loop_now_us(server->loop) + TURN_US);
}

bool handover_moves_connections(const struct server *server)
{
    return server->giving_way && server->giving_way->to.channel >= 0 && guard_is_on(GUARD_HANDOVER);
}

bool handover_is_quiet(const struct server *server)
{
    return server->giving_way && server->giving_way->is_quiet;
}

void handover_turn(struct server *server)
{
    loop_timer_start(server->loop, &server->giving_way->turn, loop_now_us(server->loop));
}

static struct giving_way *giving_way_new(struct server *server, const struct server_handover *to)
{
    struct giving_way *giving = MEM_NEW(struct giving_way);
    giving->server = server;
    giving->to = *to;
    giving->turn.on_timer = on_turn;
    giving->quiet_at_us = loop_now_us(server->loop) + to->quiet_us;
    return giving;
}

static void start_giving_way(void *context)
{
    struct server *server = context;
    if (!server->giving_way)
        server->giving_way = giving_way_new(server, &server->home->giving_way->to);
    handover_turn(server);
}

void server_hand_over(struct server *server, const struct server_handover *handover)
{
    server->giving_way = giving_way_new(server, handover); /* before others look at it */
    pause_adopting(server);
    server_on_each_loop(server, start_giving_way);
    server_drain(server, handover->grace_us, handover->on_done, handover->context);
}

void handover_stop(struct server *server)
{
    if (server->giving_way)
        loop_timer_stop(&server->giving_way->turn);
    handover_stop_adopting(server);
}

void handover_release(struct server *server)
{
    if (server->giving_way && server->giving_way->to.channel >= 0 && server == server->home)
        (void)close(server->giving_way->to.channel);
    mem_free_p(&server->giving_way);
}

/* --- following --- */

struct adopting {
    struct loop_watch watch;
    bool is_paused;
    struct server *server;
    struct adopting *next;
    char room[HANDOVER_MAX_BYTES];
};

static void adopting_pause(struct adopting *adopting)
{
    if (!adopting->is_paused)
        loop_watch_remove(&adopting->watch);
    adopting->is_paused = true;
}

static void adopting_end(struct adopting *adopting)
{
    struct adopting **at = &adopting->server->adopting;
    while (*at != adopting)
        at = &(*at)->next;
    *at = adopting->next;
    adopting_pause(adopting);
    (void)close(adopting->watch.fd);
    mem_free(adopting);
}

void handover_stop_adopting(struct server *server)
{
    while (server->adopting)
        adopting_end(server->adopting);
}

/* What still comes is for the successor; without one it is nobody's. */
static void pause_adopting(struct server *server)
{
    for (struct adopting *at = server->adopting; at; at = at->next)
        adopting_pause(at);
    if (!handover_moves_connections(server))
        handover_stop_adopting(server);
}

/* At home: our predecessors' channels become the successor's.  False when there is no room now. */
static bool pass_on(struct giving_way *giving)
{
    const struct handover_message message = {.kind = HANDOVER_CHANNEL};
    struct server *server = giving->server;
    bool has_room = true, had_some = server->adopting != NULL;
    while (server->adopting && has_room) {
        int channel = server->adopting->watch.fd;
        has_room = handover_send(giving->to.channel, &message, channel) != -EAGAIN;
        if (has_room)
            adopting_end(server->adopting);
    }
    if (had_some && has_room)
        server_look_if_drained(server);
    return has_room;
}

static void adopt_what_came(struct adopting *adopting, const struct handover_message *message,
                            int fd)
{
    if (message->kind == HANDOVER_CONNECTION)
        server_take_over(adopting->server, message, fd);
    else if (message->kind == HANDOVER_CHANNEL)
        (void)!server_adopt(adopting->server, fd);
    else if (fd >= 0)
        (void)close(fd);
}

static void on_message(struct loop_watch *watch, unsigned events UNUSED, uint64_t now_us UNUSED)
{
    struct adopting *adopting = CONTAINER_OF(watch, struct adopting, watch);
    struct handover_message message;
    int fd = -1, got = 1;
    for (int i = 0; i < ADOPTIONS_PER_TURN && got != 0 && got != -EAGAIN; i++) {
        got = handover_receive(watch->fd, adopting->room, &message, &fd);
        if (got == 1)
            adopt_what_came(adopting, &message, fd);
    }
    if (got == 0)
        adopting_end(adopting);
}

int server_adopt(struct server *server, int channel)
{
    unsigned count = 0;
    struct adopting *adopting = MEM_NEW(struct adopting), **last = &server->adopting;
    adopting->server = server;
    adopting->watch =
        (struct loop_watch){.on_events = on_message, .fd = channel, .wanted = LOOP_READ};
    for (; *last; last = &(*last)->next)
        count++;
    int error = count < MAX_PREDECESSORS ? loop_watch_add(server->loop, &adopting->watch) : -EMFILE;
    if (error) {
        (void)close(channel);
        mem_free(adopting);
    } else {
        *last = adopting;
    }
    return error;
}

bool handover_await_free(int channel, int patience_ms)
{
    struct pollfd wanted = {.fd = channel, .events = POLLIN};
    int ready;
    do
        ready = poll(&wanted, 1, patience_ms);
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

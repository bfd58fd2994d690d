// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/supervisor_state.h"

#include "io/clock.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * supervisor_upgrade: a new server, and a new supervisor, without a dropped request.
 *
 *   upgrade ─▶ the file at our path is started as a server beside the old one
 *   it ends or dies, or is not prepared in time ─▶ refused: the old one never noticed
 *   "PREPARED=1": it read its settings, has the sockets, and waits for the state
 *        ─▶ the old one is told "GIVE_WAY=1", with its end of the handover channel
 *   "READY=1": it has the state and serves ─▶ we exec the same file in our place
 *   it dies after GIVE_WAY ─▶ what we are ourselves, the old version, is started again
 *   old servers send their running answers to the end, upgrade_drain_seconds at most, few at a time
 */
enum { PREPARE_US = 60 * 1000 * 1000, FOLLOW_US = 90 * 1000 * 1000 };

static struct supervised *next_of(struct supervisor *supervisor)
{
    return &supervisor->servers[SUPERVISOR_NEXT];
}

static void log_upgrade(const struct supervisor *supervisor, enum log_level level,
                        const char *event, pid_t pid)
{
    LOG(&supervisor->logging.logger, level, event, {"pid", LOG_NUMBER(pid)},
        {"path", text_of(supervisor->path)});
}

static void drop_handover(struct supervisor *supervisor)
{
    if (supervisor->handover >= 0)
        (void)close(supervisor->handover);
    supervisor->handover = -1;
}

static void refuse(struct supervisor *supervisor, const char *why)
{
    char state[NOTIFY_MAX_BYTES];
    const struct notify server = {.channel = supervisor->servers[SUPERVISOR_SERVER].channel};
    LOG(&supervisor->logging.logger, LOG_ERROR, "upgrade refused, the running server stays",
        {"why", text_of(why)});
    (void)snprintf(state, sizeof state, "UPGRADE_REFUSED=%s", why);
    if (server.channel >= 0)
        (void)notify_send(&server, state);
}

/* --- beginning --- */

void supervisor_upgrade(struct supervisor *supervisor)
{
    int pair[2];
    if (next_of(supervisor)->stage != SUPERVISED_FREE)
        return; /* it is under way already, and will be answered then */
    if (supervisor->is_stopping ||
        supervisor->servers[SUPERVISOR_SERVER].stage != SUPERVISED_READY) {
        refuse(supervisor, "the server is starting or stopping");
        return;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
        refuse(supervisor, "no sockets are left");
        return;
    }
    supervisor->handover = pair[0];
    int error = supervisor_spawn(supervisor, supervisor->path, pair[1], next_of(supervisor));
    (void)close(pair[1]);
    if (error < 0) {
        drop_handover(supervisor);
        refuse(supervisor, "the new program cannot be started");
        return;
    }
    next_of(supervisor)->kill_at_us = supervisor->now_us + PREPARE_US;
    log_upgrade(supervisor, LOG_INFO, "upgrade: a new server is started", next_of(supervisor)->pid);
}

/* --- the old one gives way --- */

static void give_way(struct supervisor *supervisor)
{
    char state[64];
    const struct notify server = {.channel = supervisor->servers[SUPERVISOR_SERVER].channel};
    next_of(supervisor)->stage = SUPERVISED_PREPARED;
    next_of(supervisor)->kill_at_us = supervisor->now_us + FOLLOW_US;
    (void)snprintf(state, sizeof state, "GIVE_WAY=1\nSUCCESSOR=%d", (int)next_of(supervisor)->pid);
    if (server.channel < 0 || !notify_send_fd(&server, state, supervisor->handover))
        (void)kill(next_of(supervisor)->pid, SIGKILL); /* and that is told as its end */
    else
        drop_handover(supervisor);
}

/* The longest out of service is told to hurry when there are too many. */
static struct supervised *place_for_old(struct supervisor *supervisor)
{
    struct supervised *oldest = &supervisor->servers[SUPERVISOR_FIRST_OLD];
    for (int i = SUPERVISOR_FIRST_OLD; i < SUPERVISOR_SERVERS_MAX; i++) {
        struct supervised *server = &supervisor->servers[i];
        if (server->stage == SUPERVISED_FREE)
            return server;
        if (server->since_us < oldest->since_us)
            oldest = server;
    }
    log_upgrade(supervisor, LOG_WARNING, "too many old servers: the oldest is cut off",
                oldest->pid);
    (void)kill(oldest->pid, SIGKILL);
    supervised_forget(oldest);
    return oldest;
}

static void switch_over(struct supervisor *supervisor)
{
    struct supervised *server = &supervisor->servers[SUPERVISOR_SERVER];
    if (server->stage != SUPERVISED_FREE) {
        struct supervised *old = place_for_old(supervisor);
        *old = *server;
        old->stage = SUPERVISED_OLD;
        old->kill_at_us = supervisor->now_us + SUPERVISOR_MARGIN_US +
                          (uint64_t)supervisor->settings.upgrade_drain_seconds * 1000000;
    }
    *server = *next_of(supervisor);
    server->stage = SUPERVISED_READY;
    server->kill_at_us = 0;
    *next_of(supervisor) = (struct supervised){.channel = -1};
    log_upgrade(supervisor, LOG_INFO, "upgraded", server->pid);
    int error = supervisor_replace(supervisor);
    LOG(&supervisor->logging.logger, LOG_WARNING, "the supervisor stays the old one",
        {"why", log_errno(error)});
}

bool supervisor_next_said(struct supervisor *supervisor, const char *state)
{
    if (notify_says(state, "PREPARED=1") && next_of(supervisor)->stage == SUPERVISED_STARTING)
        give_way(supervisor);
    else if (notify_says(state, "READY=1") && next_of(supervisor)->stage == SUPERVISED_PREPARED)
        switch_over(supervisor);
    else
        return notify_says(state, "READY=1") || notify_says(state, "STOPPING=1");
    return true;
}

/* --- when it goes wrong --- */

void supervisor_next_gone(struct supervisor *supervisor)
{
    bool was_prepared = next_of(supervisor)->stage == SUPERVISED_PREPARED;
    supervised_forget(next_of(supervisor));
    drop_handover(supervisor);
    if (supervisor->is_stopping)
        return;
    if (!was_prepared) {
        refuse(supervisor, "the new program does not start as a server; its last words are in the "
                           "log");
        return;
    }
    /* The running one gave its state up: it drains, and what we are starts in its place. */
    LOG_EVENT(&supervisor->logging.logger, LOG_ERROR,
              "the new server died while it took over; the former version is started again");
    struct supervised *server = &supervisor->servers[SUPERVISOR_SERVER];
    if (server->stage != SUPERVISED_FREE) {
        struct supervised *old = place_for_old(supervisor);
        *old = *server;
        old->stage = SUPERVISED_OLD;
        *server = (struct supervised){.channel = -1};
    }
    supervisor_plan_restart(supervisor);
}

bool supervisor_next_steps_in(struct supervisor *supervisor)
{
    struct supervised *next = next_of(supervisor);
    if (next->stage == SUPERVISED_PREPARED)
        return true; /* its lock falls to the next, which says READY=1 */
    if (next->stage == SUPERVISED_STARTING) {
        (void)kill(next->pid, SIGKILL);
        supervised_forget(next);
        drop_handover(supervisor);
    }
    return false;
}

/* --- the supervisor that follows itself --- */

static bool take_server(struct supervisor *supervisor, const char *prefix,
                        enum supervised_stage stage, struct supervised *ret)
{
    uint64_t pid;
    size_t i = inherited_find(&supervisor->kept, prefix);
    if (i == SIZE_MAX ||
        !text_to_u64(text_of(supervisor->kept.all[i].name + strlen(prefix)), &pid) || pid == 0 ||
        pid > INT_MAX)
        return false;
    *ret = (struct supervised){.stage = stage,
                               .pid = (pid_t)pid,
                               .channel = inherited_claim_at(&supervisor->kept, i),
                               .since_us = supervisor->now_us,
                               .fed_at_us = supervisor->now_us};
    return true;
}

bool supervisor_resume(struct supervisor *supervisor)
{
    struct supervised *servers = supervisor->servers;
    if (!take_server(supervisor, "server-", SUPERVISED_READY, &servers[SUPERVISOR_SERVER]))
        return false;
    for (int i = SUPERVISOR_FIRST_OLD; i < SUPERVISOR_SERVERS_MAX; i++)
        if (take_server(supervisor, "old-", SUPERVISED_OLD, &servers[i]))
            servers[i].kill_at_us = supervisor->now_us + SUPERVISOR_MARGIN_US +
                                    (uint64_t)supervisor->settings.upgrade_drain_seconds * 1000000;
    supervisor->was_ready = true;
    return true;
}

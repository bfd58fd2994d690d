// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/supervisor_state.h"

#include "programs/privileges.h"
#include <unistd.h>

enum {
    KEPT_MAX = 16, /* leaves room for the channels */
    MESSAGES_PER_TURN = 64
};

/* --- what a server says --- */

static void server_is_ready(struct supervisor *supervisor)
{
    struct supervised *server = &supervisor->servers[SUPERVISOR_SERVER];
    struct buffer why;
    if (server->stage == SUPERVISED_READY)
        return; /* again, after a reload */
    server->stage = SUPERVISED_READY;
    if (supervisor->is_reload_due)
        (void)kill(server->pid, SIGHUP);
    supervisor->is_reload_due = false;
    if (supervisor->was_ready) {
        LOG(&supervisor->logging.logger, LOG_INFO, "the server is back",
            {"pid", LOG_NUMBER(server->pid)},
            {"after_ms", LOG_NUMBER((supervisor->now_us - server->since_us) / 1000)});
        return;
    }
    supervisor->was_ready = true;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    if (privileges_settle(&supervisor->settings, NULL, &why) < 0)
        LOG(&supervisor->logging.logger, LOG_WARNING, "the supervisor stays as it was started",
            {"why", buffer_view(&why)});
    buffer_release(&why);
}

/* Ours, and systemd's beyond us. */
static void keep(struct supervisor *supervisor, const char *state, int fd)
{
    char name[INHERITED_NAME_BYTES];
    if (!notify_value(state, "FDNAME=", name, sizeof name)) {
        (void)close(fd);
        return;
    }
    (void)notify_send_fd(&supervisor->manager, state, fd);
    if (supervisor->kept.count >= KEPT_MAX) {
        LOG(&supervisor->logging.logger, LOG_WARNING, "no room to keep a descriptor",
            {"name", text_of(name)});
        (void)close(fd);
    } else {
        (void)inherited_add(&supervisor->kept, name, fd);
    }
}

static void drop(struct supervisor *supervisor, const char *state)
{
    char name[INHERITED_NAME_BYTES];
    if (notify_value(state, "FDNAME=", name, sizeof name))
        inherited_drop(&supervisor->kept, name);
    (void)notify_send(&supervisor->manager, state);
}

static void server_said(struct supervisor *supervisor, const char *state)
{
    if (notify_says(state, "UPGRADE=1")) {
        supervisor_upgrade(supervisor);
        return;
    }
    if (notify_says(state, "STOPPING=1") && !supervisor->is_stopping)
        return; /* it alone was told to end; when it did, so do we */
    if (notify_says(state, "READY=1"))
        server_is_ready(supervisor);
    (void)notify_send(&supervisor->manager, state);
}

static void take_message(struct supervisor *supervisor, int i, const char *state, int fd)
{
    supervisor->servers[i].fed_at_us = supervisor->now_us;
    if (fd >= 0 && notify_says(state, "FDSTORE=1") && i <= SUPERVISOR_NEXT) {
        keep(supervisor, state, fd);
        return;
    }
    if (fd >= 0)
        (void)close(fd);
    if (notify_says(state, "WATCHDOG=1") || i > SUPERVISOR_NEXT)
        return;
    if (notify_says(state, "FDSTOREREMOVE=1"))
        drop(supervisor, state);
    else if (i == SUPERVISOR_SERVER || !supervisor_next_said(supervisor, state))
        server_said(supervisor, state);
}

void supervisor_hear(struct supervisor *supervisor, int i)
{
    char state[NOTIFY_MAX_BYTES];
    for (int count = 0; count < MESSAGES_PER_TURN; count++) {
        int fd = -1, channel = supervisor->servers[i].channel;
        if (channel < 0 || notify_receive(channel, state, &fd) <= 0)
            return; /* when it is gone, SIGCHLD says so */
        take_message(supervisor, i, state, fd);
    }
}

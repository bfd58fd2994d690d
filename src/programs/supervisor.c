// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/supervisor.h"
#include "programs/supervisor_state.h"

#include "base/guard.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/random.h"
#include "programs/privileges.h"
#include "programs/settings_sources.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TICKET_SECRET_BYTES = 32,
    MESSAGES_PER_TURN = 64,
    KILL_AFTER_US = 500 * 1000,      /* of SIGABRT */
    STOP_MARGIN_US = 30 * 1000000,   /* beyond drain_seconds, for closing */
    OVERSLEPT_US = 1000 * 1000,      /* then we were stopped ourselves: others were, too */
    SUSPECT_RELOAD_US = 60 * 1000000 /* a crash so soon after a reload may come of it */
};

static void log_server(const struct supervisor *supervisor, enum log_level level, const char *event)
{
    LOG(&supervisor->logging.logger, level, event, {"pid", LOG_NUMBER(supervisor->server.pid)});
}

/* --- a server's life --- */

static void hang_up(struct supervised *server)
{
    if (server->channel >= 0)
        (void)close(server->channel);
    server->channel = -1;
}

static void server_forget(struct supervisor *supervisor)
{
    hang_up(&supervisor->server);
    supervisor->server = (struct supervised){.channel = -1};
}

static void end_with(struct supervisor *supervisor, int code)
{
    supervisor->has_ended = true;
    supervisor->code = code;
}

static void plan_restart(struct supervisor *supervisor)
{
    uint64_t wait_us =
        backoff_crash(&supervisor->backoff, supervisor->now_us, (uint32_t)random_u64());
    supervisor->restart_at_us = supervisor->now_us + wait_us;
    LOG(&supervisor->logging.logger, LOG_WARNING, "the server is started again",
        {"wait_ms", LOG_NUMBER(wait_us / 1000)}, {"starts", LOG_NUMBER(supervisor->starts)});
    uint64_t reloaded_us = supervisor->reloaded_at_us;
    if (reloaded_us && supervisor->now_us < reloaded_us + SUSPECT_RELOAD_US &&
        backoff_recent(&supervisor->backoff, reloaded_us) >= 2)
        LOG_EVENT(
            &supervisor->logging.logger, LOG_ERROR,
            "it crashed twice since the configuration was reloaded: what changed there is the "
            "likely cause; mend it, the next start reads it");
}

static void start_server(struct supervisor *supervisor)
{
    supervisor->restart_at_us = 0;
    int error = supervisor_spawn(supervisor, "/proc/self/exe", &supervisor->server);
    if (error == 0) {
        if (supervisor->was_ready)
            log_server(supervisor, LOG_INFO, "server started");
        return;
    }
    LOG(&supervisor->logging.logger, LOG_ERROR, "cannot start the server",
        {"why", log_errno(error)});
    if (supervisor->was_ready)
        plan_restart(supervisor);
    else
        end_with(supervisor, COMMAND_FAILED);
}

/* It ended as it was told, or before it ever served: then it said why, and so do we by its code. */
static void server_exited(struct supervisor *supervisor, int code)
{
    bool is_first = !supervisor->was_ready;
    if (!supervisor->is_stopping && !is_first && code != 0) {
        LOG(&supervisor->logging.logger, LOG_ERROR, "the server failed",
            {"pid", LOG_NUMBER(supervisor->server.pid)}, {"code", LOG_NUMBER(code)});
        server_forget(supervisor);
        plan_restart(supervisor);
        return;
    }
    server_forget(supervisor);
    end_with(supervisor, code);
}

static void server_crashed(struct supervisor *supervisor, int number)
{
    const char *name = sigabbrev_np(number);
    LOG(&supervisor->logging.logger, LOG_ERROR, "the server was killed",
        {"pid", LOG_NUMBER(supervisor->server.pid)}, {"signal", text_of(name ? name : "unknown")});
    server_forget(supervisor);
    if (supervisor->is_stopping || !supervisor->was_ready ||
        !guard_is_on(GUARD_SUPERVISOR_RESTARTS))
        end_with(supervisor, COMMAND_FAILED);
    else
        plan_restart(supervisor);
}

static void reap(struct supervisor *supervisor)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (supervisor->server.stage == SUPERVISED_FREE || pid != supervisor->server.pid)
            continue; /* an orphan that the kernel gave us, as process 1 gets them */
        if (WIFEXITED(status))
            server_exited(supervisor, WEXITSTATUS(status));
        else if (WIFSIGNALED(status))
            server_crashed(supervisor, WTERMSIG(status));
    }
}

/* --- what a server says --- */

static void server_is_ready(struct supervisor *supervisor)
{
    struct buffer why;
    if (supervisor->server.stage == SUPERVISED_READY)
        return; /* again, after a reload */
    supervisor->server.stage = SUPERVISED_READY;
    if (supervisor->was_ready) {
        LOG(&supervisor->logging.logger, LOG_INFO, "the server is back",
            {"pid", LOG_NUMBER(supervisor->server.pid)},
            {"after_ms", LOG_NUMBER((supervisor->now_us - supervisor->server.since_us) / 1000)});
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
    if (fd >= 0 && notify_value(state, "FDNAME=", name, sizeof name)) {
        (void)notify_send_fd(&supervisor->manager, state, fd);
        if (!inherited_add(&supervisor->kept, name, fd))
            LOG(&supervisor->logging.logger, LOG_WARNING, "no room to keep a descriptor",
                {"name", text_of(name)});
    } else if (fd >= 0) {
        (void)close(fd);
    }
}

static void take_message(struct supervisor *supervisor, const char *state, int fd)
{
    char name[INHERITED_NAME_BYTES];
    supervisor->server.fed_at_us = supervisor->now_us;
    if (notify_says(state, "FDSTORE=1")) {
        keep(supervisor, state, fd);
        return;
    }
    if (fd >= 0)
        (void)close(fd);
    if (notify_says(state, "WATCHDOG=1"))
        return;
    if (notify_says(state, "FDSTOREREMOVE=1") && notify_value(state, "FDNAME=", name, sizeof name))
        inherited_drop(&supervisor->kept, name);
    if (notify_says(state, "STOPPING=1") && !supervisor->is_stopping)
        return; /* it alone was told to end; when it did, so do we */
    if (notify_says(state, "READY=1"))
        server_is_ready(supervisor);
    (void)notify_send(&supervisor->manager, state);
}

static void read_channel(struct supervisor *supervisor)
{
    char state[NOTIFY_MAX_BYTES];
    int fd = -1;
    for (int i = 0; supervisor->server.channel >= 0 && i < MESSAGES_PER_TURN; i++) {
        if (notify_receive(supervisor->server.channel, state, &fd) <= 0)
            return; /* when it is gone, SIGCHLD says so */
        take_message(supervisor, state, fd);
    }
}

/* --- what the supervisor is told --- */

static void tell_server(const struct supervisor *supervisor, int number)
{
    if (supervisor->server.stage != SUPERVISED_FREE)
        (void)kill(supervisor->server.pid, number);
}

static void stop(struct supervisor *supervisor, int number)
{
    supervisor->is_stopping = true;
    supervisor->restart_at_us = 0;
    if (supervisor->server.stage == SUPERVISED_FREE)
        end_with(supervisor, COMMAND_OK);
    else if (!supervisor->server.kill_at_us)
        supervisor->server.kill_at_us = supervisor->now_us + STOP_MARGIN_US +
                                        (uint64_t)supervisor->settings.drain_seconds * 1000000;
    tell_server(supervisor, number);
}

static void reload(struct supervisor *supervisor)
{
    supervisor->reloaded_at_us = supervisor->now_us;
    tell_server(supervisor, SIGHUP);
}

static void take_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;
    while (read(supervisor->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        switch (info.ssi_signo) {
        case SIGCHLD:
            read_channel(supervisor); /* its last words first */
            reap(supervisor);
            break;
        case SIGHUP:
            reload(supervisor);
            break;
        default:
            stop(supervisor, (int)info.ssi_signo);
        }
        if (supervisor->has_ended)
            return;
    }
}

/* --- time --- */

static uint64_t watchdog_us(const struct supervisor *supervisor)
{
    return (uint64_t)supervisor->settings.watchdog_seconds * 1000000;
}

static bool is_watched(const struct supervisor *supervisor)
{
    return supervisor->server.stage == SUPERVISED_READY && !supervisor->is_stopping &&
           supervisor->settings.watchdog_seconds > 0 && supervisor->server.kill_at_us == 0;
}

static void check_server(struct supervisor *supervisor)
{
    struct supervised *server = &supervisor->server;
    if (server->stage != SUPERVISED_FREE && server->kill_at_us &&
        supervisor->now_us >= server->kill_at_us) {
        tell_server(supervisor, SIGKILL);
        server->kill_at_us = supervisor->now_us + KILL_AFTER_US;
    } else if (is_watched(supervisor) &&
               supervisor->now_us >= server->fed_at_us + watchdog_us(supervisor)) {
        log_server(supervisor, LOG_ERROR, "the server hangs and is killed");
        tell_server(supervisor, SIGABRT);
        server->kill_at_us = supervisor->now_us + KILL_AFTER_US;
    }
}

static void feed_manager(struct supervisor *supervisor)
{
    if (supervisor->manager_feed_us == 0 ||
        supervisor->now_us < supervisor->manager_fed_at_us + supervisor->manager_feed_us)
        return;
    (void)notify_send(&supervisor->manager, "WATCHDOG=1");
    supervisor->manager_fed_at_us = supervisor->now_us;
}

static void on_time(struct supervisor *supervisor)
{
    if (supervisor->restart_at_us && supervisor->now_us >= supervisor->restart_at_us)
        start_server(supervisor);
    check_server(supervisor);
    feed_manager(supervisor);
}

static void sooner(uint64_t *at_us, uint64_t other_us)
{
    if (other_us && other_us < *at_us)
        *at_us = other_us;
}

/* When something is due at the latest. */
static uint64_t next_at(const struct supervisor *supervisor)
{
    uint64_t at_us = UINT64_MAX;
    sooner(&at_us, supervisor->restart_at_us);
    sooner(&at_us, supervisor->server.kill_at_us);
    if (is_watched(supervisor))
        sooner(&at_us, supervisor->server.fed_at_us + watchdog_us(supervisor));
    if (supervisor->manager_feed_us)
        sooner(&at_us, supervisor->manager_fed_at_us + supervisor->manager_feed_us);
    return at_us;
}

static void wait_for_something(struct supervisor *supervisor)
{
    struct pollfd watched[2] = {{.fd = supervisor->signal_fd, .events = POLLIN},
                                {.fd = supervisor->server.channel, .events = POLLIN}};
    uint64_t at_us = next_at(supervisor), wait_ms = UINT64_MAX;
    if (at_us != UINT64_MAX)
        wait_ms = at_us > supervisor->now_us ? (at_us - supervisor->now_us + 999) / 1000 : 0;
    int ready = poll(watched, 2, wait_ms > INT_MAX ? -1 : (int)wait_ms);
    supervisor->now_us = clock_monotonic_us();
    /* We ourselves were stopped (^Z, a suspended machine): the server cannot have said a word. */
    if (at_us != UINT64_MAX && supervisor->now_us > at_us + OVERSLEPT_US)
        supervisor->server.fed_at_us = supervisor->now_us;
    if (ready > 0 && watched[1].revents & POLLIN)
        read_channel(supervisor);
    else if (ready > 0 && watched[1].revents)
        hang_up(&supervisor->server); /* it is about to die: SIGCHLD comes */
    if (ready > 0 && watched[0].revents)
        take_signals(supervisor);
}

/* --- beginning and end --- */

/* Unreadable for anybody who has not the descriptor, and gone with the last who has. */
static bool make_ticket_secret(struct supervisor *supervisor, struct buffer *why)
{
    unsigned char secret[TICKET_SECRET_BYTES];
    if (inherited_find(&supervisor->kept, "tickets") != SIZE_MAX)
        return true;
    random_fill(secret, sizeof secret);
    int fd = memfd_create("sostenuto-tickets", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    bool is_made =
        fd >= 0 && write(fd, secret, sizeof secret) == (ssize_t)sizeof secret &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0;
    explicit_bzero(secret, sizeof secret);
    if (!is_made) {
        buffer_printf(why, "no memory file for the secret of TLS tickets: %.*s",
                      TEXT_ARGS(log_errno(errno)));
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    (void)notify_send_fd(&supervisor->manager, "FDSTORE=1\nFDNAME=tickets", fd);
    return inherited_add(&supervisor->kept, "tickets", fd);
}

static bool take_signals_over(struct supervisor *supervisor, struct buffer *why)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        sigaddset(&wanted, numbers[i]);
    (void)sigprocmask(SIG_BLOCK, &wanted, &supervisor->mask_before);
    supervisor->signal_fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (supervisor->signal_fd < 0)
        buffer_printf(why, "no signals: %.*s", TEXT_ARGS(log_errno(errno)));
    return supervisor->signal_fd >= 0;
}

/* Its log is for events only, and reads no file again. */
static bool open_log(struct supervisor *supervisor, struct buffer *why)
{
    return settings_set(&supervisor->settings, setting_named(TEXT("access_log")), TEXT_NONE, why) &&
           logging_init(&supervisor->logging, &supervisor->settings, why) == 0;
}

static void know_manager(struct supervisor *supervisor)
{
    const char *for_pid = getenv("WATCHDOG_PID"), *wanted = getenv("WATCHDOG_USEC");
    uint64_t pid = 0, limit_us = 0;
    if (!wanted || !text_to_u64(text_of(wanted), &limit_us) ||
        (for_pid && (!text_to_u64(text_of(for_pid), &pid) || pid != (uint64_t)getpid())))
        return;
    supervisor->manager_feed_us = limit_us / 2;
    supervisor->manager_fed_at_us = supervisor->now_us;
}

static bool open_supervisor(struct supervisor *supervisor, const struct arguments *arguments,
                            struct buffer *why)
{
    if (!settings_load(&supervisor->settings, arguments, why) || !open_log(supervisor, why) ||
        !supervisor_know_self(supervisor, why) || !take_signals_over(supervisor, why) ||
        !make_ticket_secret(supervisor, why))
        return false;
    know_manager(supervisor);
    return true;
}

static void close_supervisor(struct supervisor *supervisor)
{
    inherited_close(&supervisor->kept);
    if (supervisor->signal_fd >= 0)
        (void)close(supervisor->signal_fd);
    mem_free(supervisor->command_line);
    logging_release(&supervisor->logging);
    settings_release(&supervisor->settings);
}

enum command_exit supervise(const struct arguments *arguments, struct inherited *inherited)
{
    struct supervisor supervisor = {.kept = *inherited,
                                    .signal_fd = -1,
                                    .logging = {.access_fd = -1},
                                    .server = {.channel = -1},
                                    .manager = {.channel = -1},
                                    .now_us = clock_monotonic_us()};
    struct buffer why;
    *inherited = (struct inherited){0};
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    if (open_supervisor(&supervisor, arguments, &why)) {
        start_server(&supervisor);
        while (!supervisor.has_ended) {
            wait_for_something(&supervisor);
            on_time(&supervisor);
        }
    } else {
        supervisor.code = command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(&why)));
    }
    close_supervisor(&supervisor);
    buffer_release(&why);
    return (enum command_exit)supervisor.code;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/supervisor.h"
#include "programs/supervisor_state.h"

#include "base/guard.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/random.h"
#include "io/ticket.h"
#include "programs/settings_sources.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    OVERSLEPT_US = 1000 * 1000,      /* then we were stopped ourselves: others were, too */
    SUSPECT_RELOAD_US = 60 * 1000000 /* a crash so soon after a reload may come of it */
};

static void log_server(const struct supervisor *supervisor, enum log_level level, const char *event,
                       const struct supervised *server)
{
    LOG(&supervisor->logging.logger, level, event, {"pid", LOG_NUMBER(server->pid)});
}

/* --- a server's life --- */

void supervised_hang_up(struct supervised *server)
{
    if (server->channel >= 0)
        (void)close(server->channel);
    server->channel = -1;
}

void supervised_forget(struct supervised *server)
{
    supervised_hang_up(server);
    *server = (struct supervised){.channel = -1};
}

static void tell(const struct supervised *server, int number)
{
    if (server->stage != SUPERVISED_FREE)
        (void)kill(server->pid, number);
}

static void end_with(struct supervisor *supervisor, int code)
{
    supervisor->has_ended = true;
    supervisor->code = code;
}

static bool any_server(const struct supervisor *supervisor)
{
    for (int i = 0; i < SUPERVISOR_SERVERS_MAX; i++)
        if (supervisor->servers[i].stage != SUPERVISED_FREE)
            return true;
    return false;
}

void supervisor_plan_restart(struct supervisor *supervisor)
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
    struct supervised *server = &supervisor->servers[SUPERVISOR_SERVER];
    supervisor->restart_at_us = 0;
    int error = supervisor_spawn(supervisor, "/proc/self/exe", -1, server);
    if (error == 0) {
        if (supervisor->was_ready)
            log_server(supervisor, LOG_INFO, "server started", server);
        return;
    }
    LOG(&supervisor->logging.logger, LOG_ERROR, "cannot start the server",
        {"why", log_errno(error)});
    if (supervisor->was_ready)
        supervisor_plan_restart(supervisor);
    else
        end_with(supervisor, COMMAND_FAILED);
}

/* One that had not begun to listen to signals ends by ours. */
static int code_of(int status)
{
    bool is_told =
        WIFSIGNALED(status) && (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGINT);
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    return is_told ? COMMAND_OK : COMMAND_FAILED;
}

/* Says how a process ended when that is no good news; true when it did what it was told. */
static bool ended_well(const struct supervisor *supervisor, pid_t pid, int status)
{
    if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || !supervisor->was_ready))
        return WEXITSTATUS(status) == 0; /* what never served said itself why */
    if (WIFEXITED(status) && WEXITSTATUS(status) == COMMAND_AGAIN) {
        LOG(&supervisor->logging.logger, LOG_INFO, "a server begins anew",
            {"pid", LOG_NUMBER(pid)});
        return false;
    }
    if (WIFEXITED(status)) {
        LOG(&supervisor->logging.logger, LOG_ERROR, "a server failed", {"pid", LOG_NUMBER(pid)},
            {"code", LOG_NUMBER(WEXITSTATUS(status))});
        return false;
    }
    const char *name = sigabbrev_np(WTERMSIG(status));
    if (supervisor->is_stopping && code_of(status) == COMMAND_OK)
        return true;
    LOG(&supervisor->logging.logger, LOG_ERROR, "a server was killed", {"pid", LOG_NUMBER(pid)},
        {"signal", text_of(name ? name : "unknown")});
    return false;
}

/* It ended as it was told, or before it ever served, or it is to come back. */
static void server_gone(struct supervisor *supervisor, bool is_well, int code)
{
    bool has_served = supervisor->servers[SUPERVISOR_SERVER].stage == SUPERVISED_READY;
    supervised_forget(&supervisor->servers[SUPERVISOR_SERVER]);
    if (supervisor->is_stopping)                           /* and the old ones may end, too */
        supervisor->code = has_served ? code : COMMAND_OK; /* told to end while it started */
    else if (supervisor_next_steps_in(supervisor))
        return;
    else if (!supervisor->was_ready || is_well)
        end_with(supervisor, code);
    else if (!guard_is_on(GUARD_SUPERVISOR_RESTARTS))
        end_with(supervisor, COMMAND_FAILED);
    else
        supervisor_plan_restart(supervisor);
}

static void one_gone(struct supervisor *supervisor, int i, int status)
{
    bool is_well = ended_well(supervisor, supervisor->servers[i].pid, status);
    if (i == SUPERVISOR_SERVER)
        server_gone(supervisor, is_well, code_of(status));
    else if (i == SUPERVISOR_NEXT)
        supervisor_next_gone(supervisor);
    else
        supervised_forget(&supervisor->servers[i]);
}

static void reap(struct supervisor *supervisor)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        for (int i = 0; i < SUPERVISOR_SERVERS_MAX; i++) {
            if (supervisor->servers[i].stage == SUPERVISED_FREE ||
                supervisor->servers[i].pid != pid)
                continue; /* others: orphans that the kernel gave us, as process 1 gets them */
            one_gone(supervisor, i, status);
            break;
        }
    }
    if (supervisor->is_stopping && !any_server(supervisor))
        supervisor->has_ended = true;
}

/* --- what the supervisor is told --- */

/* A server that is starting does not listen to signals yet: SIGHUP would kill it. */
static void reload(struct supervisor *supervisor)
{
    const struct supervised *server = &supervisor->servers[SUPERVISOR_SERVER];
    supervisor->reloaded_at_us = supervisor->now_us;
    if (server->stage == SUPERVISED_READY)
        tell(server, SIGHUP);
    else
        supervisor->is_reload_due = true;
}

/* Old ones, and one that comes, end with us. */
static void stop(struct supervisor *supervisor, int number)
{
    uint64_t drain_us = (uint64_t)supervisor->settings.drain_seconds * 1000000;
    supervisor->is_stopping = true;
    supervisor->restart_at_us = 0;
    for (int i = 0; i < SUPERVISOR_SERVERS_MAX; i++) {
        tell(&supervisor->servers[i], number);
        supervisor->servers[i].kill_at_us = supervisor->now_us + SUPERVISOR_MARGIN_US + drain_us;
    }
    if (!any_server(supervisor))
        end_with(supervisor, COMMAND_OK);
}

static void take_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;
    while (read(supervisor->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        switch (info.ssi_signo) {
        case SIGCHLD:
            for (int i = 0; i < SUPERVISOR_SERVERS_MAX; i++)
                supervisor_hear(supervisor, i); /* their last words first */
            reap(supervisor);
            break;
        case SIGHUP:
            reload(supervisor);
            break;
        case SIGUSR2:
            supervisor_upgrade(supervisor);
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

/* The next one and the old ones have their own limits, in kill_at_us. */
static bool is_watched(const struct supervisor *supervisor)
{
    const struct supervised *server = &supervisor->servers[SUPERVISOR_SERVER];
    return guard_is_on(GUARD_SERVER_WATCHDOG) && server->stage == SUPERVISED_READY &&
           !supervisor->is_stopping && supervisor->settings.watchdog_seconds > 0 &&
           server->kill_at_us == 0;
}

static void check_servers(struct supervisor *supervisor)
{
    for (int i = 0; i < SUPERVISOR_SERVERS_MAX; i++) {
        struct supervised *server = &supervisor->servers[i];
        if (server->stage == SUPERVISED_FREE || server->kill_at_us == 0 ||
            supervisor->now_us < server->kill_at_us)
            continue;
        tell(server, SIGKILL);
        server->kill_at_us = supervisor->now_us + SUPERVISOR_KILL_AFTER_US;
    }
    struct supervised *server = &supervisor->servers[SUPERVISOR_SERVER];
    if (is_watched(supervisor) &&
        supervisor->now_us >= server->fed_at_us + watchdog_us(supervisor)) {
        log_server(supervisor, LOG_ERROR, "the server hangs and is killed", server);
        tell(server, SIGABRT);
        server->kill_at_us = supervisor->now_us + SUPERVISOR_KILL_AFTER_US;
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
    check_servers(supervisor);
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
    for (int i = 0; i < SUPERVISOR_SERVERS_MAX; i++)
        if (supervisor->servers[i].stage != SUPERVISED_FREE)
            sooner(&at_us, supervisor->servers[i].kill_at_us);
    if (is_watched(supervisor))
        sooner(&at_us, supervisor->servers[SUPERVISOR_SERVER].fed_at_us + watchdog_us(supervisor));
    if (supervisor->manager_feed_us)
        sooner(&at_us, supervisor->manager_fed_at_us + supervisor->manager_feed_us);
    return at_us;
}

static void wait_for_something(struct supervisor *supervisor)
{
    struct pollfd watched[SUPERVISOR_SERVERS_MAX + 1];
    uint64_t at_us = next_at(supervisor), wait_ms = UINT64_MAX;
    for (int i = 0; i < SUPERVISOR_SERVERS_MAX; i++)
        watched[i] = (struct pollfd){.fd = supervisor->servers[i].channel, .events = POLLIN};
    watched[SUPERVISOR_SERVERS_MAX] =
        (struct pollfd){.fd = supervisor->signal_fd, .events = POLLIN};
    if (at_us != UINT64_MAX)
        wait_ms = at_us > supervisor->now_us ? (at_us - supervisor->now_us + 999) / 1000 : 0;
    int ready = poll(watched, ARRAY_SIZE(watched), wait_ms > INT_MAX ? -1 : (int)wait_ms);
    supervisor->now_us = clock_monotonic_us();
    /* We ourselves were stopped (^Z, a suspended machine): the server cannot have said a word. */
    if (at_us != UINT64_MAX && supervisor->now_us > at_us + OVERSLEPT_US)
        supervisor->servers[SUPERVISOR_SERVER].fed_at_us = supervisor->now_us;
    for (int i = 0; ready > 0 && i < SUPERVISOR_SERVERS_MAX; i++) {
        if (watched[i].fd < 0 || supervisor->servers[i].channel != watched[i].fd)
            continue; /* an earlier one brought places into motion */
        if (watched[i].revents & POLLIN)
            supervisor_hear(supervisor, i);
        else if (watched[i].revents)
            supervised_hang_up(&supervisor->servers[i]); /* about to die: SIGCHLD comes */
    }
    if (ready > 0 && watched[SUPERVISOR_SERVERS_MAX].revents)
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
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        sigaddset(&wanted, numbers[i]);
    (void)sigprocmask(SIG_BLOCK, &wanted, &supervisor->mask_of_servers);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        sigdelset(&supervisor->mask_of_servers, numbers[i]); /* blocked over our own exec */
    int low_fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    supervisor->signal_fd = low_fd < 0 ? -1 : fcntl(low_fd, F_DUPFD_CLOEXEC, INHERITED_ABOVE);
    if (low_fd >= 0)
        (void)close(low_fd);
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

/* One that follows itself has a server to watch over, whatever became of the configuration. */
static bool load_settings(struct supervisor *supervisor, const struct arguments *arguments,
                          struct buffer *why)
{
    if (settings_load(&supervisor->settings, arguments, why))
        return true;
    if (inherited_find(&supervisor->kept, "server-") == SIZE_MAX)
        return false;
    settings_release(&supervisor->settings);
    settings_init(&supervisor->settings);
    buffer_reset(why);
    return true;
}

static bool open_supervisor(struct supervisor *supervisor, const struct arguments *arguments,
                            struct buffer *why)
{
    if (!load_settings(supervisor, arguments, why) || !open_log(supervisor, why) ||
        !supervisor_know_self(supervisor, why) || !take_signals_over(supervisor, why) ||
        !make_ticket_secret(supervisor, why))
        return false;
    know_manager(supervisor);
    return true;
}

static void close_supervisor(struct supervisor *supervisor)
{
    for (int i = 0; i < SUPERVISOR_SERVERS_MAX; i++)
        supervised_hang_up(&supervisor->servers[i]);
    if (supervisor->handover >= 0)
        (void)close(supervisor->handover);
    inherited_close(&supervisor->kept);
    if (supervisor->signal_fd >= 0)
        (void)close(supervisor->signal_fd);
    mem_free(supervisor->command_line);
    logging_release(&supervisor->logging);
    settings_release(&supervisor->settings);
}

enum command_exit supervise(const struct arguments *arguments, struct inherited *inherited,
                            uint64_t starts)
{
    struct supervisor supervisor = {.kept = *inherited,
                                    .signal_fd = -1,
                                    .logging = {.access_fd = -1},
                                    .handover = -1,
                                    .starts = starts,
                                    .manager = {.channel = -1},
                                    .now_us = clock_monotonic_us()};
    struct buffer why;
    *inherited = (struct inherited){0};
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    for (int i = 0; i < SUPERVISOR_SERVERS_MAX; i++)
        supervisor.servers[i].channel = -1;
    if (open_supervisor(&supervisor, arguments, &why)) {
        if (!supervisor_resume(&supervisor))
            start_server(&supervisor);
        while (!supervisor.has_ended) {
            wait_for_something(&supervisor);
            on_time(&supervisor);
        }
    } else {
        supervisor.code = (int)command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(&why)));
    }
    close_supervisor(&supervisor);
    buffer_release(&why);
    return (enum command_exit)supervisor.code;
}

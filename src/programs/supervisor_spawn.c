// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/supervisor.h"
#include "programs/supervisor_state.h"

#include "base/mem.h"
#include "io/file.h"
#include "io/loop.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char STARTS_VARIABLE[] = "SOSTENUTO_STARTS";

enum { COMMAND_LINE_MAX_BYTES = 2 << 20, EXIT_NO_EXEC = 127 };

/* --- who we are --- */

static bool read_command_line(struct supervisor *supervisor)
{
    struct buffer bytes;
    buffer_init(&bytes, COMMAND_LINE_MAX_BYTES);
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    char *room;
    ssize_t got = fd < 0 ? -1 : 0;
    while (fd >= 0 && (room = buffer_reserve(&bytes, 4096)) && (got = read(fd, room, 4096)) > 0)
        bytes.size += (size_t)got;
    if (fd >= 0)
        (void)close(fd);
    bool is_whole = got == 0 && bytes.size > 0 && bytes.data[bytes.size - 1] == '\0';
    size_t count = 0;
    supervisor->command_line = mem_dup(bytes.data ? bytes.data : "", bytes.size + !bytes.data);
    for (size_t at = 0; is_whole && at < bytes.size; count++) {
        if (count == SUPERVISOR_ARGV_MAX)
            is_whole = false;
        else
            supervisor->argv[count] = supervisor->command_line + at;
        at += strlen(bytes.data + at) + 1;
    }
    buffer_release(&bytes);
    return is_whole;
}

bool supervisor_know_self(struct supervisor *supervisor, struct buffer *why)
{
    ssize_t size = readlink("/proc/self/exe", supervisor->path, sizeof supervisor->path - 1);
    if (size > 0 && read_command_line(supervisor)) {
        supervisor->path[size] = '\0';
        return true;
    }
    buffer_printf(why,
                  "/proc cannot be read, or there are more than %d arguments; "
                  "--no-supervisor works without",
                  SUPERVISOR_ARGV_MAX);
    return false;
}

/* --- the server's process --- */

static bool set_number(const char *variable, uint64_t value)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    return setenv(variable, digits, 1) == 0;
}

/* In the child, which has one thread.  Channels go with what is kept; the rest is close-on-exec. */
static void NORETURN become_server(struct supervisor *supervisor, const char *path, int channel,
                                   int handover)
{
    const uint64_t watchdog_us = (uint64_t)supervisor->settings.watchdog_seconds * 1000000;
    bool is_set = watchdog_us == 0 ? unsetenv("WATCHDOG_USEC") == 0
                                   : set_number("WATCHDOG_USEC", watchdog_us) &&
                                         set_number("WATCHDOG_PID", (uint64_t)getpid());
    (void)setpgid(0, 0); /* a terminal's ^C reaches us alone, and we pass it on: once */
    if (is_set && set_number(STARTS_VARIABLE, supervisor->starts) && supervised_bind(channel) &&
        inherited_add(&supervisor->kept, "supervisor", channel) &&
        (handover < 0 || inherited_add(&supervisor->kept, "handover", handover)) &&
        inherited_pass(&supervisor->kept) &&
        sigprocmask(SIG_SETMASK, &supervisor->mask_of_servers, NULL) == 0)
        (void)execv(path, supervisor->argv);
    _exit(EXIT_NO_EXEC);
}

int supervisor_spawn(struct supervisor *supervisor, const char *path, int handover,
                     struct supervised *ret_server)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    int channel = fcntl(pair[0], F_DUPFD_CLOEXEC, INHERITED_ABOVE);
    pid_t pid = channel < 0 ? -1 : fork();
    if (pid == 0)
        become_server(supervisor, path, pair[1], handover);
    int error = pid < 0 ? -errno : 0;
    (void)close(pair[0]);
    (void)close(pair[1]);
    if (error < 0) {
        if (channel >= 0)
            (void)close(channel);
        return error;
    }
    supervisor->starts++;
    *ret_server = (struct supervised){.stage = SUPERVISED_STARTING,
                                      .pid = pid,
                                      .channel = channel,
                                      .since_us = supervisor->now_us,
                                      .fed_at_us = supervisor->now_us};
    return 0;
}

/* --- ourselves --- */

/* Everything that a supervisor holds, under the names that supervisor_resume() looks for. */
static bool gather(const struct supervisor *supervisor, struct inherited *all)
{
    *all = supervisor->kept;
    for (int i = 0; i < SUPERVISOR_SERVERS_MAX; i++) {
        const struct supervised *server = &supervisor->servers[i];
        char name[INHERITED_NAME_BYTES];
        (void)snprintf(name, sizeof name, "%s-%d", i == SUPERVISOR_SERVER ? "server" : "old",
                       (int)server->pid);
        if (server->stage == SUPERVISED_FREE || server->channel < 0)
            continue;
        if (all->count == INHERITED_MAX)
            return false;
        struct inherited_fd *entry = &all->all[all->count++]; /* ours still */
        entry->fd = server->channel;
        memcpy(entry->name, name, sizeof name);
    }
    return true;
}

int supervisor_replace(struct supervisor *supervisor)
{
    struct inherited all;
    /* what was for the servers is not for the supervisor; systemd's watchdog words stay ours */
    if (!gather(supervisor, &all) || !inherited_pass(&all) ||
        !set_number(STARTS_VARIABLE, supervisor->starts))
        return -EMFILE;
    /* our signals stay blocked, so that none is lost on the way */
    (void)execv(supervisor->path, supervisor->argv);
    return -errno;
}

uint64_t supervised_starts(void)
{
    const char *variable = getenv(STARTS_VARIABLE);
    uint64_t starts = 0;
    if (variable && !text_to_u64(text_of(variable), &starts))
        starts = 0;
    (void)unsetenv(STARTS_VARIABLE);
    return starts;
}

bool supervised_bind(int channel)
{
    struct ucred supervisor = {0};
    socklen_t size = sizeof supervisor;
    (void)prctl(PR_SET_NAME, "sostenuto"); /* started as /proc/self/exe */
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
           getsockopt(channel, SOL_SOCKET, SO_PEERCRED, &supervisor, &size) == 0 &&
           getppid() == supervisor.pid; /* else it died before we asked */
}

bool supervised_watch(struct loop *loop, int channel, struct loop_watch *watch, struct buffer *why)
{
    if (channel < 0)
        return true;
    watch->fd = channel;
    watch->wanted = LOOP_READ;
    if (supervised_bind(channel) && loop_watch_add(loop, watch) == 0)
        return true;
    buffer_printf(why, "the supervisor is gone");
    return false;
}

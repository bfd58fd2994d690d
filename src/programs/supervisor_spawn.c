// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/supervisor.h"
#include "programs/supervisor_state.h"

#include "base/mem.h"
#include "io/file.h"
#include <errno.h>
#include <fcntl.h>
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

/* In the child, which has one thread.  The channel goes with what is kept; the rest is
 * close-on-exec. */
static void NORETURN become_server(struct supervisor *supervisor, const char *path, int channel)
{
    const uint64_t watchdog_us = (uint64_t)supervisor->settings.watchdog_seconds * 1000000;
    bool is_set = watchdog_us == 0 ? unsetenv("WATCHDOG_USEC") == 0
                                   : set_number("WATCHDOG_USEC", watchdog_us) &&
                                         set_number("WATCHDOG_PID", (uint64_t)getpid());
    (void)setpgid(0, 0); /* a terminal's ^C reaches us alone, and we pass it on: once */
    if (is_set && set_number(STARTS_VARIABLE, supervisor->starts) && supervised_bind(channel) &&
        inherited_add(&supervisor->kept, "supervisor", channel) &&
        inherited_pass(&supervisor->kept) &&
        sigprocmask(SIG_SETMASK, &supervisor->mask_before, NULL) == 0)
        (void)execv(path, supervisor->argv);
    _exit(EXIT_NO_EXEC);
}

int supervisor_spawn(struct supervisor *supervisor, const char *path, struct supervised *ret_server)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid == 0)
        become_server(supervisor, path, pair[1]);
    int error = pid < 0 ? -errno : 0;
    (void)close(pair[1]);
    if (error < 0) {
        (void)close(pair[0]);
        return error;
    }
    supervisor->starts++;
    *ret_server = (struct supervised){.stage = SUPERVISED_STARTING,
                                      .pid = pid,
                                      .channel = pair[0],
                                      .since_us = supervisor->now_us,
                                      .fed_at_us = supervisor->now_us};
    return 0;
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

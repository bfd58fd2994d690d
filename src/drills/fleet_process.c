// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/fleet_process.h"

#include "base/mem.h"
#include "io/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ENVIRONMENT = 512, LOOK_EVERY_MS = 5 };

extern char **environ;

/* --- starting --- */

static bool is_foreign(const char *line)
{
    static const char *const ours[] = {"SOSTENUTO_", "NOTIFY_", "WATCHDOG_", "LISTEN_"};
    for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
        if (strncmp(line, ours[i], strlen(ours[i])) == 0)
            return true;
    return false;
}

static void build_environment(const struct fleet_command *command, const char **lines)
{
    size_t count = 0;
    for (char **line = environ; *line && count < MAX_ENVIRONMENT; line++)
        if (!is_foreign(*line))
            lines[count++] = *line;
    for (size_t i = 0; i < FLEET_PROCESS_MAX_ENVIRONMENT && command->environment[i]; i++)
        lines[count++] = command->environment[i];
    lines[count] = NULL;
}

static bool redirect(int to, const char *path, int flags)
{
    int fd = open(path ? path : "/dev/null", flags, 0600);
    return fd >= 0 && dup2(fd, to) == to;
}

/* In the child, after fork(): only what a signal handler might do. */
static NORETURN void become(const struct fleet_command *command, const char *const *environment,
                            int input_fd)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() == 1 ||
        !(input_fd >= 0 ? dup2(input_fd, STDIN_FILENO) == STDIN_FILENO
                        : redirect(STDIN_FILENO, NULL, O_RDONLY)) ||
        !redirect(STDOUT_FILENO, command->out_path, O_WRONLY | O_CREAT | O_APPEND) ||
        !redirect(STDERR_FILENO, command->error_path, O_WRONLY | O_CREAT | O_APPEND))
        _exit(126);
    (void)execve(command->arguments[0], (char *const *)(uintptr_t)command->arguments,
                 (char *const *)(uintptr_t)environment);
    _exit(127);
}

static pid_t start(const struct fleet_command *command, int input_fd)
{
    const char **environment =
        mem_zalloc((MAX_ENVIRONMENT + FLEET_PROCESS_MAX_ENVIRONMENT + 1) * sizeof *environment);
    build_environment(command, environment);
    pid_t pid = fork();
    if (pid == 0)
        become(command, environment, input_fd);
    int error = errno;
    mem_free(environment);
    return pid < 0 ? -error : pid;
}

pid_t fleet_process_start(const struct fleet_command *command) { return start(command, -1); }

/* --- ending --- */

static void nap(void)
{
    static const struct timespec moment = {.tv_nsec = LOOK_EVERY_MS * 1000000};
    (void)nanosleep(&moment, NULL);
}

bool fleet_process_reap(pid_t pid) { return waitpid(pid, NULL, WNOHANG) == pid; }

/* -ETIME when it still runs. */
static int wait_for(pid_t pid, unsigned timeout_ms)
{
    uint64_t end_us = clock_monotonic_us() + timeout_ms * UINT64_C(1000);
    int status;
    pid_t done;
    while ((done = waitpid(pid, &status, WNOHANG)) == 0) {
        if (clock_monotonic_us() >= end_us)
            return -ETIME;
        nap();
    }
    if (done < 0)
        return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int fleet_process_end(pid_t pid, unsigned patience_ms)
{
    int code = kill(pid, SIGTERM) == 0 ? wait_for(pid, patience_ms) : -errno;
    if (code == -ETIME) {
        (void)kill(pid, SIGKILL);
        code = wait_for(pid, patience_ms);
    }
    return code;
}

int fleet_process_run(const struct fleet_command *command, unsigned timeout_ms)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    pid_t pid = start(command, ends[0]);
    (void)close(ends[0]);
    /* a few words, less than any pipe holds; a child that never reads them is no matter */
    if (pid > 0 && command->input.size > 0)
        (void)!write(ends[1], command->input.data, command->input.size);
    (void)close(ends[1]);
    if (pid < 0)
        return pid;
    int code = wait_for(pid, timeout_ms);
    if (code == -ETIME)
        (void)fleet_process_end(pid, 100);
    return code;
}

/* --- looking --- */

static size_t read_small(const char *path, char *out, size_t capacity)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, out, capacity - 1);
    if (fd >= 0)
        (void)close(fd);
    out[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

static uint64_t kib_after(const char *text, const char *label)
{
    const char *found = strstr(text, label);
    return found ? strtoull(found + strlen(label), NULL, 10) * 1024 : 0;
}

void fleet_process_look(pid_t pid, struct fleet_process_seen *ret)
{
    char path[64], text[4096];
    *ret = (struct fleet_process_seen){0};
    (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (read_small(path, text, sizeof text) == 0)
        return;
    const char *rest = strrchr(text, ')'); /* a command's name may hold anything else */
    if (!rest || strlen(rest) < 4)
        return;
    ret->state = rest[2];
    for (int field = 2; field < 22 && rest; field++) /* 22 is the start time */
        rest = strchr(rest + 1, ' ');
    ret->started = rest ? strtoull(rest, NULL, 10) : 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", pid);
    if (read_small(path, text, sizeof text) > 0) {
        ret->resident_bytes = kib_after(text, "VmRSS:");
        ret->peak_bytes = kib_after(text, "VmHWM:");
    }
    (void)snprintf(path, sizeof path, "/proc/%d/schedstat",
                   pid); /* on a processor, waiting, slices */
    if (read_small(path, text, sizeof text) > 0 && (rest = strchr(text, ' ')) != NULL)
        ret->starved_us = strtoull(rest, NULL, 10) / 1000;
}

static bool is_called(pid_t pid, const char *name)
{
    char path[64], comm[32];
    (void)snprintf(path, sizeof path, "/proc/%d/comm", pid);
    size_t size = read_small(path, comm, sizeof comm);
    return size > 1 && text_equal(text_make(comm, size - 1), text_of(name));
}

pid_t fleet_process_child(pid_t parent, const char *name)
{
    char path[96], text[4096];
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", parent, parent);
    (void)read_small(path, text, sizeof text);
    pid_t best = 0;
    uint64_t youngest = 0;
    for (char *rest = text, *end; *rest; rest = end) {
        pid_t pid = (pid_t)strtol(rest, &end, 10);
        if (end == rest)
            break;
        struct fleet_process_seen seen;
        fleet_process_look(pid, &seen);
        if (is_called(pid, name) && seen.state && seen.state != 'Z' && seen.started >= youngest) {
            best = pid;
            youngest = seen.started;
        }
        end += *end == ' ';
    }
    return best;
}

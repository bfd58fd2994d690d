// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/process.h"

#include "media/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SOCKET_BUFFER_BYTES = 512 * 1024 };

static void set_actions(posix_spawn_file_actions_t *actions, int socket)
{
    posix_spawn_file_actions_init(actions);
    posix_spawn_file_actions_adddup2(actions, socket, WIRE_SOCKET);
    for (int fd = 0; fd < 3; fd++) {
#if defined(__SANITIZE_ADDRESS__)
        if (fd == 2)
            continue; /* its report belongs in the test's output */
#endif
        posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
    }
    posix_spawn_file_actions_addclosefrom_np(actions, WIRE_SOCKET + 1);
}

static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(attributes);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                             POSIX_SPAWN_SETPGROUP);
}

static int spawn(struct process *process, const struct process_plan *plan, int socket)
{
    char memory[24], path[] = "sostenuto-media", role[16], background[] = "background";
    snprintf(memory, sizeof memory, "%llu", (unsigned long long)plan->memory_bytes);
    snprintf(role, sizeof role, "%s", plan->role);
    char *argv[] = {path, role, memory, plan->is_background ? background : NULL, NULL},
         *environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    set_actions(&actions, socket);
    set_attributes(&attributes);
    int error = posix_spawn(&process->pid, plan->path, &actions, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return -error;
}

int process_start(struct process *process, const struct process_plan *plan)
{
    int pair[2], size = SOCKET_BUFFER_BYTES;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    *process = (struct process){.pidfd = -1, .socket = pair[0]};
    (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size,
                     sizeof size); /* an answer must fit in one message */
    (void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    int error = spawn(process, plan, pair[1]);
    close(pair[1]);
    if (!error && (process->pidfd = pidfd_open(process->pid, 0)) < 0) {
        error = -errno;
        kill(process->pid, SIGKILL);
        waitpid(process->pid, NULL, 0);
    }
    if (error) {
        close(pair[0]);
        *process = (struct process){.pidfd = -1, .socket = -1};
    }
    return error;
}

void process_kill(const struct process *process)
{
    if (process->pid)
        (void)pidfd_send_signal(process->pidfd, SIGKILL, NULL, 0);
}

int process_reap(struct process *process)
{
    int status = 0;
    if (!process->pid)
        return 0;
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(process->pidfd);
    close(process->socket);
    *process = (struct process){.pidfd = -1, .socket = -1};
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void process_end(struct process *process)
{
    process_kill(process);
    (void)process_reap(process);
}

uint64_t process_resident_bytes(const struct process *process)
{
    char path[64], line[128] = {0}, *at = line;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)process->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, line, sizeof line - 1);
    close(fd);
    if (got <= 0)
        return 0;
    (void)strtoull(at, &at, 10);
    return strtoull(at, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

int process_send(const struct process *process, const void *bytes, size_t size, const int fds[2])
{
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    int wanted[2];
    size_t count = 0;
    for (size_t i = 0; i < 2; i++)
        if (fds[i] >= 0)
            wanted[count++] = fds[i];
    struct iovec vector = {(void *)(uintptr_t)bytes, size};
    struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
    if (count) {
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(rights), wanted, count * sizeof(int));
    }
    return sendmsg(process->socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

ssize_t process_receive(const struct process *process, void *into, size_t capacity)
{
    ssize_t got;
    /* A peer that died with unread messages is told first (once); the answers it had sent lie
     * behind that. */
    while ((got = recv(process->socket, into, capacity, MSG_DONTWAIT | MSG_TRUNC)) < 0 &&
           (errno == EINTR || errno == ECONNRESET))
        ;
    if (got < 0)
        return -errno;
    return (size_t)got > capacity ? -EMSGSIZE : got;
}

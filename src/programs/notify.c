// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/notify.h"

#include "base/text.h"
#include "io/passed_fd.h"
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool send_message(int socket, const struct sockaddr_un *to, socklen_t to_size,
                         const char *state, int fd)
{
    struct iovec bytes = {.iov_base = (char *)(uintptr_t)state, .iov_len = strlen(state)};
    union passed_fd room;
    struct msghdr message = {.msg_name = (void *)(uintptr_t)to,
                             .msg_namelen = to_size,
                             .msg_iov = &bytes,
                             .msg_iovlen = 1};
    passed_fd_attach(&message, &room, fd);
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)bytes.iov_len;
}

static bool send_to_manager(const char *state, int fd)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = path ? strlen(path) : 0;
    if (size < 2 || size > sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
        return false;
    memcpy(address.sun_path, path, size);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* the abstract name space */
    int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (manager < 0)
        return false;
    socklen_t address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    bool is_sent = send_message(manager, &address, address_size, state, fd);
    (void)close(manager);
    return is_sent;
}

bool notify_send_fd(const struct notify *notify, const char *state, int fd)
{
    if (notify->channel >= 0)
        return send_message(notify->channel, NULL, 0, state, fd);
    return send_to_manager(state, fd);
}

bool notify_send(const struct notify *notify, const char *state)
{
    return notify_send_fd(notify, state, -1);
}

int notify_receive(int channel, char ret_state[static NOTIFY_MAX_BYTES], int *ret_fd)
{
    struct iovec bytes = {.iov_base = ret_state, .iov_len = NOTIFY_MAX_BYTES - 1};
    union passed_fd room = {.bytes = {0}};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
    passed_fd_expect(&message, &room);
    ssize_t got;
    do
        got = recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    ret_state[got] = '\0';
    *ret_fd = passed_fd_take(&message);
    return (int)got;
}

static struct text next_line(const char **state)
{
    size_t size = strcspn(*state, "\n");
    struct text line = text_make(*state, size);
    *state += size + ((*state)[size] == '\n');
    return line;
}

bool notify_says(const char *state, const char *line)
{
    while (*state)
        if (text_equal(next_line(&state), text_of(line)))
            return true;
    return false;
}

bool notify_value(const char *state, const char *key, char *ret_value, size_t capacity)
{
    size_t key_size = strlen(key);
    while (*state) {
        struct text line = next_line(&state);
        if (line.size < key_size || memcmp(line.data, key, key_size) != 0)
            continue;
        (void)snprintf(ret_value, capacity, "%.*s", (int)(line.size - key_size),
                       line.data + key_size);
        return true;
    }
    return false;
}

/* --- the watchdog --- */

static void feed(struct loop_timer *timer, uint64_t now_us)
{
    struct notify_watchdog *watchdog = CONTAINER_OF(timer, struct notify_watchdog, timer);
    bool is_well = watchdog->is_well(watchdog->context);
    if (is_well)
        (void)notify_send(watchdog->notify, "WATCHDOG=1");
    /* when it is not, soon again: there is as much time left */
    loop_timer_start(watchdog->loop, timer, now_us + watchdog->period_us / (is_well ? 1 : 8));
}

void notify_watchdog_start(struct notify_watchdog *watchdog, const struct notify *notify,
                           struct loop *loop, bool (*is_well)(void *context), void *context)
{
    const char *for_pid = getenv("WATCHDOG_PID"), *wanted = getenv("WATCHDOG_USEC");
    uint64_t pid, limit_us;
    *watchdog = (struct notify_watchdog){.timer = {.on_timer = feed},
                                         .loop = loop,
                                         .notify = notify,
                                         .is_well = is_well,
                                         .context = context};
    if (!wanted || !text_to_u64(text_of(wanted), &limit_us) || limit_us < 2)
        return;
    if (for_pid && (!text_to_u64(text_of(for_pid), &pid) || pid != (uint64_t)getpid()))
        return;
    watchdog->period_us = limit_us / 2;
    loop_timer_start(loop, &watchdog->timer, loop_now_us(loop) + watchdog->period_us);
}

void notify_watchdog_stop(struct notify_watchdog *watchdog) { loop_timer_stop(&watchdog->timer); }

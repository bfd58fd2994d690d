// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/notify.h"

#include "base/text.h"
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool notify_send(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = path ? strlen(path) : 0;
    if (size < 2 || size > sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
        return false;
    memcpy(address.sun_path, path, size);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* the abstract name space */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    socklen_t address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                          address_size);
    (void)close(fd);
    return sent == (ssize_t)strlen(state);
}

static void feed(struct loop_timer *timer, uint64_t now_us)
{
    struct notify_watchdog *watchdog = CONTAINER_OF(timer, struct notify_watchdog, timer);
    (void)notify_send("WATCHDOG=1");
    loop_timer_start(watchdog->loop, timer, now_us + watchdog->period_us);
}

void notify_watchdog_start(struct notify_watchdog *watchdog, struct loop *loop)
{
    const char *for_pid = getenv("WATCHDOG_PID"), *wanted = getenv("WATCHDOG_USEC");
    uint64_t pid, limit_us;
    *watchdog = (struct notify_watchdog){.timer = {.on_timer = feed}, .loop = loop};
    if (!wanted || !text_to_u64(text_of(wanted), &limit_us) || limit_us < 2)
        return;
    if (for_pid && (!text_to_u64(text_of(for_pid), &pid) || pid != (uint64_t)getpid()))
        return;
    watchdog->period_us = limit_us / 2;
    loop_timer_start(loop, &watchdog->timer, loop_now_us(loop) + watchdog->period_us);
}

void notify_watchdog_stop(struct notify_watchdog *watchdog) { loop_timer_stop(&watchdog->timer); }

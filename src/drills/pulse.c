// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/pulse.h"

#include "base/text.h"
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void close_question(struct pulse *pulse)
{
    loop_watch_remove(&pulse->watch);
    if (pulse->watch.fd >= 0)
        (void)close(pulse->watch.fd);
    pulse->watch.fd = -1;
}

static void end_question(struct pulse *pulse, bool is_answered, uint64_t now_us)
{
    close_question(pulse);
    if (!is_answered && !pulse->silent_us)
        pulse->silent_us = pulse->asked_us;
    if (is_answered) {
        uint64_t since_us = pulse->silent_us ? pulse->silent_us : pulse->asked_us;
        if (now_us - since_us > pulse->longest_us)
            pulse->longest_us = now_us - since_us;
        pulse->silent_us = 0;
    }
    uint64_t next_ms = is_answered ? PULSE_EVERY_MS : PULSE_AGAIN_MS;
    loop_timer_start(pulse->loop, &pulse->timer, now_us + next_ms * 1000);
}

static void ask_now(struct pulse *pulse, uint64_t now_us)
{
    static const struct text question =
        TEXT_INIT("GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    ssize_t sent = send(pulse->watch.fd, question.data, question.size, MSG_NOSIGNAL);
    if (sent != (ssize_t)question.size) {
        end_question(pulse, false, now_us);
        return;
    }
    pulse->is_asked = true;
    loop_watch_set(&pulse->watch, LOOP_READ);
}

static void on_events(struct loop_watch *watch, unsigned events UNUSED, uint64_t now_us)
{
    struct pulse *pulse = CONTAINER_OF(watch, struct pulse, watch);
    char answer[64];
    int error = 0;
    socklen_t size = sizeof error;
    (void)getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        end_question(pulse, false, now_us);
        return;
    }
    if (!pulse->is_asked) {
        ask_now(pulse, now_us);
        return;
    }
    ssize_t got = recv(watch->fd, answer, sizeof answer, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    bool is_good = got > 12 && text_starts(text_make(answer, (size_t)got), TEXT("HTTP/1.1 200"));
    end_question(pulse, is_good, now_us);
}

static bool open_question(struct pulse *pulse)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(pulse->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    pulse->watch = (struct loop_watch){.on_events = on_events, .fd = fd, .wanted = LOOP_WRITE};
    pulse->is_asked = false;
    return fd >= 0 &&
           (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ||
            errno == EINPROGRESS) &&
           loop_watch_add(pulse->loop, &pulse->watch) == 0;
}

static void on_timer(struct loop_timer *timer, uint64_t now_us)
{
    struct pulse *pulse = CONTAINER_OF(timer, struct pulse, timer);
    if (pulse->watch.fd >= 0) { /* no patience left */
        end_question(pulse, false, now_us);
        return;
    }
    pulse->asked_us = now_us;
    if (open_question(pulse))
        loop_timer_start(pulse->loop, timer, now_us + PULSE_PATIENCE_MS * 1000);
    else
        end_question(pulse, false, now_us);
}

void pulse_start(struct pulse *pulse, struct loop *loop, uint16_t port)
{
    *pulse = (struct pulse){.loop = loop, .port = port, .watch.fd = -1, .timer.on_timer = on_timer};
    loop_timer_start(loop, &pulse->timer, loop_now_us(loop));
}

void pulse_stop(struct pulse *pulse)
{
    if (!pulse->loop)
        return;
    loop_timer_stop(&pulse->timer);
    close_question(pulse);
    pulse->loop = NULL;
}

uint64_t pulse_silent_ms(const struct pulse *pulse, uint64_t now_us)
{
    uint64_t since_us = pulse->silent_us       ? pulse->silent_us
                        : pulse->watch.fd >= 0 ? pulse->asked_us
                                               : now_us;
    return now_us > since_us ? (now_us - since_us) / 1000 : 0;
}

uint64_t pulse_longest_ms(const struct pulse *pulse, uint64_t now_us)
{
    uint64_t now_ms = pulse_silent_ms(pulse, now_us);
    return now_ms > pulse->longest_us / 1000 ? now_ms : pulse->longest_us / 1000;
}

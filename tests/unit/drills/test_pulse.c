// SPDX-License-Identifier: GPL-3.0-or-later
/* A server that lives, is silent for a while, and lives again. */
#include "drills/pulse.h"
#include "tap.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fake {
    struct loop *loop;
    struct loop_watch listener, client; /* one at a time, as the pulse asks */
    struct loop_timer timer;
    bool is_silent;
    unsigned answered;
} fake;
static struct pulse pulse;

static void close_client(void)
{
    if (!fake.client._loop)
        return;
    loop_watch_remove(&fake.client);
    close(fake.client.fd);
}

static void on_question(struct loop_watch *watch, unsigned events UNUSED, uint64_t now_us UNUSED)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    char question[256];
    if (recv(watch->fd, question, sizeof question, 0) > 0)
        (void)send(watch->fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    fake.answered++;
    close_client();
}

static void on_accept(struct loop_watch *watch, unsigned events UNUSED, uint64_t now_us UNUSED)
{
    int fd = accept(watch->fd, NULL, NULL);
    close_client();
    fake.client = (struct loop_watch){.on_events = on_question, .fd = fd, .wanted = LOOP_READ};
    if (fake.is_silent || loop_watch_add(fake.loop, &fake.client) != 0)
        close(fd);
}

static void on_timer(struct loop_timer *timer, uint64_t now_us)
{
    static unsigned stage;
    stage++;
    if (stage == 1) {
        OK(fake.answered >= 2 && pulse_longest_ms(&pulse, now_us) < 100, "a living server answers");
        fake.is_silent = true;
    } else if (stage == 2) {
        OK(pulse_silent_ms(&pulse, now_us) >= 250, "silence is noticed");
        fake.is_silent = false;
    } else {
        uint64_t longest_ms = pulse_longest_ms(&pulse, now_us);
        OK(pulse_silent_ms(&pulse, now_us) < 100, "and its end");
        OK(longest_ms >= 300 && longest_ms < 700, "the longest silence is kept");
        loop_stop(fake.loop);
        return;
    }
    loop_timer_start(pulse.loop, timer, now_us + 400000);
}

int main(void)
{
    struct loop *loop = fake.loop = loop_new();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 16) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return 1;
    fake.listener = (struct loop_watch){.on_events = on_accept, .fd = fd, .wanted = LOOP_READ};
    fake.timer.on_timer = on_timer;
    if (loop_watch_add(loop, &fake.listener) != 0)
        return 1;
    pulse_start(&pulse, loop, ntohs(address.sin_port));
    loop_timer_start(loop, &fake.timer, loop_now_us(loop) + 400000);
    loop_run(loop);
    pulse_stop(&pulse);
    close_client();
    loop_watch_remove(&fake.listener);
    close(fd);
    loop_free(&loop);
    return tap_done();
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* The proxy before a server that answers each connection with what it gets, on real sockets. */
#include "drills/fault_proxy.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int listen_on(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return -1;
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static int dial(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    static const struct timeval patience = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void *echo(void *context)
{
    char bytes[4096];
    int fd = (int)(intptr_t)context;
    ssize_t got;
    while ((got = read(fd, bytes, sizeof bytes)) > 0)
        if (send(fd, bytes, (size_t)got, MSG_NOSIGNAL) != got)
            break;
    close(fd);
    return NULL;
}

/* Until its listener is shut down. */
static void *serve(void *context)
{
    int fd;
    while ((fd = accept(*(int *)context, NULL, NULL)) >= 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, echo, (void *)(intptr_t)fd) == 0)
            pthread_detach(thread);
    }
    return NULL;
}

/* Sends a text and reads it back; its time in ms, or -1 when the connection broke. */
static int64_t echo_ms(int fd, const char *words)
{
    char back[256];
    size_t size = strlen(words), got = 0;
    uint64_t begin = now_ms();
    if (send(fd, words, size, MSG_NOSIGNAL) != (ssize_t)size)
        return -1;
    while (got < size) {
        ssize_t part = recv(fd, back + got, sizeof back - got, 0);
        if (part <= 0)
            return -1;
        got += (size_t)part;
    }
    return memcmp(back, words, size) == 0 ? (int64_t)(now_ms() - begin) : -1;
}

static void settle(void)
{
    static const struct timespec moment = {.tv_nsec = 50000000};
    nanosleep(&moment, NULL);
}

static struct fault_proxy *proxy;

static void begin(struct scenario_fault fault)
{
    fault.share_percent = fault.share_percent ? fault.share_percent : 100;
    fault_proxy_begin(proxy, &fault);
    settle();
}

static void end(struct scenario_fault fault)
{
    fault_proxy_end(proxy, &fault);
    settle();
}

static void test_through(int fd)
{
    OK(echo_ms(fd, "hello") >= 0, "bytes come through, both ways");
    shutdown(fd, SHUT_WR);
    char byte;
    OK(recv(fd, &byte, 1, 0) == 0, "an end is passed on and comes back");
    struct fault_proxy_figures figures;
    fault_proxy_figures(proxy, &figures);
    OK(figures.connections >= 1 && figures.bytes_up >= 5 && figures.bytes_down >= 5, "and counted");
    close(fd);
}

static void test_delay(int fd)
{
    const struct scenario_fault fault = {
        .kind = FAULT_DELAY, .delay_ms = 150, .direction = FAULT_DOWN};
    begin(fault);
    int64_t slow = echo_ms(fd, "later");
    end(fault);
    int64_t quick = echo_ms(fd, "again");
    OK(slow >= 150 && slow < 1000, "a delay begins for a connection that stands");
    OK(quick >= 0 && quick < 120, "and ends");
    close(fd);
}

static void test_hole(int fd)
{
    const struct scenario_fault fault = {.kind = FAULT_BLACK_HOLE};
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    begin(fault);
    OK(send(fd, "lost?", 5, MSG_NOSIGNAL) == 5 && poll(&waiting, 1, 200) == 0,
       "nothing comes out of a black hole");
    end(fault);
    OK(poll(&waiting, 1, 5000) == 1, "what waited comes when it ends");
    close(fd);
}

static void test_cuts(uint16_t port)
{
    struct scenario_fault fault = {.kind = FAULT_REFUSE};
    char bytes[64];
    begin(fault);
    int fd = dial(port);
    OK(fd < 0 || recv(fd, bytes, 1, 0) <= 0, "a refused connection is reset");
    close(fd);
    end(fault);
    fault = (struct scenario_fault){.kind = FAULT_TRUNCATE, .bytes = 10, .direction = FAULT_DOWN};
    begin(fault);
    fd = dial(port);
    (void)send(fd, "0123456789abcdef", 16, MSG_NOSIGNAL);
    OK(recv(fd, bytes, sizeof bytes, MSG_WAITALL) == 10, "a truncated answer ends early");
    close(fd);
    end(fault);
    fault = (struct scenario_fault){.kind = FAULT_RESET, .delay_ms = 100};
    begin(fault);
    fd = dial(port);
    OK(recv(fd, bytes, 1, 0) < 0 && errno == ECONNRESET, "a reset is a reset");
    close(fd);
    end(fault);
}

static void test_share(uint16_t port)
{
    const struct scenario_fault fault = {.kind = FAULT_REFUSE, .share_percent = 30};
    unsigned refused = 0;
    begin(fault);
    for (int i = 0; i < 100; i++) {
        int fd = dial(port);
        refused += fd < 0 || echo_ms(fd, "x") < 0;
        close(fd);
    }
    end(fault);
    struct fault_proxy_figures figures;
    fault_proxy_figures(proxy, &figures);
    OK(refused > 15 && refused < 45, "a share of connections is hit");
    OK(figures.hits[FAULT_REFUSE] >= refused, "and counted as hit");
}

int main(void)
{
    uint16_t port = 0;
    int listener = listen_on(&port);
    pthread_t server;
    if (listener < 0 || pthread_create(&server, NULL, serve, &listener) != 0)
        return 1;
    proxy = fault_proxy_start(port, 42);
    OK(proxy, "a proxy starts");
    uint16_t front = fault_proxy_port(proxy);
    test_through(dial(front));
    test_delay(dial(front));
    test_hole(dial(front));
    test_cuts(front);
    test_share(front);
    int last = dial(front);
    fault_proxy_stop(&proxy);
    char byte;
    OK(!proxy && recv(last, &byte, 1, 0) <= 0, "stopping cuts what stands");
    close(last);
    shutdown(listener, SHUT_RDWR);
    pthread_join(server, NULL);
    close(listener);
    return tap_done();
}

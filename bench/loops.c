// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * loops: what it costs that loops talk by messages.
 *
 *   loops [REQUESTS]
 *
 * Prints processor time per message: between awake loops, many at once; and there and back between
 * sleeping ones.  Then a server on two loops is asked by another process on 16 connections that all
 * live on loop 1: processor time of the server per request for a route that runs anywhere, and for
 * one that runs at home.  The difference is what a home request that is read elsewhere costs more.
 */
#include "io/clock.h"
#include "io/loop_group.h"
#include "io/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BATCHES = 800, BATCH = 1000, HOPS = 200000, CONNECTIONS = 16 };

static struct loop *home;
static struct loop_group *group;
static uint64_t arrived, hops;

static double cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void say(const char *what, double us, double wall_us, uint64_t count)
{
    printf("%-44s %8.0f ns CPU, %8.0f ns wall\n", what, us * 1000 / (double)count,
           wall_us * 1000 / (double)count);
}

/* --- messages --- */

static void arrive(void *context UNUSED)
{
    if (++arrived == (uint64_t)BATCHES * BATCH)
        loop_stop(home);
}

static void send_batch(void *left)
{
    for (int i = 0; i < BATCH; i++)
        loop_post(home, arrive, NULL);
    if ((intptr_t)left > 1)
        loop_post(loop_group_at(group, 1), send_batch, (void *)((intptr_t)left - 1));
}

static void hop(void *context UNUSED)
{
    if (++hops == HOPS)
        loop_stop(home);
    else
        loop_post(loop_group_at(group, hops % 2), hop, NULL);
}

static void bench_messages(void)
{
    home = loop_new();
    group = loop_group_start(home, 2);
    double before = cpu_us(), start = (double)clock_monotonic_us();
    loop_post(loop_group_at(group, 1), send_batch, (void *)(intptr_t)BATCHES);
    loop_run(home);
    say("message, a thousand at once", cpu_us() - before, (double)clock_monotonic_us() - start,
        (uint64_t)BATCHES * BATCH);
    before = cpu_us(), start = (double)clock_monotonic_us();
    loop_post(home, hop, NULL);
    loop_run(home);
    say("message to a sleeping loop", cpu_us() - before, (double)clock_monotonic_us() - start,
        HOPS);
    loop_group_stop(&group);
    loop_free(&home);
}

/* --- requests --- */

static uint64_t requests = 100000;
static double mark_cpu, mark_wall;
static unsigned marks;

static void on_where(struct exchange *exchange, void *context UNUSED)
{
    exchange_send_text(exchange, 200, "text/plain",
                       exchange_loop_index(exchange) ? TEXT("1") : TEXT("0"));
}

static void on_plain(struct exchange *exchange, void *context UNUSED)
{
    exchange_send_text(exchange, 200, "text/plain", TEXT("hello"));
}

/* First, between and last. */
static void on_mark(struct exchange *exchange, void *context UNUSED)
{
    static const char *const what[] = {"", "request that runs anywhere",
                                       "request that runs at home"};
    double cpu = cpu_us(), wall = (double)clock_monotonic_us();
    if (marks > 0)
        say(what[marks], cpu - mark_cpu, wall - mark_wall, requests);
    mark_cpu = cpu;
    mark_wall = wall;
    exchange_send_empty(exchange, 204);
    if (++marks == 3)
        loop_stop(home);
}

static int listening_socket(struct sockaddr_in *address)
{
    socklen_t size = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || bind(fd, (const struct sockaddr *)address, size) || listen(fd, 512) ||
        getsockname(fd, (struct sockaddr *)address, &size))
        abort();
    return fd;
}

static void send_request(int fd, const char *path)
{
    char request[100];
    int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);
    if (send(fd, request, (size_t)size, MSG_NOSIGNAL) != size)
        abort();
}

/* The last byte of the answer. */
static char take_answer(int fd)
{
    char answer[2048];
    ssize_t got = recv(fd, answer, sizeof answer, 0);
    if (got <= 0)
        abort();
    return answer[got - 1];
}

static int connection_of_loop_1(const struct sockaddr_in *address)
{
    for (int tries = 0; tries < 1000; tries++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (const struct sockaddr *)address, sizeof *address))
            abort();
        send_request(fd, "/where");
        if (take_answer(fd) == '1')
            return fd; /* those of the home loop stay open too, or it would be chosen again */
    }
    abort();
}

static void be_client(const struct sockaddr_in *address)
{
    static const char *const paths[] = {"/anywhere", "/home"};
    int fds[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++)
        fds[i] = connection_of_loop_1(address);
    for (int kind = 0; kind < 2; kind++) {
        send_request(fds[0], "/mark");
        take_answer(fds[0]);
        for (uint64_t round = 0; round < requests / CONNECTIONS; round++) {
            for (int i = 0; i < CONNECTIONS; i++)
                send_request(fds[i], paths[kind]);
            for (int i = 0; i < CONNECTIONS; i++)
                take_answer(fds[i]);
        }
    }
    send_request(fds[0], "/mark");
    take_answer(fds[0]);
    _exit(0);
}

static void bench_requests(void)
{
    const struct server_route routes[] = {
        {.methods = "GET", .path = "/where", .handler = on_where, .runs_anywhere = true},
        {.methods = "GET", .path = "/anywhere", .handler = on_plain, .runs_anywhere = true},
        {.methods = "GET", .path = "/home", .handler = on_plain},
        {.methods = "GET", .path = "/mark", .handler = on_mark},
    };
    struct sockaddr_in address;
    int fd = listening_socket(&address);
    pid_t client = fork(); /* before there are threads */
    if (client == 0)
        be_client(&address);
    struct server_config config = server_config_default();
    config.limits.loops = 2;
    config.limits.max_requests_per_connection = UINT32_MAX;
    home = loop_new();
    struct server *server = server_new(home, &config);
    for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
        server_route(server, &routes[i]);
    if (server_listen(server, fd, NULL))
        abort();
    loop_run(home);
    server_free(&server);
    loop_free(&home);
    waitpid(client, NULL, 0);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        requests = strtoull(argv[1], NULL, 10);
    bench_messages();
    fflush(stdout);
    bench_requests();
    return 0;
}

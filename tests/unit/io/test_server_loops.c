// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One server on four loops, asked by threads with blocking sockets: who serves which connection,
 * home and anywhere routes mixed, streams, clients that leave, and a drain in the middle.
 */
#include "base/counters.h"
#include "base/mem.h"
#include "io/server.h"
#include "io/workers.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOOPS = 4, CONNECTIONS = 400, CLIENTS = 6, FOLLOWERS_MAX = 64 };

static struct loop *home;
static struct server *server;
static struct workers *workers;
static pthread_t home_thread;
static uint16_t port;

/* Only the home loop touches these; tsan would tell. */
static unsigned handled_at_home, pipes_started, pipes_ended, followers_started, followers_ended;
static bool were_all_at_home = true;
static struct exchange *followers[FOLLOWERS_MAX];

static atomic_uint handled_on[LOOPS], lines_logged;

static void look_where(void)
{
    were_all_at_home &= pthread_equal(pthread_self(), home_thread) != 0;
}

/* --- handlers --- */

static void on_anywhere(struct exchange *exchange, void *context UNUSED)
{
    atomic_fetch_add(&handled_on[exchange_loop_index(exchange)], 1);
    exchange_send_text(exchange, 200, "text/plain", TEXT("anywhere"));
}

static void on_home(struct exchange *exchange, void *context UNUSED)
{
    look_where();
    handled_at_home++;
    exchange_send_text(exchange, 200, "text/plain", TEXT("home"));
}

static void on_either(struct exchange *exchange, void *context)
{
    exchange_go_home(exchange, on_home, context);
}

static void work(void *context UNUSED) { usleep(2000); }
static void on_worked(void *context) { on_home(context, NULL); }
static void on_slow(struct exchange *exchange, void *context UNUSED)
{
    look_where();
    if (!workers_submit(workers, exchange_loop(exchange), work, on_worked, exchange))
        exchange_send_problem(exchange, 503, "Busy", "All workers are busy.");
}

static void on_pipe_end(void *context UNUSED, int error UNUSED)
{
    look_where();
    pipes_ended++;
}

static void on_pipe(struct exchange *exchange, void *context UNUSED)
{
    static const char bytes[40000];
    int ends[2];
    look_where();
    if (pipe2(ends, O_CLOEXEC))
        return;
    pipes_started++;
    OK(write(ends[1], bytes, sizeof bytes) == sizeof bytes, "a pipe takes what the test puts in");
    close(ends[1]);
    exchange_send_pipe(exchange, "audio/ogg", ends[0], on_pipe_end, NULL);
}

static void on_followed(void *context)
{
    look_where();
    *(struct exchange **)context = NULL;
    followers_ended++;
}

static void on_events(struct exchange *exchange, void *context UNUSED)
{
    look_where();
    for (int i = 0; i < FOLLOWERS_MAX; i++) {
        if (followers[i])
            continue;
        followers_started++;
        followers[i] = exchange;
        exchange_events_start(exchange, on_followed, &followers[i]);
        exchange_events_send(exchange, "welcome", TEXT_NONE, TEXT("first"));
        return;
    }
    exchange_send_problem(exchange, 503, "Busy", "Too many followers.");
}

static void on_tell(struct exchange *exchange, void *context UNUSED)
{
    look_where();
    for (int i = 0; i < FOLLOWERS_MAX; i++)
        if (followers[i])
            exchange_events_send(followers[i], NULL, TEXT_NONE, TEXT("something happened"));
    exchange_send_empty(exchange, 204);
}

static void count_lines(void *context UNUSED, struct text lines)
{
    for (size_t i = 0; i < lines.size; i++)
        if (lines.data[i] == '\n')
            atomic_fetch_add(&lines_logged, 1);
}

/* --- the server --- */

static int listening_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    OK(fd >= 0 && bind(fd, (const struct sockaddr *)&address, size) == 0 && listen(fd, 512) == 0 &&
           getsockname(fd, (struct sockaddr *)&address, &size) == 0,
       "a port is free");
    port = ntohs(address.sin_port);
    return fd;
}

static void start_server(void)
{
    static const struct server_route routes[] = {
        {.methods = "GET", .path = "/anywhere", .handler = on_anywhere, .runs_anywhere = true},
        {.methods = "GET", .path = "/either", .handler = on_either, .runs_anywhere = true},
        {.methods = "GET", .path = "/home", .handler = on_home},
        {.methods = "GET", .path = "/slow", .handler = on_slow},
        {.methods = "GET", .path = "/pipe", .handler = on_pipe},
        {.methods = "GET", .path = "/events", .handler = on_events},
        {.methods = "GET", .path = "/tell", .handler = on_tell},
    };
    struct server_config config = server_config_default();
    config.limits.loops = LOOPS;
    config.access_sink = count_lines;
    server = server_new(home, &config);
    for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
        server_route(server, &routes[i]);
    OK(server_loop_count(server) == LOOPS && server_loop(server, 0) == home,
       "the server has the loops it was told to have, the first its owner's");
    OK(server_listen(server, listening_socket(), NULL) == 0, "all of them listen");
}

/* --- clients --- */

static int join_server(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    const struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static bool ask(int fd, const char *path)
{
    char request[128];
    int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);
    return send(fd, request, (size_t)size, MSG_NOSIGNAL) == size;
}

/* One answer that fits into one read, and is a good one. */
static bool hears(int fd, const char *what)
{
    char answer[4096] = "";
    ssize_t got = recv(fd, answer, sizeof answer - 1, 0);
    return got > 0 && strncmp(answer, "HTTP/1.1 20", 11) == 0 && strstr(answer, what);
}

/* All clients' threads run `client`, the home loop runs until all have ended. */
static atomic_int running;

static void stop_home(void *context UNUSED) { loop_stop(home); }

static void end_client(void)
{
    if (atomic_fetch_sub(&running, 1) == 1)
        loop_post(home, stop_home, NULL);
}

static void run_clients(void *(*client)(void *), int count)
{
    pthread_t threads[CLIENTS];
    atomic_store(&running, count);
    for (intptr_t i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, client, (void *)i))
            return;
    loop_run(home);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

/* --- the spread --- */
static atomic_uint unanswered;

static void *spread(void *context UNUSED)
{
    int fds[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++)
        fds[i] = join_server();
    for (int i = 0; i < CONNECTIONS; i++)
        if (!ask(fds[i], "/anywhere") || !hears(fds[i], "anywhere"))
            atomic_fetch_add(&unanswered, 1);
    for (int i = 0; i < CONNECTIONS; i++)
        close(fds[i]);
    end_client();
    return NULL;
}

static void test_spread(void)
{
    unsigned least = CONNECTIONS;
    run_clients(spread, 1);
    for (int i = 0; i < LOOPS; i++)
        least = handled_on[i] < least ? handled_on[i] : least;
    OK(unanswered == 0, "400 connections on four loops are all answered");
    OK(least >= CONNECTIONS / LOOPS / 2, "no loop has less than half of its share of them");
    printf("# %u %u %u %u\n", handled_on[0], handled_on[1], handled_on[2], handled_on[3]);
}

/* --- everything at once --- */
static atomic_uint wrong, asked;

/* Follows one kind of path for a while; every third connection is left in the middle. */
static void *mixed(void *context)
{
    static const char *const paths[] = {"/anywhere", "/home", "/either",
                                        "/slow",     "/pipe", "/events"};
    static const char *const answers[] = {"anywhere", "home", "home", "home", "audio/ogg", "event"};
    intptr_t kind = (intptr_t)context;
    for (int round = 0; round < 60; round++) {
        int fd = join_server();
        for (int i = 0; i < 5; i++) {
            bool is_stream = kind >= 4, leaves = round % 3 == 0 && i == 3;
            atomic_fetch_add(&asked, 1);
            if (!ask(fd, paths[kind]) || (!leaves && !hears(fd, answers[kind])))
                atomic_fetch_add(&wrong, 1);
            if (kind == 5 && !(ask(fd, "/tell")))
                atomic_fetch_add(&wrong, 1);
            if (is_stream || leaves)
                break;
        }
        close(fd);
    }
    end_client();
    return NULL;
}

static void test_mixed(void)
{
    run_clients(mixed, CLIENTS);
    OK(wrong == 0, "home and anywhere routes, workers, pipes and events answer at the same time");
    OK(were_all_at_home && handled_at_home > 0, "home handlers and callbacks run at home alone");
    OK(counter_get(COUNTER_AWAY) > 0, "some of them for connections of other loops");
}

/* --- a loop that hangs --- */

static atomic_bool hangs;

static void hang(void *context UNUSED)
{
    while (atomic_load(&hangs))
        usleep(1000);
}

static void test_hanging(void)
{
    atomic_store(&hangs, true);
    loop_post(server_loop(server, 2), hang, NULL);
    OK(server_is_lively(server), "at first nobody owes a sign of life");
    usleep(50000);
    OK(!server_is_lively(server), "a loop that hangs does not give the one that it was asked for");
    atomic_store(&hangs, false);
    bool is_lively = false;
    for (int tries = 0; tries < 200 && !is_lively; tries++) {
        usleep(20000);
        is_lively = server_is_lively(server);
    }
    OK(is_lively, "and is well again when it goes on");
}

/* --- drain in the middle --- */

static void on_drained(void *context UNUSED) { loop_stop(home); }
static void drain(void *context UNUSED) { server_drain(server, 5000000, on_drained, NULL); }

static atomic_uint cut;

/* Asks until the server goes away; what was asked before it closed is answered whole. */
static void *until_the_end(void *context)
{
    static const char *const paths[] = {"/anywhere", "/home", "/slow", "/events"};
    const char *path = paths[(intptr_t)context % 4];
    int fd;
    while ((fd = join_server()) >= 0) {
        char byte;
        if (ask(fd, path) && recv(fd, &byte, 1, 0) == 1 && byte != 'H')
            atomic_fetch_add(&cut, 1);
        close(fd);
    }
    return NULL;
}

static void *drain_soon(void *context)
{
    usleep(200000);
    loop_post(home, drain, NULL);
    return context;
}

static void test_drain(void)
{
    pthread_t threads[CLIENTS], drainer;
    for (intptr_t i = 0; i < CLIENTS; i++)
        if (pthread_create(&threads[i], NULL, until_the_end, (void *)i))
            return;
    if (pthread_create(&drainer, NULL, drain_soon, NULL))
        return;
    loop_run(home);
    pthread_join(drainer, NULL);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    OK(cut == 0, "a drain under load ends with whole answers");
    OK(counter_get(COUNTER_CONNECTIONS_OPEN) == 0, "and without connections");
}

int main(void)
{
    home_thread = pthread_self();
    home = loop_new();
    workers = workers_start("test", 2, 64);
    start_server();
    test_spread();
    test_mixed();
    test_hanging();
    test_drain();
    workers_stop(&workers);
    server_free(&server);
    OK(pipes_started > 0 && pipes_ended == pipes_started, "each pipe was ended once");
    OK(followers_started > 0 && followers_ended == followers_started,
       "each stream of events was closed once");
    OK(lines_logged >= CONNECTIONS && lines_logged <= counter_get(COUNTER_REQUESTS),
       "every answer has its line in the log by then");
    loop_free(&home);
    return tap_done();
}

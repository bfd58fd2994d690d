// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/handover.h"

#include "base/mem.h"
#include "io/handover_message.h"
#include "tap.h"
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- messages --- */

static void test_messages(void)
{
    int pair[2], fd = -1;
    char *room = mem_alloc(HANDOVER_MAX_BYTES);
    struct handover_message got, sent = {.kind = HANDOVER_CONNECTION,
                                         .stage = HANDOVER_AT_HEADER,
                                         .port = 4747,
                                         .request_count = 7,
                                         .address = address_v4(0x7f000001),
                                         .bytes = TEXT("GET / HT")};
    int failed = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
    OK(!failed && handover_send(pair[0], &sent, pair[0]) == 0 &&
           handover_receive(pair[1], room, &got, &fd) == 1,
       "a connection goes over");
    OK(fd >= 0 && got.port == 4747 && got.request_count == 7 && got.stage == HANDOVER_AT_HEADER,
       "with its socket and its past");
    OK_TEXT(got.bytes, TEXT("GET / HT"), "and with what was read of its next request");
    (void)close(fd);
    OK(handover_receive(pair[1], room, &got, &fd) == -EAGAIN, "then there is nothing");
    OK(handover_send(pair[0], &sent, -1) == 0 &&
           handover_receive(pair[1], room, &got, &fd) == -EPROTO,
       "a connection without its socket is none");
    const struct handover_message channel = {.kind = HANDOVER_CHANNEL};
    OK(handover_send(pair[0], &channel, -1) == 0 &&
           handover_receive(pair[1], room, &got, &fd) == -EPROTO,
       "nor is a channel without its own");
    char foreign[HANDOVER_HEAD_BYTES] = {HANDOVER_MAJOR + 1, HANDOVER_FREE};
    OK(send(pair[0], foreign, sizeof foreign, 0) > 0 &&
           handover_receive(pair[1], room, &got, &fd) == -EPROTO,
       "another major version is not understood");
    OK(send(pair[0], "x", 1, 0) == 1 && handover_receive(pair[1], room, &got, &fd) == -EPROTO,
       "nor is a fragment");
    int sends = 0;
    while (sends < 100000 && handover_send(pair[0], &sent, pair[0]) == 0)
        sends++;
    OK(sends > 10 && handover_send(pair[0], &sent, pair[0]) == -EAGAIN, "a full channel says so");
    (void)close(pair[0]);
    while (handover_receive(pair[1], room, &got, &fd) == 1)
        (void)close(fd);
    OK(handover_receive(pair[1], room, &got, &fd) == 0, "its end is an end");
    (void)close(pair[1]);
    mem_free(room);
}

/* --- servers, each on two loops, under people who keep their connections --- */

/* Every other generation is followed at once, while its own predecessor still hands over. */
enum { PEOPLE = 24, GENERATIONS = 9, ASKS_A_GENERATION = 60, LOOK_US = 5000, PATIENCE_S = 60 };

static struct loop *home;
static struct server *servers[GENERATIONS];
static size_t serving;
static uint16_t port;
static int listening;
static struct loop_timer look;
static uint64_t give_up_at_us;
static unsigned next_at_asks;
static size_t done_count;
static bool are_people_gone;
static atomic_bool is_over;
static atomic_uint asked, failed;

static void answer(struct exchange *exchange, void *context UNUSED)
{
    exchange_send_text(exchange, 200, "text/plain", TEXT("ok"));
}

static struct server *serve(void)
{
    struct server_config config = server_config_default();
    config.limits.loops = 2;
    struct server *server = server_new(home, &config);
    const struct server_route routes[] = {
        {.methods = "GET", .path = "/home", .handler = answer},
        {.methods = "GET", .path = "/any", .handler = answer, .runs_anywhere = true}};
    for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
        server_route(server, &routes[i]);
    int error = server_listen(server, dup(listening), NULL);
    return error ? NULL : server;
}

static void on_quiet(void *context)
{
    struct server *server = context;
    server_handed_over(server);
}

static void on_done(void *context UNUSED) { done_count++; }

static void begin_generation(void)
{
    int pair[2];
    int error = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair);
    struct server *old = servers[serving++];
    servers[serving] = serve();
    const struct server_handover handover = {.channel = pair[0],
                                             .quiet_us = 10000000,
                                             .grace_us = 20000000,
                                             .on_quiet = on_quiet,
                                             .on_done = on_done,
                                             .context = old};
    server_hand_over(old, &handover);
    if (error || server_adopt(servers[serving], pair[1]))
        atomic_fetch_add(&failed, 1);
}

/* Time passes by what people get done, however busy the machine is. */
static void on_look(struct loop_timer *timer, uint64_t now_us)
{
    if (serving + 1 == GENERATIONS) {
        atomic_store(&is_over, true);
    } else if (atomic_load(&asked) >= next_at_asks) {
        next_at_asks = atomic_load(&asked) + ASKS_A_GENERATION;
        begin_generation();
        begin_generation();
    }
    if (now_us > give_up_at_us || (are_people_gone && done_count == GENERATIONS - 1))
        loop_stop(home);
    else
        loop_timer_start(home, timer, now_us + LOOK_US);
}

static bool ask(int fd, const char *request, size_t pause_at)
{
    char got[1024];
    size_t size = strlen(request), have = 0;
    if (send(fd, request, pause_at, MSG_NOSIGNAL) != (ssize_t)pause_at)
        return false;
    if (pause_at < size)
        usleep(1000);
    if (send(fd, request + pause_at, size - pause_at, MSG_NOSIGNAL) != (ssize_t)(size - pause_at))
        return false;
    while (have < sizeof got - 1) {
        ssize_t more = recv(fd, got + have, sizeof got - 1 - have, 0);
        if (more <= 0)
            return false;
        have += (size_t)more;
        got[have] = '\0';
        if (strstr(got, "\r\n\r\nok"))
            return strncmp(got, "HTTP/1.1 200", 12) == 0 && !strstr(got, "close");
    }
    return false;
}

static void *live(void *context)
{
    static const char *const requests[] = {"GET /home HTTP/1.1\r\nHost: x\r\n\r\n",
                                           "GET /any HTTP/1.1\r\nHost: x\r\n\r\n"};
    size_t who = (size_t)(uintptr_t)context;
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_good = connect(fd, (const struct sockaddr *)&to, sizeof to) == 0;
    for (size_t i = 0; is_good && !atomic_load(&is_over); i++) {
        const char *request = requests[(who + i) % 2];
        is_good = ask(fd, request, i % 3 == 0 ? 9 : strlen(request));
        atomic_fetch_add(&asked, 1);
        usleep((useconds_t)(500 + who * 300)); /* some are idle for long, some never */
    }
    if (!is_good)
        atomic_fetch_add(&failed, 1);
    (void)close(fd);
    return NULL;
}

static void note_end(void *context UNUSED) { are_people_gone = true; }

static void *end_with_people(void *context)
{
    pthread_t *people = context;
    for (size_t i = 0; i < PEOPLE; i++)
        (void)pthread_join(people[i], NULL);
    loop_post(home, note_end, NULL);
    return NULL;
}

static bool open_socket(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is_open = bind(listening, (const struct sockaddr *)&at, size) == 0 &&
                   listen(listening, 256) == 0 &&
                   getsockname(listening, (struct sockaddr *)&at, &size) == 0;
    port = ntohs(at.sin_port);
    return is_open;
}

static void test_generations(void)
{
    pthread_t people[PEOPLE], last = 0;
    home = loop_new();
    bool is_good = open_socket();
    servers[0] = serve();
    look.on_timer = on_look;
    next_at_asks = ASKS_A_GENERATION;
    give_up_at_us = loop_now_us(home) + PATIENCE_S * UINT64_C(1000000);
    loop_timer_start(home, &look, loop_now_us(home) + LOOK_US);
    for (size_t i = 0; i < PEOPLE; i++)
        is_good = is_good && pthread_create(&people[i], NULL, live, (void *)(uintptr_t)i) == 0;
    is_good = is_good && pthread_create(&last, NULL, end_with_people, people) == 0;
    loop_run(home);
    (void)pthread_join(last, NULL);
    loop_timer_stop(&look);
    OK(is_good && serving + 1 == GENERATIONS, "people ask and ask, through nine servers");
    OK(atomic_load(&failed) == 0, "each keeps one connection for all and gets every answer");
    OK(done_count == GENERATIONS - 1, "each generation knows when its last connection has gone");
    for (size_t i = 0; i < GENERATIONS; i++)
        server_free(&servers[i]);
    (void)close(listening);
    loop_free(&home);
}

int main(void)
{
    test_messages();
    test_generations();
    return tap_done();
}

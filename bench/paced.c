// SPDX-License-Identifier: GPL-3.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/*
 * paced: listeners who ask for one segment each so many seconds, each on a connection that stays.
 *
 *     bench/paced --port P --listeners N --objects FILE --grants FILE [--every MS] [--rounds N]
 *
 * Listener i is due at i * every / N and every `every` ms from then on: in the first round it
 * connects, and the later ones are counted.  A segment takes from the moment at which it was *due*
 * to its last byte, so a server that stalls is charged for all who should have asked meanwhile;
 * how late this process itself was to send is told beside it.  An object is a line of the file
 * (a path), asked for in turn from another one for each listener; a grant is one, too.  Bodies are
 * counted and dropped in the kernel.  Prints one line of JSON.
 */
enum { PEEK_BYTES = 4096, LINE_BYTES = 512, EVENTS = 512, SPARE_FILES = 64 };

enum stage { STAGE_CLOSED, STAGE_CONNECTING, STAGE_HEAD, STAGE_BODY, STAGE_IDLE };

struct person {
    int fd;
    enum stage stage;
    uint64_t due_us, sent_us, left;
    bool counts; /* not of the first round */
};

struct lines {
    char **line;
    size_t count;
};

struct times {
    uint32_t *us;
    size_t count, room;
};

struct bench {
    int epoll_fd;
    uint16_t port;
    struct lines objects, grants;
    uint32_t count, rounds;
    uint64_t every_us, began_us;
    struct person *people;
    struct times took, asked, late;
    uint64_t bytes, least_bytes, most_bytes, refused, cut, overrun;
};

static uint64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void refuse(const char *why)
{
    fprintf(stderr, "paced: %s\n", why);
    exit(2);
}

static bool read_lines(const char *path, struct lines *ret)
{
    char line[LINE_BYTES];
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = '\0';
        ret->line = realloc(ret->line, (ret->count + 1) * sizeof *ret->line);
        if (!ret->line || !(ret->line[ret->count++] = strdup(line)))
            abort();
    }
    if (file)
        fclose(file);
    return ret->count > 0;
}

static void add(struct times *times, uint64_t us)
{
    if (times->count < times->room)
        times->us[times->count++] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

/* --- one listener --- */

static void hang_up(struct person *person)
{
    if (person->stage != STAGE_CLOSED)
        close(person->fd);
    person->stage = STAGE_CLOSED;
}

static void call_up(struct bench *bench, struct person *person)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(bench->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = person};
    const int on = 1;
    person->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (person->fd < 0)
        refuse("no socket: ulimit -n?");
    (void)setsockopt(person->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    person->stage = STAGE_CONNECTING;
    if ((connect(person->fd, (struct sockaddr *)&address, sizeof address) != 0 &&
         errno != EINPROGRESS) ||
        epoll_ctl(bench->epoll_fd, EPOLL_CTL_ADD, person->fd, &event) != 0) {
        bench->refused++;
        hang_up(person);
    }
}

static void ask(struct bench *bench, struct person *person)
{
    char text[2 * LINE_BYTES];
    size_t who = (size_t)(person - bench->people);
    size_t turn = (size_t)((person->due_us - bench->began_us) / bench->every_us);
    int size =
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: bench\r\nSostenuto-Grant: %s\r\n\r\n",
                 bench->objects.line[(who * 7 + turn) % bench->objects.count],
                 bench->grants.line[who % bench->grants.count]);
    person->sent_us = now_us();
    person->stage = STAGE_HEAD;
    if (send(person->fd, text, (size_t)size, MSG_NOSIGNAL) != size) {
        bench->cut++;
        hang_up(person);
        return;
    }
    if (person->counts)
        add(&bench->late, person->sent_us - person->due_us);
}

/* True when the head is there; then `left` is the body's. */
static bool take_head(struct bench *bench, struct person *person)
{
    char bytes[PEEK_BYTES + 1];
    ssize_t size = recv(person->fd, bytes, PEEK_BYTES, MSG_PEEK);
    if (size <= 0) {
        if (size == 0 || errno != EAGAIN) {
            bench->cut++;
            hang_up(person);
        }
        return false;
    }
    bytes[size] = '\0';
    char *end = strstr(bytes, "\r\n\r\n"), *length = strcasestr(bytes, "\r\ncontent-length: ");
    if (!end)
        return false;
    if (strncmp(bytes, "HTTP/1.1 200 ", 13) != 0 || !length || length > end) {
        if (bench->refused++ == 0)
            fprintf(stderr, "paced: refused: %.*s\n", (int)strcspn(bytes, "\r"), bytes);
        hang_up(person);
        return false;
    }
    person->left = strtoull(length + strlen("\r\ncontent-length: "), NULL, 10);
    if (person->left < bench->least_bytes)
        bench->least_bytes = person->left;
    if (person->left > bench->most_bytes)
        bench->most_bytes = person->left;
    person->stage = STAGE_BODY;
    return recv(person->fd, bytes, (size_t)(end + 4 - bytes), 0) == end + 4 - bytes;
}

static void take_body(struct bench *bench, struct person *person)
{
    while (person->left > 0) {
        ssize_t size = recv(person->fd, NULL, (size_t)person->left, MSG_TRUNC);
        if (size < 0 && errno == EAGAIN)
            return;
        if (size <= 0) {
            bench->cut++;
            hang_up(person);
            return;
        }
        bench->bytes += (uint64_t)size;
        person->left -= (uint64_t)size;
    }
    person->stage = STAGE_IDLE;
    if (person->counts) {
        uint64_t now = now_us();
        add(&bench->took, now - person->due_us);
        add(&bench->asked, now - person->sent_us);
    }
}

static void on_event(struct bench *bench, struct person *person, uint32_t events)
{
    if (person->stage == STAGE_CONNECTING) {
        if (events & (EPOLLERR | EPOLLHUP)) {
            bench->refused++;
            hang_up(person);
        } else if (events & EPOLLOUT) {
            ask(bench, person);
        }
    } else if (person->stage == STAGE_IDLE && (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP))) {
        hang_up(person);
    }
    if (person->stage == STAGE_HEAD && (events & EPOLLIN) && !take_head(bench, person))
        return;
    if (person->stage == STAGE_BODY)
        take_body(bench, person);
}

/* --- all of them --- */

static void become_due(struct bench *bench, struct person *person, uint64_t due_us, bool counts)
{
    if (person->stage != STAGE_CLOSED && person->stage != STAGE_IDLE) {
        bench->overrun++; /* the last one is still on its way: a listener in silence */
        hang_up(person);
    }
    person->due_us = due_us;
    person->counts = counts;
    if (person->stage == STAGE_CLOSED)
        call_up(bench, person);
    else
        ask(bench, person);
}

static void wait_until(struct bench *bench, uint64_t due_us)
{
    struct epoll_event events[EVENTS];
    uint64_t now = now_us(), wait_us = due_us > now ? due_us - now : 0;
    const struct timespec wait = {(time_t)(wait_us / 1000000), (long)(wait_us % 1000000) * 1000};
    int count = epoll_pwait2(bench->epoll_fd, events, EVENTS, &wait, NULL);
    for (int i = 0; i < count; i++)
        on_event(bench, events[i].data.ptr, events[i].events);
}

static void run(struct bench *bench)
{
    uint64_t turns = (uint64_t)bench->count * bench->rounds;
    bench->began_us = now_us();
    for (uint64_t turn = 0; turn < turns; turn++) {
        uint64_t due_us = bench->began_us + turn * bench->every_us / bench->count;
        do
            wait_until(bench, due_us);
        while (now_us() < due_us);
        become_due(bench, &bench->people[turn % bench->count], due_us, turn >= bench->count);
    }
    uint64_t end_us = now_us() + bench->every_us;
    while (bench->took.count < bench->late.count && now_us() < end_us)
        wait_until(bench, now_us() + 10000);
}

static int compare(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return (first > second) - (first < second);
}

static double quantile_ms(struct times *times, double share)
{
    if (times->count == 0)
        return 0;
    size_t at = (size_t)(share * (double)times->count);
    return times->us[at < times->count ? at : times->count - 1] / 1000.0;
}

static void show(const char *name, struct times *times)
{
    qsort(times->us, times->count, sizeof *times->us, compare);
    printf("\"%s\": [%.3f, %.3f, %.3f, %.3f], ", name, quantile_ms(times, 0.5),
           quantile_ms(times, 0.99), quantile_ms(times, 0.999), quantile_ms(times, 1));
}

static void report(struct bench *bench)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    uint64_t due = (uint64_t)bench->count * (bench->rounds - 1);
    printf("{");
    show("took_ms", &bench->took);
    show("asked_ms", &bench->asked);
    show("late_ms", &bench->late);
    printf("\"due\": %" PRIu64 ", \"heard\": %zu, \"refused\": %" PRIu64 ", \"cut\": %" PRIu64
           ", \"overrun\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"segment_bytes\": [%" PRIu64
           ", %" PRIu64 "], \"seconds\": %.1f, \"cpu_s\": %.2f}\n",
           due, bench->took.count, bench->refused, bench->cut, bench->overrun, bench->bytes,
           bench->least_bytes, bench->most_bytes, (double)(now_us() - bench->began_us) / 1e6,
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

static void get_files(uint32_t listeners)
{
    struct rlimit limit = {0};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < listeners + SPARE_FILES || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        refuse("so many listeners need more files than `ulimit -Hn` has");
}

static struct times times_of(size_t room)
{
    struct times times = {.us = calloc(room + 1, sizeof *times.us), .room = room};
    if (!times.us)
        abort();
    return times;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"port", 1, NULL, 'p'},    {"listeners", 1, NULL, 'n'},
                                            {"objects", 1, NULL, 'o'}, {"grants", 1, NULL, 'g'},
                                            {"every", 1, NULL, 'e'},   {"rounds", 1, NULL, 'r'},
                                            {NULL, 0, NULL, 0}};
    struct bench bench = {.every_us = 10000000, .rounds = 6, .least_bytes = UINT64_MAX};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'p')
            bench.port = (uint16_t)strtoul(optarg, NULL, 10);
        else if (option == 'n')
            bench.count = (uint32_t)strtoul(optarg, NULL, 10);
        else if (option == 'e')
            bench.every_us = strtoull(optarg, NULL, 10) * 1000;
        else if (option == 'r')
            bench.rounds = (uint32_t)strtoul(optarg, NULL, 10);
        else if (!(option == 'o' && read_lines(optarg, &bench.objects)) &&
                 !(option == 'g' && read_lines(optarg, &bench.grants)))
            refuse("bad option; the top of bench/paced.c lists them");
    }
    if (!bench.port || !bench.count || bench.rounds < 2 || !bench.objects.count ||
        !bench.grants.count || !bench.every_us)
        refuse("port, listeners, objects and grants are needed, and two rounds");
    get_files(bench.count);
    bench.people = calloc(bench.count, sizeof *bench.people);
    bench.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    size_t due = (size_t)bench.count * (bench.rounds - 1);
    bench.took = times_of(due);
    bench.asked = times_of(due);
    bench.late = times_of(due);
    if (!bench.people || bench.epoll_fd < 0)
        abort();
    run(&bench);
    report(&bench);
    return 0;
}

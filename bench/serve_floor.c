// SPDX-License-Identifier: GPL-3.0-or-later
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * serve_floor: what the kernel alone takes for an answer, so that nobody asks for less.
 *
 *     serve_floor PORT SMALL MIDDLE BIG
 *
 * Not a server: it believes what it is sent.  One thread, epoll, no log, no clock, files opened at
 * the start.  /small is answered by one send from memory, /middle and ranges of /big by sendfile
 * with the head held back.
 */
enum {
    MAX_FDS = 20000,
    BATCH = 256,
    REQUEST_BYTES = 4096,
    SMALL_BYTES = 64 << 10,
};

struct file {
    int fd;
    off_t size;
};

struct client {
    const struct file *file; /* being sent; NULL when waiting for a request */
    off_t at, end;
};

static struct file small, middle, big;
static struct client clients[MAX_FDS];
static char small_answer[SMALL_BYTES];
static size_t small_size;

static struct file open_file(const char *path)
{
    struct file file = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
    assert(file.fd >= 0);
    file.size = lseek(file.fd, 0, SEEK_END);
    return file;
}

static void prepare_small(void)
{
    int head =
        snprintf(small_answer, sizeof small_answer,
                 "HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: %lld\r\n\r\n",
                 (long long)small.size);
    ssize_t got = pread(small.fd, small_answer + head, sizeof small_answer - (size_t)head, 0);
    assert(got == small.size);
    small_size = (size_t)head + (size_t)got;
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int failed = bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096);
    assert(!failed);
    return fd;
}

static void want(int epoll_fd, int fd, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    epoll_ctl(epoll_fd, operation, fd, &event);
}

/* False when the socket is full. */
static bool send_rest(int fd, struct client *client)
{
    while (client->at < client->end) {
        size_t left = (size_t)(client->end - client->at);
        ssize_t put = sendfile(fd, client->file->fd, &client->at, left);
        if (put <= 0)
            return put == 0 || errno != EAGAIN; /* the client is gone: its next read tells */
    }
    client->file = NULL;
    return true;
}

static void start_file(int fd, struct client *client, const struct file *file, const char *range)
{
    char head[256];
    client->file = file;
    client->at = 0;
    client->end = file->size;
    if (range) {
        char *end;
        client->at = strtoll(range + strlen("bytes="), &end, 10);
        client->end = strtoll(end + 1, NULL, 10) + 1;
    }
    int size =
        snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %lld\r\n\r\n",
                 range ? "206 Partial Content" : "200 OK", (long long)(client->end - client->at));
    ssize_t put = send(fd, head, (size_t)size, MSG_NOSIGNAL | MSG_MORE);
    (void)put;
}

static void serve(int epoll_fd, int fd, uint32_t events)
{
    char request[REQUEST_BYTES + 1];
    struct client *client = &clients[fd];
    if (events & EPOLLOUT) {
        if (send_rest(fd, client))
            want(epoll_fd, fd, EPOLL_CTL_MOD, EPOLLIN);
        return;
    }
    ssize_t got = recv(fd, request, REQUEST_BYTES, 0);
    if (got <= 0) {
        client->file = NULL;
        close(fd);
        return;
    }
    request[got] = '\0';
    if (strncmp(request, "GET /small", 10) == 0) {
        ssize_t put = send(fd, small_answer, small_size, MSG_NOSIGNAL);
        (void)put;
        return;
    }
    bool is_big = strncmp(request, "GET /big", 8) == 0;
    start_file(fd, client, is_big ? &big : &middle, strstr(request, "bytes="));
    if (!send_rest(fd, client))
        want(epoll_fd, fd, EPOLL_CTL_MOD, EPOLLOUT);
}

static void accept_all(int epoll_fd, int listening_fd)
{
    int on = 1, fd = accept4(listening_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 || fd >= MAX_FDS)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    want(epoll_fd, fd, EPOLL_CTL_ADD, EPOLLIN);
}

int main(int count, char **words)
{
    struct epoll_event batch[BATCH];
    assert(count == 5);
    signal(SIGPIPE, SIG_IGN);
    small = open_file(words[2]);
    middle = open_file(words[3]);
    big = open_file(words[4]);
    prepare_small();
    int listening_fd = listen_on((uint16_t)strtoul(words[1], NULL, 10)),
        epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    want(epoll_fd, listening_fd, EPOLL_CTL_ADD, EPOLLIN);
    for (;;) {
        int ready = epoll_wait(epoll_fd, batch, BATCH, -1);
        for (int i = 0; i < ready; i++) {
            if (batch[i].data.fd == listening_fd)
                accept_all(epoll_fd, listening_fd);
            else
                serve(epoll_fd, batch[i].data.fd, batch[i].events);
        }
    }
}

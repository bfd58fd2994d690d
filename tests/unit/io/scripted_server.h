// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/loop.h"
#include "tap.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * scripted_server: a server that says exactly what a test wants, on a thread of its own.  Each line
 * of the script is one answer; it reads up to an empty line first, but for SAY_AT_ONCE.
 */
enum say_then { SAY_STAY, SAY_CLOSE, SAY_RESET, SAY_HOLD };
struct say {
    const char *bytes;
    enum say_then then;
    size_t repeats;   /* of the last byte, after `bytes` */
    bool is_at_once;  /* without reading a request */
    bool needs_fresh; /* on a connection of its own */
    unsigned wait_ms; /* before the bytes */
    size_t byte_by_byte;
};

struct scripted_server {
    const struct say *script;
    size_t count;
    SSL_CTX *tls;
    int fd;
    uint16_t port;
    pthread_t thread;
    size_t accepted;
    char seen[4096]; /* of requests, all in a row */
    size_t seen_size;
};

struct scripted_line {
    int fd;
    SSL *ssl;
};

static inline bool scripted_read_request(struct scripted_server *server, struct scripted_line line)
{
    size_t start = server->seen_size;
    while (server->seen_size < sizeof server->seen - 1) {
        char *at = server->seen + server->seen_size;
        struct pollfd ready = {.fd = line.fd, .events = POLLIN};
        if (!(line.ssl && SSL_pending(line.ssl)) && poll(&ready, 1, 5000) <= 0)
            return false;
        ssize_t got = line.ssl ? SSL_read(line.ssl, at, 1) : recv(line.fd, at, 1, 0);
        if (got <= 0)
            return false;
        server->seen_size++;
        if (server->seen_size - start >= 4 && memcmp(at - 3, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

static inline void scripted_put(struct scripted_line line, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = line.ssl ? SSL_write(line.ssl, bytes, (int)size)
                               : send(line.fd, bytes, size, MSG_NOSIGNAL);
        if (put <= 0)
            return;
        bytes += put;
        size -= (size_t)put;
    }
}

static inline void scripted_answer(struct scripted_line line, const struct say *say)
{
    char block[4096];
    size_t size = strlen(say->bytes);
    if (say->wait_ms)
        poll(NULL, 0, (int)say->wait_ms);
    for (size_t i = 0; i < say->byte_by_byte; i++, size--) {
        scripted_put(line, say->bytes + i, 1);
        poll(NULL, 0, 1);
    }
    scripted_put(line, say->bytes + say->byte_by_byte, size);
    memset(block, 'x', sizeof block);
    for (size_t left = say->repeats; left > 0;) {
        size_t part = left < sizeof block ? left : sizeof block;
        scripted_put(line, block, part);
        left -= part;
    }
}

static inline void scripted_end(struct scripted_line *line, enum say_then then)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (then == SAY_RESET)
        setsockopt(line->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    if (then == SAY_HOLD) {
        char byte;
        while (recv(line->fd, &byte, 1, 0) > 0)
            ; /* until the client goes */
    }
    if (line->ssl && then == SAY_CLOSE)
        SSL_shutdown(line->ssl);
    SSL_free(line->ssl);
    close(line->fd);
    *line = (struct scripted_line){.fd = -1};
}

static inline bool scripted_accept(struct scripted_server *server, struct scripted_line *line)
{
    struct pollfd ready = {.fd = server->fd, .events = POLLIN};
    if (poll(&ready, 1, 5000) <= 0)
        return false;
    line->fd = accept(server->fd, NULL, NULL);
    server->accepted++;
    if (!server->tls)
        return line->fd >= 0;
    line->ssl = SSL_new(server->tls);
    SSL_set_fd(line->ssl, line->fd);
    return SSL_accept(line->ssl) == 1;
}

static inline void *scripted_run(void *context)
{
    struct scripted_server *server = context;
    struct scripted_line line = {.fd = -1};
    for (size_t i = 0; i < server->count; i++) {
        const struct say *say = &server->script[i];
        if (line.fd >= 0 && say->needs_fresh)
            scripted_end(&line, SAY_CLOSE);
        if (line.fd < 0 && !scripted_accept(server, &line))
            break;
        if (!say->is_at_once && !scripted_read_request(server, line))
            break;
        scripted_answer(line, say);
        if (say->then != SAY_STAY)
            scripted_end(&line, say->then);
    }
    if (line.fd >= 0)
        scripted_end(&line, SAY_CLOSE);
    return NULL;
}

static inline void scripted_start(struct scripted_server *server, const struct say *script,
                                  size_t count, SSL_CTX *tls)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *server = (struct scripted_server){.script = script, .count = count, .tls = tls};
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed = bind(server->fd, (const struct sockaddr *)&address, size) ||
                 listen(server->fd, 16) ||
                 getsockname(server->fd, (struct sockaddr *)&address, &size);
    assert(!failed);
    server->port = ntohs(address.sin_port);
    failed = pthread_create(&server->thread, NULL, scripted_run, server);
    assert(!failed);
}

static inline void scripted_stop(struct scripted_server *server)
{
    pthread_join(server->thread, NULL);
    close(server->fd);
}

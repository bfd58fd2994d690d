// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
/* fuzz_server: a whole server on a UNIX socket, and one client of it at a time, which sends bytes
 * in pieces and reads until the server closes. */
#include "io/server.h"
#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct loop *loop;
static struct text left;
static size_t piece_bytes;
static int client;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static socklen_t address_size = sizeof(sa_family_t); /* the kernel chooses an abstract name */

static void on_request(struct exchange *exchange, void *context UNUSED)
{
    buffer_text(exchange_output(exchange), exchange_body(exchange));
    exchange_etag(exchange, TEXT("x"));
    exchange_send_output(exchange, 200, "text/plain");
}

/* One turn of the client: send a piece or say that there is no more, read what is there, stop at
 * the end. */
static void on_turn(struct loop_timer *timer, uint64_t now_us)
{
    char answer[65536];
    size_t size = left.size < piece_bytes ? left.size : piece_bytes;
    if (size == 0 || send(client, left.data, size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        shutdown(client, SHUT_WR);
    left = text_from(left, size);
    ssize_t got = recv(client, answer, sizeof answer, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN))
        loop_stop(loop);
    else
        loop_timer_start(loop, timer, now_us + 1);
}

static void start(void)
{
    struct server_config config = server_config_default();
    struct server_route route = {"GET POST", "/", 1000, SHIELD_CLASS_NEW_VISIT, on_request, NULL};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    bind(fd, (const struct sockaddr *)&address, address_size);
    address_size = sizeof address;
    getsockname(fd, (struct sockaddr *)&address, &address_size);
    int failed = listen(fd, 16);
    loop = loop_new();
    struct server *server = server_new(loop, &config);
    server_route(server, &route);
    failed |= server_listen(server, fd, NULL);
    assert(!failed);
}

static void fuzz_server_send(struct text bytes, size_t bytes_a_turn)
{
    struct loop_timer turn = {.on_timer = on_turn};
    if (!loop)
        start();
    left = bytes;
    piece_bytes = bytes_a_turn;
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    int failed = connect(client, (const struct sockaddr *)&address, address_size);
    assert(!failed);
    loop_timer_start(loop, &turn, 0);
    loop_run(loop);
    close(client);
}

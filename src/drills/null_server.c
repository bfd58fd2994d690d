// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/null_server.h"

#include "base/mem.h"
#include "drills/null_answers.h"
#include "http/parser.h"
#include "io/clock.h"
#include "io/loop.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * One connection: reads a request into `in`, writes its answer's header from `out` and then zeros,
 * reads on.  What cannot be written waits for LOOP_WRITE, and nothing is read meanwhile.
 */
enum {
    READ_BYTES = 32 << 10,
    MOST_REQUEST_BYTES = 1 << 20,
    MOST_ANSWER_BYTES = 4 << 20,
    ZERO_BYTES = 64 << 10,
    ZERO_RUNS = 16,
    ARENA_BYTES = 256 << 10,
};

struct null_connection {
    struct null_server *server;
    struct null_connection *next, **at;
    struct loop_watch watch;
    struct buffer in, out;
    size_t out_sent;
    uint64_t zeros;
};

struct null_server {
    struct null_server_config config;
    struct loop *loop;
    struct loop_watch listening;
    pthread_t thread;
    uint16_t port;
    struct arena *arena;
    struct null_connection *connections;
    uint32_t connection_count;
    uint32_t refused_early;
    atomic_uint_fast64_t requests, writes, sessions;
    char scratch[READ_BYTES];
};

static char zeros[ZERO_BYTES];

struct null_server_config null_server_config_default(void)
{
    return (struct null_server_config){.tracks = 500,
                                       .track_s = 210,
                                       .bits_per_s = 320000,
                                       .max_connections = 100000,
                                       .session_s = 86400};
}

static void connection_close(struct null_connection *connection)
{
    *connection->at = connection->next;
    if (connection->next)
        connection->next->at = connection->at;
    connection->server->connection_count--;
    loop_watch_remove(&connection->watch);
    close(connection->watch.fd);
    buffer_release(&connection->in);
    buffer_release(&connection->out);
    mem_free(connection);
}

/* --- answering --- */

static void write_answer(struct null_connection *connection, const struct null_answer *answer,
                         struct text json)
{
    struct buffer *out = &connection->out;
    uint64_t size = answer->zeros ? answer->zeros : json.size;
    buffer_printf(out, "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %llu\r\n",
                  answer->status, http_reason(answer->status), answer->type,
                  (unsigned long long)size);
    if (answer->zeros_of)
        buffer_printf(out, "Content-Range: bytes %llu-%llu/%llu\r\n",
                      (unsigned long long)answer->zeros_from,
                      (unsigned long long)(answer->zeros_from + answer->zeros - 1),
                      (unsigned long long)answer->zeros_of);
    buffer_text(out, TEXT("\r\n"));
    if (!answer->zeros)
        buffer_text(out, json);
    connection->zeros = answer->zeros;
}

/* As one that tells of a session before it knows it. */
static bool refuses_early(struct null_server *server, const struct http_request *request)
{
    bool has_token = http_request_field(request, TEXT("Authorization")).size > 0;
    if (!has_token || server->refused_early >= server->config.early_refusals)
        return false;
    server->refused_early++;
    return true;
}

/* 1 answered and taken off `in`, 0 more is needed, -1 it is no request that we understand. */
static int answer_next(struct null_connection *connection)
{
    static const struct http_limits limits = {
        .max_header_bytes = 64 << 10, .max_fields = 100, .max_target_bytes = 32 << 10};
    struct null_server *server = connection->server;
    struct http_parser parser;
    struct http_request request;
    struct http_refusal why;
    size_t header_size = 0;
    arena_reset(server->arena);
    http_parser_init(&parser);
    int result = http_parser_read(&parser, buffer_view(&connection->in), &limits, server->arena,
                                  &request, &header_size, &why);
    if (result <= 0)
        return result;
    uint64_t body_size = request.has_body ? request.content_length : 0;
    if (body_size > MOST_REQUEST_BYTES)
        return -1;
    if (connection->in.size - header_size < body_size)
        return 0;
    struct text body = {connection->in.data + header_size, (size_t)body_size};
    struct buffer json;
    buffer_init(&json, MOST_ANSWER_BYTES);
    struct null_answer answer = {.status = 401, .type = "application/json"};
    if (!refuses_early(server, &request))
        answer =
            null_answer(&server->config, &request, body, clock_unix_ms(), server->arena, &json);
    write_answer(connection, &answer, buffer_view(&json));
    buffer_release(&json);
    buffer_consume(&connection->in, header_size + (size_t)body_size);
    atomic_fetch_add_explicit(&server->requests, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&server->sessions, answer.is_session, memory_order_relaxed);
    atomic_fetch_add_explicit(&server->writes, answer.writes, memory_order_relaxed);
    return 1;
}

/* --- bytes --- */

/* Header and zeros with one call. */
static ssize_t send_some(struct null_connection *connection)
{
    struct iovec runs[1 + ZERO_RUNS];
    size_t count = 0;
    uint64_t left = connection->zeros;
    if (connection->out_sent < connection->out.size)
        runs[count++] = (struct iovec){connection->out.data + connection->out_sent,
                                       connection->out.size - connection->out_sent};
    while (left > 0 && count < ARRAY_SIZE(runs)) {
        size_t part = left < ZERO_BYTES ? (size_t)left : ZERO_BYTES;
        runs[count++] = (struct iovec){zeros, part};
        left -= part;
    }
    struct msghdr message = {.msg_iov = runs, .msg_iovlen = count};
    return sendmsg(connection->watch.fd, &message, MSG_NOSIGNAL);
}

/* 1 all of it went, 0 wait, -1 the peer is gone. */
static int send_answer(struct null_connection *connection)
{
    while (connection->out_sent < connection->out.size || connection->zeros > 0) {
        ssize_t put = send_some(connection);
        if (put < 0)
            return errno == EAGAIN ? 0 : -1;
        size_t header = connection->out.size - connection->out_sent;
        header = (size_t)put < header ? (size_t)put : header;
        connection->out_sent += header;
        connection->zeros -= (uint64_t)put - header;
    }
    buffer_release(&connection->out);
    buffer_init(&connection->out, MOST_ANSWER_BYTES);
    connection->out_sent = 0;
    return 1;
}

static int read_some(struct null_connection *connection)
{
    char *scratch = connection->server->scratch;
    ssize_t got = recv(connection->watch.fd, scratch, READ_BYTES, 0);
    if (got <= 0)
        return got < 0 && errno == EAGAIN ? 0 : -1;
    buffer_append(&connection->in, scratch, (size_t)got);
    return connection->in.overflowed ? -1 : 1;
}

static void on_connection(struct loop_watch *watch, unsigned events, uint64_t now_us UNUSED)
{
    struct null_connection *connection = CONTAINER_OF(watch, struct null_connection, watch);
    int result = events & (LOOP_READ | LOOP_HANGUP) ? read_some(connection) : 1;
    while (result > 0) {
        result = send_answer(connection);
        if (result > 0)
            result = answer_next(connection);
    }
    if (result < 0) {
        connection_close(connection);
        return;
    }
    bool waits = connection->out_sent < connection->out.size || connection->zeros > 0;
    if (!waits && connection->in.size == 0)
        buffer_release(&connection->in);
    loop_watch_set(watch, waits ? LOOP_WRITE : LOOP_READ);
}

static void on_listening(struct loop_watch *watch, unsigned events UNUSED, uint64_t now_us UNUSED)
{
    struct null_server *server = CONTAINER_OF(watch, struct null_server, listening);
    int one = 1, fd;
    while ((fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (server->connection_count >= server->config.max_connections) {
            close(fd);
            continue;
        }
        struct null_connection *connection = MEM_NEW(struct null_connection);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        *connection = (struct null_connection){
            .server = server,
            .next = server->connections,
            .at = &server->connections,
            .watch = {.on_events = on_connection, .fd = fd, .wanted = LOOP_READ}};
        if (connection->next)
            connection->next->at = &connection->next;
        server->connections = connection;
        server->connection_count++;
        buffer_init(&connection->in, 2 * MOST_REQUEST_BYTES);
        buffer_init(&connection->out, MOST_ANSWER_BYTES);
        if (loop_watch_add(server->loop, &connection->watch) < 0)
            connection_close(connection);
    }
}

/* --- life --- */

static int listen_on_loopback(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, size) == 0 &&
        listen(fd, 8192) == 0 && getsockname(fd, (struct sockaddr *)&address, &size) == 0) {
        *ret_port = ntohs(address.sin_port);
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

static void *run(void *context)
{
    struct null_server *server = context;
    loop_run(server->loop);
    return NULL;
}

static void release(struct null_server **server_at)
{
    struct null_server *server = *server_at;
    while (server->connections)
        connection_close(server->connections);
    loop_watch_remove(&server->listening);
    if (server->listening.fd >= 0)
        close(server->listening.fd);
    loop_free(&server->loop);
    arena_free(&server->arena);
    mem_free_p(server_at);
}

struct null_server *null_server_start(const struct null_server_config *config)
{
    struct null_server *server = MEM_NEW(struct null_server);
    server->config = *config;
    server->loop = loop_new();
    server->arena = arena_new(ARENA_BYTES);
    server->listening = (struct loop_watch){.on_events = on_listening, .wanted = LOOP_READ};
    server->listening.fd = listen_on_loopback(&server->port);
    int failed = server->listening.fd < 0 ? errno : 0;
    if (!failed)
        failed = -loop_watch_add(server->loop, &server->listening);
    if (!failed)
        failed = pthread_create(&server->thread, NULL, run, server);
    if (failed) {
        release(&server);
        errno = failed;
    }
    return server;
}

void null_server_stop(struct null_server **server)
{
    if (!*server)
        return;
    loop_stop((*server)->loop);
    pthread_join((*server)->thread, NULL);
    release(server);
}

uint16_t null_server_port(const struct null_server *server) { return server->port; }

uint64_t null_server_requests(const struct null_server *server)
{
    return atomic_load_explicit(&server->requests, memory_order_relaxed);
}

uint64_t null_server_sessions(const struct null_server *server)
{
    return atomic_load_explicit(&server->sessions, memory_order_relaxed);
}

uint64_t null_server_writes(const struct null_server *server)
{
    return atomic_load_explicit(&server->writes, memory_order_relaxed);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "io/stream.h"
#include "io/tls_wire.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONG_BYTES = 1 << 20, SCRATCH_BYTES = 64 << 10 };

/* Two ends of one socket that have shaken hands; nobody's certificate is asked for. */
struct line {
    SSL_CTX *server_tls, *client_tls;
    struct stream server;
    SSL *client;
};

static SSL_CTX *context(const SSL_METHOD *method)
{
    SSL_CTX *tls = SSL_CTX_new(method);
    SSL_CTX_set_max_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(tls, "aNULL@SECLEVEL=0");
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return tls;
}

static bool line_open(struct line *line)
{
    int fds[2], sent_bytes = 16 << 10, ready = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
        return false;
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &sent_bytes, sizeof sent_bytes);
    *line = (struct line){context(TLS_server_method()), context(TLS_client_method()), {0}, NULL};
    line->server.fd = fds[0];
    line->server.ssl = SSL_new(line->server_tls);
    line->client = SSL_new(line->client_tls);
    tls_wire_attach(line->server.ssl, fds[0]);
    SSL_set_fd(line->client, fds[1]);
    SSL_set_accept_state(line->server.ssl);
    SSL_set_connect_state(line->client);
    for (int i = 0; i < 100 && ready != 1; i++) {
        ready = SSL_do_handshake(line->client);
        if (stream_handshake(&line->server) == 0 && ready == 1)
            return true;
    }
    return false;
}

static void line_close(struct line *line)
{
    int fd = SSL_get_fd(line->client);
    stream_close(&line->server);
    SSL_free(line->client);
    close(fd);
    SSL_CTX_free(line->server_tls);
    SSL_CTX_free(line->client_tls);
}

static char byte_at(size_t at) { return (char)(at * 31 / 7); }

/* Takes what has come; false when a byte is not the one that stands there. */
static bool take(struct line *line, size_t *taken)
{
    static char room[TLS_WIRE_RECORD_BYTES];
    int got;
    while ((got = SSL_read(line->client, room, sizeof room)) > 0)
        for (int i = 0; i < got; i++)
            if (room[i] != byte_at((*taken)++))
                return false;
    return true;
}

/* From memory, or from `fd` behind a head of 300 bytes. */
static ssize_t put(struct line *line, const char *bytes, size_t done, int fd, char *scratch)
{
    struct iovec run = {(void *)(uintptr_t)(bytes + done), LONG_BYTES - done};
    if (fd < 0)
        return stream_write(&line->server, &run, 1, false);
    struct text head = text_make(bytes + done, done < 300 ? 300 - done : 0);
    return stream_send_file(&line->server, head, fd, done + head.size,
                            LONG_BYTES - done - head.size, scratch, SCRATCH_BYTES);
}

static void test_slow_peer(const char *bytes, int fd, const char *claim)
{
    struct line line;
    char *scratch = mem_alloc(SCRATCH_BYTES);
    size_t done = 0, taken = 0, refused = 0, most = 0;
    bool is_right = line_open(&line), holds_little = true;
    while (is_right && done < LONG_BYTES) {
        ssize_t size = put(&line, bytes, done, fd, scratch);
        const struct tls_wire *wire = tls_wire_of(line.server.ssl);
        if (size >= 0) {
            done += (size_t)size;
            continue;
        }
        is_right = size == -EAGAIN && tls_wire_holds(wire) && take(&line, &taken);
        most = wire->size > most ? wire->size : most;
        holds_little &= refused++ < 20 || wire->size <= TLS_WIRE_RECORD_BYTES;
    }
    is_right = is_right && take(&line, &taken);
    OK(is_right && done == LONG_BYTES && taken == LONG_BYTES && refused > 20, claim);
    OK(most <= TLS_WIRE_BATCH_BYTES && holds_little,
       "what a slow peer has not taken is held: a batch at first, a record later");
    line_close(&line);
    mem_free(scratch);
}

static void test_records(const char *bytes)
{
    struct line line;
    char room[4096];
    struct iovec runs[] = {{(void *)(uintptr_t)bytes, 100},
                           {(void *)(uintptr_t)(bytes + 100), 200},
                           {(void *)(uintptr_t)(bytes + 300), 300}};
    OK(line_open(&line), "two ends shake hands");
    OK(stream_write(&line.server, runs, 3, false) == 600 &&
           SSL_read(line.client, room, sizeof room) == 600 && memcmp(room, bytes, 600) == 0,
       "small runs share a record");
    stream_close(&line.server);
    OK(SSL_read(line.client, room, sizeof room) == 0 &&
           SSL_get_shutdown(line.client) == SSL_RECEIVED_SHUTDOWN,
       "who has everything is told that nothing was cut off");
    line_close(&line);
}

static void test_cut_off(const char *bytes)
{
    struct line line;
    size_t taken = 0, done = 0;
    ssize_t size;
    OK(line_open(&line), "two ends shake hands");
    while ((size = put(&line, bytes, done, -1, NULL)) > 0)
        done += (size_t)size;
    OK(size == -EAGAIN, "a peer that takes nothing fills the line");
    stream_close(&line.server);
    OK(take(&line, &taken) && taken < LONG_BYTES && SSL_get_shutdown(line.client) == 0,
       "who lacks bytes is not told that nothing was cut off");
    line_close(&line);
}

int main(void)
{
    char *bytes = mem_alloc(LONG_BYTES), name[] = "/tmp/sostenuto-tls-wire-XXXXXX";
    for (size_t i = 0; i < LONG_BYTES; i++)
        bytes[i] = byte_at(i);
    int fd = mkstemp(name);
    signal(SIGPIPE, SIG_IGN);
    unlink(name);
    OK(write(fd, bytes, LONG_BYTES) == LONG_BYTES, "a file is written");
    test_records(bytes);
    test_cut_off(bytes);
    test_slow_peer(bytes, -1, "memory arrives whole and in order at a slow peer");
    test_slow_peer(bytes, fd, "so does a file with a head before it");
    close(fd);
    mem_free(bytes);
    return tap_done();
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/stream.h"

#include "io/tls_state.h"
#include "io/tls_wire.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

void stream_start_tls(struct stream *stream, struct server_tls *tls)
{
    stream->ssl = server_tls_session(tls, stream->fd);
}

void stream_close(struct stream *stream)
{
    if (stream->ssl) {
        ERR_clear_error();
        if (tls_wire_holds(tls_wire_of(stream->ssl)))
            SSL_set_quiet_shutdown(stream->ssl, 1); /* something was */
        SSL_shutdown(
            stream->ssl); /* tells the peer that nothing was cut off; its own is not waited for */
        SSL_free(stream->ssl);
        stream->ssl = NULL;
    }
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

/* What a TLS call that gave no bytes means. */
static int tls_error(struct stream *stream, int result, int own_way)
{
    int error = SSL_get_error(stream->ssl, result);
    stream->wants_other_way =
        (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) && error != own_way;
    switch (error) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        SSL_set_quiet_shutdown(stream->ssl, 1); /* nobody is there to be told */
        return errno ? -errno : -ECONNRESET;
    default:
        SSL_set_quiet_shutdown(stream->ssl, 1);
        return -EPROTO;
    }
}

/* Of whoever used OpenSSL on this thread before: tls_error() must see only ours. */
static void forget_errors(void)
{
    if (ERR_peek_error())
        ERR_clear_error(); /* a hundred times the cost of looking */
}

int stream_handshake(struct stream *stream)
{
    forget_errors();
    int result = SSL_accept(stream->ssl);
    if (result == 1) {
        stream->wants_other_way = false;
        return 0;
    }
    int error = tls_error(stream, result, SSL_ERROR_WANT_READ);
    return error == 0 ? -EPROTO : error;
}

bool stream_chose_h2(const struct stream *stream)
{
    const unsigned char *name = NULL;
    unsigned size = 0;
    SSL_get0_alpn_selected(stream->ssl, &name, &size);
    return size == 2 && memcmp(name, "h2", 2) == 0;
}

ssize_t stream_read(struct stream *stream, void *out, size_t size)
{
    if (!stream->ssl) {
        ssize_t got = recv(stream->fd, out, size, 0);
        return got < 0 ? errno == EINTR ? -EAGAIN : -errno : got;
    }
    forget_errors();
    errno = 0;
    int got = SSL_read(stream->ssl, out, size > INT_MAX ? INT_MAX : (int)size);
    if (got > 0)
        stream->wants_other_way = false;
    return got > 0 ? got : tls_error(stream, got, SSL_ERROR_WANT_READ);
}

static size_t record_limit(const struct stream *stream)
{
    return stream->early_bytes < STREAM_FIRST_RECORD_BYTES ? STREAM_FIRST_RECORD_BYTES
           : stream->early_bytes < STREAM_EARLY_BYTES      ? STREAM_EARLY_RECORD_BYTES
                                                           : STREAM_RECORD_BYTES;
}

/* One record, or a part of one where the peer wants them smaller. */
static ssize_t tls_write(struct stream *stream, struct text plain)
{
    forget_errors();
    errno = 0;
    int put = SSL_write(stream->ssl, plain.data, (int)plain.size);
    if (put > 0) {
        stream->wants_other_way = false;
        if (stream->early_bytes < STREAM_EARLY_BYTES)
            stream->early_bytes = (uint16_t)(stream->early_bytes + put);
        return put;
    }
    int error = tls_error(stream, put, SSL_ERROR_WANT_WRITE);
    return error == 0 ? -EPIPE : error;
}

/* Bytes of several runs, and how far they are taken. */
struct cursor {
    const struct iovec *runs;
    int count;
    size_t taken; /* of the first */
};

static void cursor_skip(struct cursor *cursor, size_t size)
{
    cursor->taken += size;
    while (cursor->count > 0 && cursor->taken >= cursor->runs[0].iov_len) {
        cursor->taken -= cursor->runs[0].iov_len;
        cursor->runs++;
        cursor->count--;
    }
}

/* What the next record holds: of one run where that fills it, else put together in `room`. */
static struct text cursor_record(const struct cursor *cursor, size_t limit, char *room)
{
    const char *first = (const char *)cursor->runs[0].iov_base + cursor->taken;
    size_t left = cursor->runs[0].iov_len - cursor->taken, size = 0;
    if (cursor->count == 1 || left >= limit)
        return text_make(first, left < limit ? left : limit);
    for (int i = 0; i < cursor->count && size < limit; i++) {
        size_t skipped = i == 0 ? cursor->taken : 0, part = cursor->runs[i].iov_len - skipped;
        part = part < limit - size ? part : limit - size;
        memcpy(room + size, (const char *)cursor->runs[i].iov_base + skipped, part);
        size += part;
    }
    return text_make(room, size);
}

/* As many records as the wire gathers.  The plaintext in them, or -errno when there is none. */
static ssize_t encrypt(struct stream *stream, const struct tls_wire *wire, struct cursor *cursor)
{
    char room[STREAM_RECORD_BYTES];
    size_t done = 0;
    cursor_skip(cursor, 0);
    while (cursor->count > 0 && tls_wire_takes_more(wire)) {
        ssize_t put = tls_write(stream, cursor_record(cursor, record_limit(stream), room));
        if (put < 0)
            return done > 0 ? (ssize_t)done : put;
        cursor_skip(cursor, (size_t)put);
        done += (size_t)put;
    }
    return (ssize_t)done;
}

/* What the wire holds goes first: its plaintext, -errno, or 0 when there was none. */
static ssize_t resume(struct stream *stream)
{
    struct tls_wire *wire = tls_wire_of(stream->ssl);
    return tls_wire_holds(wire) ? tls_wire_resume(wire) : 0;
}

static ssize_t tls_write_runs(struct stream *stream, const struct iovec *runs, int count,
                              bool has_more)
{
    struct tls_wire *wire = tls_wire_of(stream->ssl);
    char gathered[TLS_WIRE_BATCH_BYTES];
    tls_wire_gather(wire, gathered);
    struct cursor cursor = {runs, count, 0};
    ssize_t done = encrypt(stream, wire, &cursor);
    ssize_t sent = tls_wire_send(wire, done > 0 ? (size_t)done : 0, has_more || cursor.count > 0);
    return done < 0 ? done : sent;
}

ssize_t stream_write(struct stream *stream, const struct iovec *runs, int count, bool has_more)
{
    if (stream->ssl) {
        ssize_t resumed = resume(stream);
        return resumed ? resumed : tls_write_runs(stream, runs, count, has_more);
    }
    struct iovec own[8];
    assert(count > 0 && count <= (int)(sizeof own / sizeof own[0]));
    memcpy(own, runs, (size_t)count * sizeof own[0]);
    struct msghdr message = {.msg_iov = own, .msg_iovlen = (size_t)count};
    ssize_t put = sendmsg(stream->fd, &message, MSG_NOSIGNAL | (has_more ? MSG_MORE : 0));
    return put < 0 ? errno == EINTR ? -EAGAIN : -errno : put;
}

/* Plain: the head stays with the kernel until the file comes. */
static ssize_t send_file(struct stream *stream, struct text head, int file_fd, uint64_t offset,
                         size_t size)
{
    if (head.size > 0) {
        struct iovec run = {(void *)(uintptr_t)head.data, head.size};
        return stream_write(stream, &run, 1, size > 0);
    }
    off_t at = (off_t)offset;
    ssize_t put = sendfile(stream->fd, file_fd, &at, size);
    return put < 0 ? errno == EINTR ? -EAGAIN : -errno : put;
}

ssize_t stream_send_file(struct stream *stream, struct text head, int file_fd, uint64_t offset,
                         size_t size, char *scratch, size_t scratch_size)
{
    if (!stream->ssl)
        return send_file(stream, head, file_fd, offset, size);
    ssize_t resumed = resume(stream);
    if (resumed)
        return resumed;
    size_t room = head.size < scratch_size ? scratch_size - head.size : 0;
    size_t part = size < room ? size : room;
    ssize_t got = part > 0 ? pread(file_fd, scratch + head.size, part, (off_t)offset) : 0;
    if (got < 0)
        return -errno;
    struct iovec run = {scratch, head.size + (size_t)got};
    if (room == 0)
        run.iov_base = (void *)(uintptr_t)head.data;
    else if (head.size > 0)
        memcpy(scratch, head.data, head.size);
    return run.iov_len > 0 ? tls_write_runs(stream, &run, 1, (size_t)got < size) : 0;
}

size_t stream_unsent(const struct stream *stream)
{
    int unsent = 0;
    return ioctl(stream->fd, SIOCOUTQ, &unsent) == 0 ? (size_t)unsent : 0;
}

bool stream_has_buffered(const struct stream *stream)
{
    return stream->ssl && SSL_has_pending(stream->ssl);
}

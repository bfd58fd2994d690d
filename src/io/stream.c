// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/stream.h"

#include "io/tls_state.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

int stream_handshake(struct stream *stream)
{
    ERR_clear_error();
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
    ERR_clear_error();
    errno = 0;
    int got = SSL_read(stream->ssl, out, size > INT_MAX ? INT_MAX : (int)size);
    if (got > 0)
        stream->wants_other_way = false;
    return got > 0 ? got : tls_error(stream, got, SSL_ERROR_WANT_READ);
}

/* Never less than at the last call while nothing goes out: OpenSSL wants a refused write again with
 * at least its size. */
static size_t record_limit(const struct stream *stream)
{
    return stream->early_bytes < STREAM_FIRST_RECORD_BYTES ? STREAM_FIRST_RECORD_BYTES
           : stream->early_bytes < STREAM_EARLY_BYTES      ? STREAM_EARLY_RECORD_BYTES
                                                           : INT_MAX;
}

static ssize_t tls_write(struct stream *stream, const void *data, size_t size)
{
    size_t limit = record_limit(stream);
    ERR_clear_error();
    errno = 0;
    int put = SSL_write(stream->ssl, data, (int)(size < limit ? size : limit));
    if (put > 0) {
        stream->wants_other_way = false;
        if (stream->early_bytes < STREAM_EARLY_BYTES)
            stream->early_bytes = (uint16_t)(stream->early_bytes + put);
        return put;
    }
    int error = tls_error(stream, put, SSL_ERROR_WANT_WRITE);
    return error == 0 ? -EPIPE : error;
}

/* All of it, record by record, as far as the socket takes it: what was read is not read again. */
static ssize_t tls_write_all(struct stream *stream, const char *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t put = tls_write(stream, data + done, size - done);
        if (put < 0)
            return put == -EAGAIN && done > 0 ? (ssize_t)done : put;
        done += (size_t)put;
    }
    return (ssize_t)done;
}

/* Records share packets while it is on. */
static void hold_packets(const struct stream *stream, int is_on)
{
    (void)setsockopt(stream->fd, IPPROTO_TCP, TCP_CORK, &is_on, sizeof is_on);
}

/* Small runs go into one record together: a record each would cost more than the copy. */
static ssize_t tls_write_runs(struct stream *stream, const struct iovec *runs, int count)
{
    char record[STREAM_RECORD_BYTES];
    size_t size = 0;
    if (count == 1 || runs[0].iov_len >= sizeof record)
        return tls_write(stream, runs[0].iov_base, runs[0].iov_len);
    for (int i = 0; i < count && size < sizeof record; i++) {
        size_t room = sizeof record - size, part = runs[i].iov_len < room ? runs[i].iov_len : room;
        memcpy(record + size, runs[i].iov_base, part);
        size += part;
    }
    return tls_write(stream, record, size);
}

ssize_t stream_write(struct stream *stream, const struct iovec *runs, int count, bool has_more)
{
    if (stream->ssl)
        return tls_write_runs(stream, runs, count);
    struct iovec own[8];
    assert(count > 0 && count <= (int)(sizeof own / sizeof own[0]));
    memcpy(own, runs, (size_t)count * sizeof own[0]);
    struct msghdr message = {.msg_iov = own, .msg_iovlen = (size_t)count};
    ssize_t put = sendmsg(stream->fd, &message, MSG_NOSIGNAL | (has_more ? MSG_MORE : 0));
    return put < 0 ? errno == EINTR ? -EAGAIN : -errno : put;
}

ssize_t stream_send_file(struct stream *stream, int file_fd, uint64_t offset, size_t size,
                         char *scratch, size_t scratch_size)
{
    if (!stream->ssl) {
        off_t at = (off_t)offset;
        ssize_t put = sendfile(stream->fd, file_fd, &at, size);
        return put < 0 ? errno == EINTR ? -EAGAIN : -errno : put;
    }
    ssize_t got = pread(file_fd, scratch, size < scratch_size ? size : scratch_size, (off_t)offset);
    if (got <= 0)
        return got < 0 ? -errno : 0;
    bool is_one_record = got <= STREAM_RECORD_BYTES;
    if (!is_one_record)
        hold_packets(stream, 1);
    ssize_t put = tls_write_all(stream, scratch, (size_t)got);
    if (!is_one_record)
        hold_packets(stream, 0);
    return put;
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

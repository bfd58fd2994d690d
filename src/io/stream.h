// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/*
 * stream: the bytes of one accepted socket, plain or through TLS, never blocking.
 *
 * Every call returns a count, or -EAGAIN (wait for stream_wants()), or another -errno.  A read of 0
 * is the peer's end. TLS may need to write to read, and the other way round; stream_wants() says
 * what the last -EAGAIN waits for.
 */
struct ssl_st;
struct server_tls;

enum {
    STREAM_RECORD_BYTES = 16384, /* of one TLS record: more at once is not sent at once */
    /*
     * A record can be read only when all of it has come: 16 KiB are two round trips of a new
     * connection, or two seconds at 64 kbit/s.  So the first fits a packet, and the next are small
     * until this much is out.
     */
    STREAM_EARLY_BYTES = 32 << 10,
    STREAM_FIRST_RECORD_BYTES = 1300,
    STREAM_EARLY_RECORD_BYTES = 4096,
};

struct stream {
    struct ssl_st *ssl; /* NULL when plain */
    int fd;
    uint16_t early_bytes; /* written through TLS so far, up to STREAM_EARLY_BYTES */
    bool wants_other_way; /* the last read waits to write, or the last write to read */
};

void stream_start_tls(struct stream *stream, struct server_tls *tls);
int stream_handshake(struct stream *stream) MUST_USE; /* 0 done, -EAGAIN, -EPROTO */
bool stream_chose_h2(const struct stream *stream);    /* by ALPN (RFC 9113 3.2) */
void stream_close(struct stream *stream);

ssize_t stream_read(struct stream *stream, void *out, size_t size) MUST_USE;
/*
 * `has_more`: more follows at once, so the kernel may wait and fill its packet.  After -EAGAIN the
 * same bytes come again, and perhaps more behind them: under TLS they are encrypted already.
 */
ssize_t stream_write(struct stream *stream, const struct iovec *runs, int count,
                     bool has_more) MUST_USE;
/*
 * `head`, if any, and from a file at most `size` bytes from `offset` behind it; 0 when the file
 * ends there.  Plain: first the head alone, then sendfile.  TLS: together, through `scratch`.
 */
ssize_t stream_send_file(struct stream *stream, struct text head, int file_fd, uint64_t offset,
                         size_t size, char *scratch, size_t scratch_size) MUST_USE;
/* Bytes that the kernel holds for the peer: while they become fewer, the peer is taking some. */
size_t stream_unsent(const struct stream *stream);
bool stream_has_buffered(
    const struct stream *stream); /* read and not given yet: no event will announce it */

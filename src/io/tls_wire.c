// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/tls_wire.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

/* --- what OpenSSL calls --- */

static bool is_try_again(ssize_t result)
{
    return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

static int wire_write(BIO *bio, const char *data, int size)
{
    struct tls_wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (wire->is_gathering) {
        assert((size_t)size <= TLS_WIRE_BATCH_BYTES - wire->size);
        memcpy(wire->bytes + wire->size, data, (size_t)size);
        wire->size += (uint32_t)size;
        return size;
    }
    if (tls_wire_holds(wire)) {
        BIO_set_retry_write(bio);
        return -1;
    }
    ssize_t put = send(wire->fd, data, (size_t)size, MSG_NOSIGNAL);
    if (is_try_again(put))
        BIO_set_retry_write(bio);
    return (int)put;
}

static int wire_read(BIO *bio, char *out, int size)
{
    const struct tls_wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t got = recv(wire->fd, out, (size_t)size, 0);
    if (is_try_again(got))
        BIO_set_retry_read(bio);
    else if (got == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return (int)got;
}

static long wire_control(BIO *bio, int what, long number UNUSED, void *pointer UNUSED)
{
    switch (what) {
    case BIO_CTRL_EOF:
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    case BIO_CTRL_FLUSH:
        return 1;
    default:
        return 0;
    }
}

static int wire_free(BIO *bio)
{
    struct tls_wire *wire = BIO_get_data(bio);
    if (wire && tls_wire_holds(wire))
        mem_free(wire->bytes);
    mem_free(wire);
    BIO_set_data(bio, NULL);
    return 1;
}

/* OpenSSL's table of a kind of BIO, for all sessions of the process and to its end. */
static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static void make_method(void)
{
    method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "tls_wire");
    assert(method);
    BIO_meth_set_write(method, wire_write);
    BIO_meth_set_read(method, wire_read);
    BIO_meth_set_ctrl(method, wire_control);
    BIO_meth_set_destroy(method, wire_free);
}

void tls_wire_attach(SSL *ssl, int fd)
{
    pthread_once(&method_once, make_method);
    BIO *bio = BIO_new(method);
    assert(bio);
    struct tls_wire *wire = MEM_NEW(struct tls_wire);
    wire->fd = fd;
    BIO_set_data(bio, wire);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
}

struct tls_wire *tls_wire_of(const SSL *ssl) { return BIO_get_data(SSL_get_rbio(ssl)); }

/* --- gathering --- */

void tls_wire_gather(struct tls_wire *wire, char *room)
{
    assert(!wire->bytes);
    wire->is_gathering = true;
    wire->bytes = room;
    wire->size = wire->sent = 0;
}

bool tls_wire_takes_more(const struct tls_wire *wire)
{
    return wire->size == 0 ||
           (wire->slow_sends == 0 && wire->size <= TLS_WIRE_BATCH_BYTES - TLS_WIRE_RECORD_BYTES);
}

static ssize_t send_rest(struct tls_wire *wire, int flags)
{
    ssize_t put =
        send(wire->fd, wire->bytes + wire->sent, wire->size - wire->sent, MSG_NOSIGNAL | flags);
    if (put < 0)
        return is_try_again(put) ? -EAGAIN : -errno;
    wire->sent += (uint32_t)put;
    return wire->sent < wire->size ? -EAGAIN : 0;
}

static void hold(struct tls_wire *wire, size_t plain_bytes)
{
    wire->size -= wire->sent;
    wire->bytes = mem_dup(wire->bytes + wire->sent, wire->size);
    wire->sent = 0;
    wire->plain_bytes = (uint32_t)plain_bytes;
    wire->slow_sends = TLS_WIRE_SLOW_SENDS;
}

ssize_t tls_wire_send(struct tls_wire *wire, size_t plain_bytes, bool has_more)
{
    ssize_t error = wire->size > 0 ? send_rest(wire, has_more ? MSG_MORE : 0) : 0;
    wire->is_gathering = false;
    if (error == -EAGAIN) {
        hold(wire, plain_bytes);
        return -EAGAIN;
    }
    wire->bytes = NULL;
    if (wire->slow_sends > 0)
        wire->slow_sends--;
    return error ? error : (ssize_t)plain_bytes;
}

bool tls_wire_holds(const struct tls_wire *wire) { return wire->bytes && !wire->is_gathering; }

ssize_t tls_wire_resume(struct tls_wire *wire)
{
    ssize_t error = send_rest(wire, 0);
    if (error == -EAGAIN)
        return -EAGAIN;
    mem_free(wire->bytes);
    wire->bytes = NULL;
    return error ? error : (ssize_t)wire->plain_bytes;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * tls_wire: between an OpenSSL session and its socket, in place of OpenSSL's own socket BIO.
 * Internal to io/.
 *
 * Records go straight to the socket, or while it gathers, into one run of bytes, which then leaves
 * in one send: a send each is a third of what a long answer costs.
 *
 *   tls_wire_gather(), SSL_write() ..., tls_wire_send()
 *
 * What the socket does not take then is held, and nothing is written past it.  Plaintext counts as
 * sent when the last of its records is out: tls_wire_send() and tls_wire_resume() give its size,
 * or -EAGAIN.  A peer that takes its bytes slowly gets fewer at once, so that what is held is
 * little: at most TLS_WIRE_BATCH_BYTES the first time and a record later.
 */
enum {
    TLS_WIRE_RECORD_BYTES = 16384 + 512,      /* the largest record and what comes with it */
    TLS_WIRE_BATCH_BYTES = 50 * 1024 + 16896, /* gathered: four records */
    TLS_WIRE_SLOW_SENDS = 256,                /* whole ones until a slow peer is not slow */
};

struct ssl_st;

struct tls_wire {
    int fd;
    uint16_t slow_sends; /* left */
    bool is_gathering;
    char *bytes; /* gathered: the caller's; held: our own; NULL: neither */
    uint32_t size, sent;
    uint32_t plain_bytes; /* that the held ones stand for */
};

void tls_wire_attach(struct ssl_st *ssl, int fd); /* until SSL_free() */
struct tls_wire *tls_wire_of(const struct ssl_st *ssl);

/* `room` has TLS_WIRE_BATCH_BYTES, the wire holds nothing. */
void tls_wire_gather(struct tls_wire *wire, char *room);
bool tls_wire_takes_more(const struct tls_wire *wire); /* a record, while gathering */
/* Ends the gathering.  `plain_bytes` is what was encrypted: given back when all is out. */
ssize_t tls_wire_send(struct tls_wire *wire, size_t plain_bytes, bool has_more) MUST_USE;

bool tls_wire_holds(const struct tls_wire *wire);
ssize_t
tls_wire_resume(struct tls_wire *wire) MUST_USE; /* sends what is held: as tls_wire_send() */

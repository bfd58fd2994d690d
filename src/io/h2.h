// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/server_state.h"
#include "io/stream.h"

/*
 * h2: connections that speak HTTP/2 (RFC 9113).  Internal to io/.
 *
 * A connection starts as HTTP/1's; when TLS chose "h2" (ALPN), or a plain one starts with HTTP/2's
 * preface, its socket moves here:
 *
 *   socket ─ one read ─▶ scratch ─▶ frames ─▶ streams: header, body ─▶ ready ─▶ handlers
 *   socket ◀─ one write ─ batch ◀─ frames ◀─ answers, by priority ◀─ exchanges ◀───┘
 *
 * A turn is one read, the handlers of all requests in it, and one write of all that they answered:
 * many streams share two system calls.  Handlers are never called while frames are being read.
 *
 * What one connection can make us hold: its struct and two HPACK tables, a frame and a header that
 * are not whole, one batch that the socket did not take, h2_max_streams exchanges, and
 * h2_max_held_bytes of bodies and answers.  While the socket takes nothing, nothing is read.
 */
struct h2_connection;

/* What all HTTP/2 connections of a server share; made with the first, freed with the server. */
struct h2_shared;
void h2_shared_free(struct h2_shared **shared);

enum { H2_PREFACE_BYTES = 24 };
extern const char h2_preface_bytes[H2_PREFACE_BYTES + 1]; /* RFC 9113 3.4 */
/* 1: `input` starts with the preface; 0: it may yet; -1: it does not. */
int h2_preface(struct text input);

struct h2_arrival {
    struct listener *listener;
    struct stream stream; /* taken over */
    struct address address;
    uint16_t port;
    struct text input; /* read already; borrowed for the call */
};
/* The connection counts as open before and after. */
void h2_start(const struct h2_arrival *arrival);

/* Tells the client to go away and lets running streams end (RFC 9113 6.8). */
void h2_drain_all(struct server *server);
void h2_abort_all(struct server *server);

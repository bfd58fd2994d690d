// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/caching.h"
#include "io/exchange.h"

#include <sys/types.h>

/*
 * relay: an answer that is not kept, on its way from the loop that fetches it to the loop of the
 * one client that gets it.
 *
 *     fetch's loop   relay_write(), relay_end() ──▶ at most RELAY_BYTES ──▶ relay_read()   client's
 * loop on_room ◀─ a message when there is room again on_leave ◀─ a message when the client has gone
 *                              a message when there are bytes again ─▶ on_ready
 *
 * Two own it, one on each side; each gives it up once.  Its lock is held for a copy of bytes.
 */
struct relay;
struct loop;

enum { RELAY_BYTES = 256 << 10 };

struct relay_writer { /* called on the writer's loop, until relay_end() */
    void (*on_room)(void *context);
    void (*on_leave)(void *context);
    void *context;
};

/* Owned by both sides at once. */
struct relay *relay_new(struct loop *writes_on, const struct relay_writer *writer,
                        struct loop *reads_on) MUST_USE;

/* --- the writer's side --- */
/* Copies.  False: it is full, wait for on_room before more is read; what was given is taken. */
bool relay_write(struct relay *relay, struct text bytes) MUST_USE;
/* Before the end: a word for the reader beside the bytes (trailers).  Copied. */
void relay_note(struct relay *relay, struct text note);
/* The last word: 0, or -errno when the body is cut short.  Gives up the writer's side. */
void relay_end(struct relay **relay, int error);

/* --- the reader's side --- */
/* As exchange_source_read.  `on_ready` is called once after each -EAGAIN. */
ssize_t relay_read(struct relay *relay, char *room, size_t size, void (*on_ready)(void *context),
                   void *context) MUST_USE;
/* After relay_read() gave 0: what the writer noted, or TEXT_NONE; lent until relay_leave(). */
struct text relay_noted(const struct relay *relay);
/* No callback comes any more. */
void relay_leave(struct relay **relay);

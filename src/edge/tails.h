// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/relay.h"

/*
 * tails: what follows of a body when the store has given its object up, for all who read along.
 *
 * The store may refuse the next piece at any time: the object outgrows its bound, or there is no
 * memory now.  Those who read it have been promised a whole body, so each is handed a relay with
 * the object, which stays empty unless that happens:
 *
 *     object   ████████████│ given up here: cache_read() says CACHE_READ_FAILED
 *     tail                 └▶ relay_read(): what follows, to the end
 *
 * All readers then go at the pace of the slowest, whom its own time limits end (min_send_rate).
 * Lives on one loop, that of the writer; embedded.
 */
struct tail;

struct tails {
    struct tail *first;
    struct loop *loop;
    void (*on_room)(void *context);  /* all have room again */
    void (*on_alone)(void *context); /* the last reader has left; the owner may free the tails */
    void *context;
};

/* The reader's side, for who runs on `reads_on`. */
struct relay *tails_add(struct tails *tails, struct loop *reads_on) MUST_USE;
/* False: somebody is full, wait for on_room. */
bool tails_write(struct tails *tails, struct text bytes) MUST_USE;
bool tails_have_room(const struct tails *tails);
/* The last word to all, 0 or -errno.  No callback comes any more. */
void tails_end(struct tails *tails, int error);

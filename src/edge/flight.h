// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * flight: one request upstream per object, however many ask for it at once.
 *
 * The table of one loop, for the keys whose home that loop is.  The first to join leads: it starts
 * the fetch, whose handler is the flight's and not the leader's, so the leader may leave at any
 * time.  Who joins later follows, and is called once: with FLIGHT_SHOWN when there is an object to
 * read (at its header: it is still being written), with FLIGHT_RELEASED when the answer is for the
 * leader alone and each asks for itself, with FLIGHT_FAILED when there was no answer.  Nobody
 * polls, and followers of what cannot be shared do not queue behind each other: for a while after a
 * release the key is remembered, and whoever joins is told FLIGHT_ALONE at once.
 *
 *     flight_join ─▶ flight_show (the object; later ones read it at once) ─▶ flight_land
 *                └─▶ flight_land (released, or failed)
 *
 * Bookkeeping only: no I/O, no clock, no locks.  Waiters of other loops are posted by their
 * callback.
 */
struct flights;
struct flight;

enum flight_role {
    FLIGHT_LEAD,   /* *ret is new, and yours to land */
    FLIGHT_FOLLOW, /* the waiter will be called */
    FLIGHT_READ,   /* it was shown already: flight_object(*ret) */
    FLIGHT_ALONE,  /* not cacheable a moment ago: ask for yourself; *ret is untouched */
    FLIGHT_FULL,   /* a table is full: answer 503, we shed rather than queue without bound */
};

enum flight_result {
    FLIGHT_SHOWN,    /* `object` may be read */
    FLIGHT_RELEASED, /* not to be shared: remembered for uncacheable_ms */
    FLIGHT_FAILED,
    FLIGHT_OVER, /* whatever flight_land() says after flight_show(): nobody waits any more */
};

/* Embedded in what waits; its owner keeps it alive until it is called or left. */
struct flight_waiter {
    /* Called once, no longer waiting.  It may join, leave and free itself. */
    void (*on_landing)(struct flight_waiter *waiter, enum flight_result result, void *object);
    struct flight *_flight; /* NULL when it waits for nothing */
    struct flight_waiter *_next, **_at;
};

struct flights_limits {
    uint32_t max_flights, max_waiters;         /* of the table, all keys together */
    uint32_t uncacheable_ms, uncacheable_kept; /* how long and how many are remembered */
};
struct flights *flights_new(const struct flights_limits *limits, uint64_t seed) MUST_USE;
void flights_free(struct flights **flights); /* when nothing flies any more */

/* With the guard `coalescing` off everybody leads, each a flight of its own. */
enum flight_role flight_join(struct flights *flights, struct text key, uint64_t now_us,
                             struct flight_waiter *waiter, struct flight **ret) MUST_USE;
/* Before its callback, or after: then it does nothing. */
void flight_leave(struct flight_waiter *waiter);
/* The flight under that key, or NULL. */
struct flight *flight_of(struct flights *flights, struct text key);
size_t flight_waiters(const struct flight *flight);

/* Calls every waiter with the object, in order; returns how many.  Borrowed until it lands. */
size_t flight_show(struct flight *flight, void *object);
void *flight_object(const struct flight *flight); /* NULL until it was shown */
/* Takes the key off the table: from now on who joins leads anew, or is alone after a release.
 * Then calls who still waits.  *flight is gone. */
size_t flight_land(struct flight **flight, enum flight_result result, uint64_t now_us);
/* An answer that may be stored now ends what was remembered of its key. */
void flights_forget(struct flights *flights, struct text key);

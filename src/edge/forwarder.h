// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include "trust/parcel.h"

/*
 * forwarder: what this edge accepted goes on to the origin, once durable there never again
 * (docs/decisions/033-writes.md).
 *
 *   journal ─tail─▶ parcel ─sealed─▶ POST, at the first place that answers ─▶ receipt
 *      ▲                                                                        │
 *      └── held no more ◀── mark on the disk ◀── taken ◀── home loop: on_receipt ┘
 *
 * A thread with a loop of its own: it waits for the network and for fsync, and nobody waits for it.
 * What has not arrived waits in the journal, on the disk, within the journal's limit.  The same
 * parcel is sent until its receipt is here, at least a second apart, ever less often up to half a
 * minute, at random within that; each time from the first place on.  A crash anywhere makes the
 * last parcel be sent again, which changes nothing there.
 */
struct forwarder;
struct client;
struct journal;
struct loop;
struct workers;

enum { FORWARDER_MAX_PLACES = 16, FORWARDER_URL_BYTES = 300 };

/* The origin's addresses come first, then nodes that may pass a parcel on. */
struct forwarder_place {
    char url[FORWARDER_URL_BYTES]; /* "https://HOST:PORT" */
    bool is_relay;
};

/* Functions are called on the forwarder's thread. */
struct forwarder_line {
    /* NULL, with words, when it cannot be had: tried again. */
    struct client *(*open)(void *context, struct loop *loop, bool is_relay, char *why,
                           size_t why_size);
    /* The signed object of a parcel; NULL: it goes as it is, for who is let in by `authorization`.
     */
    void (*seal)(void *context, struct text parcel, uint64_t last_lsn, struct buffer *out);
    /* The receipt in a signed object, when it is one of the origin's for us; NULL with `seal`. */
    bool (*open_receipt)(void *context, struct text object, struct text *ret_body);
    void *context;
    struct text authorization; /* value of the field, or empty; never sent to relays */
};

/* On the home loop; what is lent is the callee's until forwarder_taken(), which follows. */
typedef void forwarder_on_receipt(void *context, const struct parcel *parcel,
                                  const struct receipt *receipt);

struct forwarder_config {
    const char *folder; /* STATE */
    struct journal *journal;
    struct uid journal_id;
    uint64_t forwarded_lsn; /* as the mark said; the journal is held there */
    struct forwarder_line line;
    struct loop *home;
    forwarder_on_receipt *on_receipt;
    void *context;
    const struct logger *logger; /* may be NULL */
    struct workers *resolvers;   /* borrowed */
};

struct forwarder *forwarder_start(const struct forwarder_config *config) MUST_USE;
/* On the home loop's thread.  Joins the thread; nothing is called any more.  Accepts NULL inside.
 */
void forwarder_stop(struct forwarder **forwarder);

/* --- from any thread --- */
void forwarder_wake(struct forwarder *forwarder); /* something is in the journal */
/* Where to bring parcels from now on; none: nothing is tried. */
void forwarder_set_places(struct forwarder *forwarder, const struct forwarder_place *places,
                          size_t count);
/* What the receipt said is durable here (true), or not now: it is asked for again. */
void forwarder_taken(struct forwarder *forwarder, bool is_durable);

struct forwarder_status {
    uint64_t forwarded_lsn; /* all up to here has arrived */
    int64_t answered_ms;    /* Unix time of the last receipt; 0: none yet */
    char trouble[200];      /* for people; "" when it goes well */
};
void forwarder_status(struct forwarder *forwarder, struct forwarder_status *ret);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include "catalog/shelf.h"
#include "trust/keyring.h"
#include "trust/uid.h"

/*
 * replica: what this node holds of its origin, kept up to date and kept when the origin is gone
 * (docs/decisions/032-replicas.md).
 *
 *     /changes (a kept cursor) ─▶ what is wanted ─▶ fetch ─▶ verify ─▶ disk ─▶ sink
 *
 * A thread with a loop of its own: it waits for the network and for the disk, and nobody waits for
 * it.  Everything is verified from the fingerprint of the root key on, by (epoch, number) that
 * never goes backwards, and by the digests of a signed list.  What does not verify changes nothing,
 * is said in the log and in the status, and is asked for again after a while.  An origin that does
 * not answer is tried at most once a second, ever less often up to replica_retry_ms, at random
 * within that.
 *
 * On disk, each file replaced whole:
 *   STATE/replica/keys, revoked, nodes, catalog-N    signed objects as they came
 *   STATE/replica/cursor                             up to where everything is here
 *   STATE/catalog/{library}/                         a depot that is a copy (catalog/depot.h)
 * The cursor is written when all that was told up to it is durable, so that a crash at any point
 * makes some things be asked for again and nothing be missed.
 */
struct replica;
struct catalog;
struct client;
struct loop;

enum {
    REPLICA_LIBRARIES = 32,
    REPLICA_MAX_OBJECTS = REPLICA_LIBRARIES + 3,
    REPLICA_FINGERPRINT_BYTES = 32,
    REPLICA_MOST_AT_ONCE = 64, /* of replica_at_once */
    REPLICA_URLS_MAX = 16,
};

struct replica_limits {
#define LIMIT(name, type, standard, help) type name;
#include "replica/replica.def"
#undef LIMIT
};
struct replica_limits replica_limits_default(void);

/* How the origin is reached; the connection says who this node is there. */
struct replica_line {
    /* Called on the replica's thread; NULL, with words, when it cannot be had: tried again. */
    struct client *(*open)(void *context, struct loop *loop, char *why, size_t why_size);
    void *context;
    /* "https://192.0.2.7:4748": tried in turn when one does not answer.  Copied. */
    const char *urls[REPLICA_URLS_MAX];
    size_t url_count;                               /* at least 1 */
    uint8_t fingerprint[REPLICA_FINGERPRINT_BYTES]; /* SHA-256 of the root key */
};

/*
 * Where it goes; all are called on the replica's thread, the first three also by replica_start(),
 * on the caller's, with what the disk has.  `on_state`, of at most replica_at_once accounts at a
 * time, ends by replica_state_taken() from any thread: that copy is durable, or could not be taken
 * just now.
 */
struct replica_sink {
    void (*on_keys)(void *context, struct keyring *ring); /* borrowed */
    void (*on_object)(void *context, const struct signed_object *object, struct text bytes);
    /* References are the sink's; shelves by library - 1. */
    void (*on_catalog)(void *context, struct catalog *catalog,
                       struct shelf *shelves[REPLICA_LIBRARIES]);
    void (*on_state)(void *context, struct uid account, struct text body); /* state/copy.h */
    void *context;
};

struct replica_config {
    const char *folder; /* STATE */
    struct replica_line line;
    struct replica_sink sink;
    const struct logger *logger; /* may be NULL */
    struct workers *resolvers;   /* borrowed */
    struct replica_limits limits;
};

/* Opens what the disk has, tells the sink, starts the thread.  0, or -errno with words in `why`. */
int replica_start(const struct replica_config *config, struct replica **ret,
                  char why[256]) MUST_USE;
/* Joins the thread; no sink is called any more.  Accepts NULL inside. */
void replica_stop(struct replica **replica);
/* That account's state is asked for again though nobody told of a change.  From any thread.  False:
 * replica_waiting accounts wait already, and this one does not: ask again in a while. */
bool replica_want(struct replica *replica, struct uid account) MUST_USE;
void replica_state_taken(struct replica *replica, struct uid account, bool is_durable);

struct replica_status {
    bool is_linked;       /* the origin answered within the last minute */
    int64_t confirmed_ms; /* Unix time up to which all that is here was current; 0: never */
    size_t waiting;       /* objects and accounts that are known to be newer there */
    size_t object_count;
    struct replica_copy {
        char name[40]; /* "/catalog/1" */
        uint64_t epoch, number;
        int64_t taken_ms; /* when this version came */
    } objects[REPLICA_MAX_OBJECTS];
    char trouble[200]; /* what went wrong last, for people; "" when nothing does now */
};
void replica_status(struct replica *replica, struct replica_status *ret); /* any thread */

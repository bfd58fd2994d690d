// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "base/map.h"
#include "io/client.h"
#include "io/loop.h"
#include "replica/catalogs.h"
#include "replica/copies.h"
#include "replica/replica.h"

#include <pthread.h>

/*
 * course: what a replica does next.  Internal to replica/; all on its own thread but what `lock`
 * guards.
 *
 *     advance ─▶ keys, revoked, nodes ─▶ lists ─▶ objects of segments ─▶ listeners ─▶ /changes
 *        ▲ one request at a time; of listeners several (listeners.c)                     │
 *        └───────── what came is taken (take.c), or put off, or all waits (retry) ◀──────┘
 *
 * Put off is what was refused or is not there: the rest goes on, it is tried again by `later`.
 */
enum replica_step {
    STEP_IDLE,
    STEP_OBJECT,  /* `name` */
    STEP_SEGMENT, /* into catalogs */
    STEP_CHANGES,
};

struct replica;
/* "CURSOR", or while everybody is told of in pieces "CURSOR UID": the first piece's, and behind
 * whom the next begins. */
void course_write_cursor(const struct replica *replica, struct buffer *out);
void course_read_cursor(struct replica *replica, struct text kept);

/* One listener's state on its way; free while there is no call and it is not taken. */
struct replica_asking {
    struct replica *replica;
    struct client_call *call;
    bool is_taking; /* the sink has it */
    struct uid account;
    unsigned status;
    bool is_cut;
    struct buffer body;
};

struct replica {
    struct replica_config config;
    char *urls[REPLICA_URLS_MAX];
    size_t url_at; /* of the line that is open or tried next */
    struct loop *loop;
    pthread_t thread;
    struct copies *copies;
    struct catalogs *catalogs;
    char *cursor_path;

    struct client *client;
    struct client_origin *origin;
    struct client_pool *pool;
    struct client_call *call; /* NULL: none is under way */
    enum replica_step step;
    char name[64]; /* of what is asked for */
    struct buffer body;
    unsigned status;
    bool is_cut; /* a piece could not be taken */

    struct replica_asking *askings; /* limits.replica_at_once */

    bool wants_small[3]; /* small_names */
    uint32_t wants_lists;
    struct map *accounts;          /* uid → itself: wanted; listeners_want() keeps the bound */
    _Atomic size_t wanted, wishes; /* of those now; replica_want()'s that are not among them yet */
    _Atomic bool has_told_of_wishes; /* that there was no room for one, in the log */
    struct {
        bool small[3];
        uint32_t lists;
        struct map *accounts;
    } put_off;

    struct buffer cursor, next_cursor; /* durable here; told last */
    bool is_in_pieces;                 /* of everybody; told up to here: */
    struct uid after;
    int64_t refreshed_ms;
    unsigned failures; /* in a row */
    bool is_broken;    /* the last one was the line's, not an answer */
    uint64_t tried_us, polled_us;
    struct loop_timer retry, later;
    bool has_refusal;

    pthread_mutex_t lock;
    struct replica_status shown;
    int64_t answered_ms; /* of the last answer of any kind to /changes */
};

extern const char *const replica_small_names[3]; /* "/keys" … */

void course_start(struct replica *replica);
void course_stop(struct replica *replica); /* no call is under way any more */
void course_advance(struct replica *replica);

/* Of what take.c found: all is well, this one is put off, or the origin is not to be believed now.
 */
void course_went_well(struct replica *replica);
void course_put_off(struct replica *replica, const char *why);
void course_retry(struct replica *replica, const char *why);
/* Nothing is asked for before a timer says so. */
bool course_waits(const struct replica *replica);
/* Tells people, in the log once. */
void course_say(struct replica *replica, const char *what, const char *why);
void course_interrupt(struct replica *replica);  /* something more is wanted */
void course_want_later(struct replica *replica); /* what was put off */
void course_show(struct replica *replica);

/* take.c: what came whole, with status 200 */
void take_object(struct replica *replica);
void take_segment(struct replica *replica);
void take_changes(struct replica *replica);
enum copies_verdict take_listener(struct replica_asking *asking, const char **ret_why);

/* listeners.c: accounts that are wanted are asked for, several at once */
void listeners_open(struct replica *replica);
bool listeners_want(struct replica *replica, struct text account) MUST_USE; /* false: too many */
/* Those that were put off, as many as there is room for; false: some still are. */
bool listeners_want_put_off(struct replica *replica) MUST_USE;
void listeners_ask(struct replica *replica);
bool listeners_are_busy(const struct replica *replica);
void listeners_cut(struct replica *replica); /* no call is under way; they are wanted again */
void listeners_close(struct replica *replica);
/* Also from the disk, before the thread starts. */
void take_tell(struct replica *replica, const char *name);
void take_tell_catalog(struct replica *replica);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/edge.h"
#include "edge/fetch.h"
#include "edge/flight.h"
#include "edge/relay.h"
#include "edge/stored.h"
#include "media/rendition.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * state: what the flow's files share.  Internal to edge/.
 *
 *     asking (its client's loop)                       lead (home loop of the key)
 *     asking_start: key, look-up, decide ── hit ▶ answer_stored
 *                       │ asking_go_home ────────────▶ lead_asked: join or lead a flight
 *                       │                              on_header: store, update, help, relay
 *     asking_delivered ◀┴───────────────────────────── deliver
 *     answer_stored, answer_relayed, problem
 *
 * An asking belongs to one loop at a time: to its client's until asking_go_home(), to the key's
 * home until it is delivered.  A lead never looks at an exchange after its asker was delivered.
 */
struct edge_loop {
    struct edge *edge;
    struct loop *loop;
    struct fetcher *fetcher; /* NULL until this loop needs one */
    struct flights *flights;
    struct lead *leads; /* under way */
    struct slice_fetch *slices;
    struct bring *brings;
    struct peer_line *peer_line; /* NULL until a peer is asked */
    bool has_ended;              /* what comes now is refused */
};

struct edge {
    struct server *server;
    struct edge_config config;
    atomic_llong
        slow_until_ms; /* an origin kept somebody waiting: what is stale is given at once */
    atomic_llong asked_ms[RENDITION_COUNT]; /* when a listener last began one; 0: never */
    struct prefetch *prefetch;
    pthread_mutex_t lock; /* of the next two */
    struct peers *peers;  /* NULL: none are known */
    struct keyring *ring; /* NULL: nothing can be judged */
    struct uid own_id;    /* before peers are */
    size_t loop_count;
    struct edge_loop loops[];
};

enum asking_result {
    ASKING_OBJECT, /* `shown` */
    ASKING_RELAY,  /* `relay`, `head` */
    ASKING_ALONE,  /* ask again, sharing nothing */
    ASKING_LATE,   /* look again: it has come meanwhile */
    ASKING_FAILED, /* `outcome` */
};

/* Who is given what comes; each is called once, on the asking's loop, and takes it over. */
struct asking;
struct answers {
    void (*stored)(struct asking *asking, struct cache_object *object,
                   const struct cache_meta *meta, const struct stored *stored);
    void (*relayed)(struct asking *asking);
    void (*failed)(struct asking *asking);
};
extern const struct answers answers_of_exchanges; /* answer.c */

struct asking {
    struct edge_loop *here, *home;
    const struct answers *answers;
    struct exchange *exchange;              /* NULL: nobody's connection (bring.c) */
    struct arena *arena;                    /* the exchange's, or the bring's */
    const struct edge_object *object_asked; /* NULL: nothing is special; the arena's */
    struct bring *bring;                    /* without an exchange */
    struct text method, host, target; /* all texts: the exchange's arena's, or as long alive */
    struct caching_fields fields;
    struct caching_asked asked;
    struct text key, found_key; /* of the URL; of the response that fits, or would */
    struct text tried_key;      /* what is being looked for */
    bool is_read;               /* GET or HEAD: may be answered from the store */
    bool has_looked_twice;
    bool has_restarted; /* the version that it began with was gone */
    bool is_alone;      /* what comes is not shared with others who ask */
    bool is_granted;    /* edge_ask_object() */

    /* what was found */
    struct caching_fields sets; /* of a list: to be tried */
    size_t set_at;
    struct cache_object *object;
    const struct cache_meta *meta;
    struct stored stored;
    enum caching_forward forward; /* why it is not enough */

    struct flight_waiter waiter;

    /* what was delivered */
    enum asking_result result;
    struct cache_object *shown;
    char *shown_key; /* where it lies, with size; NULL: need not be compared */
    size_t shown_key_size;
    struct sliced *sliced; /* its body, when `shown` or `object` is in slices and one is at hand */
    struct relay *tail;    /* what follows when the store gives `shown` up, or NULL */
    struct relay *relay;
    struct buffer head;
    uint64_t length; /* of what is relayed, or CACHE_LENGTH_UNKNOWN */
    enum fetch_outcome outcome;
    struct caching_status status;
};

/* --- edge.c --- */
struct edge_loop *edge_home(struct edge *edge, struct text key);
bool edge_loop_is_ready(struct edge_loop *here); /* makes what it needs; false: it cannot */
int64_t edge_now_ms(void);
struct peers *edge_peers(struct edge *edge); /* a reference, or NULL */
bool edge_is_node(const struct edge *edge); /* of its origin's service: certificates say who asks */
void edge_mark_slow(struct edge *edge, int64_t now_ms);
bool edge_is_slow(const struct edge *edge, int64_t now_ms);
void edge_invalidate(struct edge *edge, struct text host, struct text target);
/* Marks of a response: its URL, the folders above it, its tags.  At most CACHE_MARKS_MAX. */
size_t edge_marks(struct edge *edge, struct text host, struct text target,
                  struct caching_fields response, uint64_t ret[CACHE_MARKS_MAX]);

/* --- asking.c --- */
void asking_deliver(struct asking *asking, enum asking_result result); /* home → its loop */
void asking_interim(struct asking *asking, const struct stored *head); /* before that */
void asking_look_again(struct asking *asking);
void asking_free(struct asking *asking);
/* Looks for what lies under `key`, then decides: an answer, or asking_forward(). */
void asking_look(struct asking *asking, struct text key);
void asking_forward(struct asking *asking); /* upstream, unless only-if-cached */

/* --- asking_begin.c --- */
/* Nobody's connection: a GET of an object of this service, its fields and texts the arena's. */
struct asking *asking_own(struct edge_loop *here, struct arena *arena, struct text target,
                          const struct answers *answers) MUST_USE;
void asking_begin(struct asking *asking);

/* --- bring.c --- */
void bring_cut_all(struct edge_loop *here);

/* --- lead.c: on the home loop --- */
void lead_asked(void *asking);
/* Behind an answer: nobody waits.  `work` is made by lead_background(). */
void lead_background(struct asking *asking);
/* What nobody has asked for yet: `next` says what it is like; `number` is told to the prefetch. */
void lead_prefetch(struct asking *next, uint64_t number);
void lead_cut_all(struct edge_loop *home);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "adopt/adopt.h"
#include "adopt/book.h"
#include "adopt/credentials.h"
#include "adopt/proofs.h"
#include "base/map.h"
#include "io/client.h"
#include "io/exchange.h"
#include "io/workers.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * adopt_state: what the modules of adopt/ share.  Nobody outside this folder includes it.
 *
 *     home loop   gate, pass, proofs
 *     teller      probes the server, replays, refreshes: a thread, a book and a line of its own
 *     walker      walks the library: the same
 *     reader      one worker: questions on the island, writes taken
 *     prover      one worker: Argon2id
 */
struct visit;
struct gate_told;

enum { ADOPT_VISITS_MAX = 1024, ADOPT_REFRESHES_MAX = 64, ADOPT_TOLD_MAX = 32 };

struct adopt_thread {
    struct adopt *adopt;
    pthread_t thread;
    struct book book;
    struct foreign *foreign;
    bool is_running;
};

/* A listener whose lists are to be asked for, while they are here. */
struct adopt_refresh {
    char listener[CREDENTIALS_NAME_BYTES], query[CREDENTIALS_QUERY_BYTES];
};

struct adopt {
    struct adopt_config config;
    struct credentials operator_credentials;
    struct proofs *proofs;
    struct throttle *throttle;
    struct client *client;
    struct client_origin *origin;
    struct client_pool *pool;
    struct workers *reader, *prover;
    struct book reading, proving;
    struct gate_told *told[ADOPT_TOLD_MAX]; /* before their visit knew its number; a ring */
    size_t told_at;
    struct visit *visits; /* waiting for something */
    size_t visit_count;
    struct adopt_thread teller, walker;
    struct pauses *pauses; /* the teller's */
    bool has_stopped;

    pthread_mutex_t lock;
    pthread_cond_t work; /* for both threads */
    struct adopt_refresh refreshes[ADOPT_REFRESHES_MAX];
    size_t refresh_count;
    bool has_writes, is_doubted; /* is_doubted: somebody waited in vain */
    bool is_stopping;

    atomic_bool is_linked;
    atomic_llong songs, walked_ms;
    atomic_llong writes, refused, in_doubt; /* that wait; that ended so */
};

static inline bool adopt_is_linked(struct adopt *adopt) { return atomic_load(&adopt->is_linked); }
/* From the gate: the server did not answer.  `is_sure`: it could not be reached. */
void adopt_doubt(struct adopt *adopt, bool is_sure);
void adopt_has_writes(struct adopt *adopt);
/* False: too many are waited for already. */
bool adopt_wants_refresh(struct adopt *adopt, const struct credentials *credentials);

/* On the home loop, from the teller: a write of `number` was told. */
struct gate_told {
    struct adopt *adopt;
    int64_t number;
    bool is_refused;
    int code;
    json_t *response;
};
void gate_on_told(void *told);

void gate_routes(struct adopt *adopt, struct server *server);
void gate_stop(struct adopt *adopt); /* ends what waits */

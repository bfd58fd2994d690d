// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include "io/loop.h"

/*
 * api: everything a listener's program may ask of this node: OpenSubsonic under /rest, the player's
 * own JSON under /api/v1 and /ops, audio under /m and artwork under /art (ARCHITECTURE.md, "The
 * address space").
 *
 * One api belongs to the server's home loop and answers from memory there: the catalogue's current
 * snapshot, the listeners' state.  Bytes of songs and pictures go out from every loop.  What blocks
 * (password hashes, artwork that is not yet cached) goes to the worker pools given here. Not here:
 * /livez, /readyz, /metrics and the player's pages, which programs/ registers.
 *
 *     struct api *api = api_new(&config);
 *     api_routes(api, server);           // the server then calls into the api
 *     …
 *     server_free(&server);              // first: no request may be under way
 *     api_free(&api);
 */
struct api;
struct keyring;       /* trust/keyring.h */
struct keys;          /* trust/keys.h */
struct library;       /* library/library.h */
struct loudness_book; /* library/loudness.h */
struct media_pool;    /* media/pool.h */
struct node_book;     /* trust/node_book.h */
struct packager;      /* media/packager.h */
struct onetime;       /* trust/onetime.h */
struct server;        /* io/server.h */
struct state;         /* state/state.h */
struct workers;       /* io/workers.h */

struct server_limits;
struct breached;        /* trust/breached.h */
struct throttle_limits; /* api/throttle.h */

/*
 * Of a node that follows an origin (docs/decisions/032-replicas.md): who answers what is not held
 * here.  Both run on the connection's loop and finish the exchange.  `ask` NULL: this is an origin.
 */
struct exchange;
struct api_elsewhere {
    void (*ask)(struct exchange *exchange, void *context); /* as it came: the origin answers */
    /* An object of /m or /art that `grant` was proven to open here: from what is kept, else from
     * the origin.  `target` is without the grant. */
    void (*fetch)(struct exchange *exchange, struct text target, struct text grant, void *context);
    void *context;
};

/*
 * All borrowed, and outliving the api, except texts, which api_new() copies.  The api takes
 * state_on_change() for itself and subscribes to the library.
 */
struct api_config {
    struct loop *loop; /* the one that runs the server */
    struct state *state;
    struct library *library;
    struct media_pool *media;       /* transcodes; NULL: only originals are served */
    struct packager *packager;      /* renditions; NULL: none are made */
    struct loudness_book *loudness; /* what was measured; NULL: tags alone count */
    unsigned segment_wait_s;        /* how long a request waits for a segment to be encoded */
    struct workers *workers;        /* artwork, lyrics: short blocking reads */
    struct workers *passwords;      /* Argon2id only: its own bulkhead */
    const struct keys *keys;
    struct keyring *ring;        /* the api takes a reference of its own */
    struct node_book *book;      /* the edges that joined (api/peers.h); NULL: none can */
    struct onetime *setup_code;  /* makes the first admin; NULL when accounts exist already */
    const struct logger *logger; /* may be NULL */
    const struct logger *audit;  /* who did what to accounts (api/audit.h); may be NULL */
    const struct throttle_limits *signin; /* how often somebody may be wrong, or renew; copied */
    const struct breached *breached;      /* passwords that are known; may be NULL */
    const struct server_limits *limits;   /* what loops may keep, and who may listen */
    struct text node_name;                /* in /nodes; borrowed, as the addresses */
    const struct text *node_urls; /* where this node is reached: "https://music.example.org" */
    size_t node_url_count;
    const char *folder; /* STATE, where the feed of changes leaves its mark; NULL: nowhere */
    struct api_elsewhere elsewhere;
    struct text version; /* of this program, "0.1.0" */
    /* values of `c` that get plain Subsonic 1.16.1, without OpenSubsonic's additions */
    const struct text *legacy_clients;
    size_t legacy_client_count;
};

struct api *api_new(const struct api_config *config) MUST_USE;
void api_free(struct api **api);
/* No request comes any more, but answers may still be sent: lets go of state and library, which may
 * then be closed before api_free(). */
void api_let_go(struct api *api);

/* Registers every route of the api on `server`. */
void api_routes(struct api *api, struct server *server);

/*
 * On a node that follows: a signed object as the origin made it (/revoked, /nodes, /catalog/{n}),
 * verified, is what this node says from now on.  On the home loop; copied.
 */
void api_take_object(struct api *api, struct text name, uint64_t epoch, uint64_t number,
                     struct text bytes);

/* Another ring is in force: after a rotation, or with a key revoked, whose proofs every loop then
 * forgets.  On the home loop. */
void api_take_keyring(struct api *api, struct keyring *ring);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include "http/message.h"
#include "io/loop.h"
#include "trust/uid.h"

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
struct node_list;     /* trust/node_list.h */
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
 * here.  `ask` and `fetch` run on the connection's loop and finish the exchange.  `ask` NULL: this
 * is an origin; with `fetch` all the same one that was an edge, and holds what it kept as one
 * (api/kept.h): then fetch, read, holds, join and is_linked are there.
 */
struct exchange;
typedef void api_handler(struct exchange *exchange, void *context);
struct api_object {
    struct text target;     /* without the grant */
    struct text grant;      /* that was proven to open it here; TEXT_NONE: proven in another way */
    struct http_field each; /* in the answer, instead of its namesake; name.data NULL: none */
    api_handler *otherwise; /* FINISHES when nobody has it; NULL: a problem is the answer */
    void *context;
};
struct api_part {
    struct text target;
    uint32_t bytes;
};
/* data NULL: nobody has it. */
typedef void api_object_read(void *context, struct text bytes);
struct api_elsewhere {
    /* As it came: the origin answers; without one `otherwise`, which may be NULL. */
    void (*ask)(struct exchange *exchange, api_handler *otherwise, void *otherwise_context,
                void *context);
    /* An object of /m or /art that this listener may have: from what is kept, else from whoever has
     * it.  Texts: the exchange's, or as long alive. */
    void (*fetch)(struct exchange *exchange, const struct api_object *object, void *context);
    /* The same for this node itself, on the home loop, where it is told later, once. */
    void (*read)(struct text target, size_t most_bytes, api_object_read *told, void *told_context,
                 void *context);
    bool (*holds)(struct text target, void *context); /* any loop */
    /* On the connection's loop: these one after another, as one body; FINISHES.  The exchange's
     * fields were written; parts are the exchange's. */
    void (*join)(struct exchange *exchange, const struct api_part *parts, size_t count,
                 void *context);
    bool (*is_linked)(void *context); /* any loop: the origin is not taken for dead */
    const uint8_t *node_seed; /* of an edge that joined: signs its sessions; NULL: it signs none */
    int64_t grace_s;          /* without an origin sessions are opened and renewed for so long */
    void *context;            /* of ask and is_linked */
    void *objects;            /* of fetch, read, holds and join */
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
    struct text passkey_domain; /* of the service, in /nodes; empty: not said (trust/party.h) */
    void (*doors)(void *context, struct buffer *out); /* for nodes, now; NULL: there are none */
    void *doors_context;
    const char *folder; /* STATE, where the feed of changes leaves its mark; NULL: nowhere */
    struct api_elsewhere elsewhere;
    struct uid node;     /* of an edge that joined: its id; none else */
    struct text version; /* of this program, "0.1.0" */
    /* values of `c` that get plain Subsonic 1.16.1, without OpenSubsonic's additions */
    const struct text *legacy_clients;
    size_t legacy_client_count;
};

struct api *api_new(const struct api_config *config) MUST_USE;
void api_free(struct api **api);
/* The server ends (server_drain()): who waits for news is answered at once, and players are told to
 * go on with another node. */
void api_drain(struct api *api);
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

/* The book of edges may have changed: /nodes and /revoked follow, and whoever waits for changes is
 * told.  On the home loop. */
void api_look_at_nodes(struct api *api);
/* What /nodes says, here as at the origin (trust/node_list.h); borrowed until the loop turns; NULL:
 * not known yet. */
struct node_list *api_node_list(const struct api *api);

/* What comes back from the edges of an origin whose place this one took (sostenuto promote); on the
 * home loop. False: nothing does. */
struct api_rebuild {
    size_t edges, heard; /* that were the lost origin's; those of them that have told all */
    uint64_t accounts;   /* to which something came, in this process */
};
bool api_rebuild(const struct api *api, struct api_rebuild *ret);

/* Another ring is in force: after a rotation, or with a key revoked, whose proofs every loop then
 * forgets.  On the home loop. */
void api_take_keyring(struct api *api, struct keyring *ring);

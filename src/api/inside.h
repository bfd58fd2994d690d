// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/api.h"
#include "base/hash.h"
#include "library/library.h"
#include "trust/uid.h"

#include <stdatomic.h>

/*
 * inside: what the modules of api/ share.  Nobody outside this folder includes it.
 */
struct catalog_objects;
struct changes;
struct decider;
struct endings;
struct events;
struct exposure;
struct followers;
struct grant_cache;
struct keyring;
struct hot;
struct known;
struct nodes;
struct segment_call;
struct stream_start;
struct shuffles;
struct rebuild;
struct replay;
struct revoked;
struct throttle;
struct visits;

struct api {
    struct api_config config; /* its texts are ours */
    struct text *legacy_clients;
    struct hash_key seed;
    struct throttle *throttle; /* failed sign-ins */
    struct replay *replay;     /* proofs and challenges that were used */
    struct visits *visits;     /* renewals of visitors, for what they do (visitor.h) */
    struct revoked *revoked;   /* the object /revoked */
    struct known *known;       /* passwords proven lately */
    struct shuffles *shuffles; /* seeds of random lists */
    struct keyring *ring;      /* signs and verifies tokens, grants and objects */
    struct uid node_id;        /* of an edge that joined; else none */
    bool has_keys;             /* false: `ring` stands in until the origin's came (api_follows) */
    struct grant_cache *grants;
    atomic_uint node_mark; /* moves when another edge may have lost its right */
    struct server *server;
    struct hot **hots; /* by index of the loop, its own */
    size_t hot_count;
    struct library_subscriber hot_subscriber;
    struct followers *followers; /* sessions that wait to hear of changes */
    struct changes *changes;     /* what they hear */
    struct endings *endings;     /* answers that run are ended with their right */
    struct events *events;       /* and the player's own page beside */
    struct catalog_objects *catalog_objects;
    struct decider *decider; /* at an origin: what its edges kept as requests */
    struct nodes *nodes;
    struct exposure *exposure;          /* what revoked edges knew */
    unsigned pieces_read;               /* files that are read through for edges */
    struct rebuild *rebuild;            /* NULL: nothing is */
    struct segment_call *segment_calls; /* waiting for an encode (segments.c) */
    struct stream_start *starting;      /* transcodes that gave nothing yet: a list (stream.c) */
};

/* Whether this node follows an origin (api.h). */
static inline bool api_follows(const struct api *api) { return api->config.elsewhere.ask != NULL; }

bool api_is_legacy_client(const struct api *api, struct text client);

/* At the end, when nobody hears them any more. */
void stream_starts_end(struct api *api);

/* Each file of handlers registers its routes. */
void rest_routes(struct api *api, struct server *server);
void player_routes(struct api *api, struct server *server);
void revoked_routes(struct api *api, struct server *server);
void key_routes(struct api *api, struct server *server);
void object_routes(struct api *api, struct server *server);

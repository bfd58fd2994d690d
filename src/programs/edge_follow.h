// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "edge/edge.h"
#include "programs/settings.h"
#include "replica/replica.h"

#include <pthread.h>

/*
 * edge_follow: what makes an edge a full server for its listeners: the replica of its origin, and
 * the api that answers from it (docs/decisions/032-replicas.md).
 *
 *     replica's thread ── messages ──▶ home loop: keys, signed objects, listeners' states ─▶ api
 *                     └─ library_show() ─▶ the catalogue's snapshot
 *     api ─▶ what is not held: the edge's cache and the origin
 *
 * All on the home loop's thread but the sink's functions.
 */
struct edge_follow {
    const struct settings *settings;
    const struct logger *logger;
    struct loop *loop;
    struct edge *edge;
    pthread_t home;
    int lock_fd;
    struct buffer line; /* the file that `follow` names */
    struct keys *keys;
    struct state *state;
    struct library *library;
    struct workers *workers, *passwords, *resolvers;
    struct api *api;
    struct replica *replica;
    struct text legacy_clients[SETTINGS_LIST_MAX];
};

/*
 * Opens what is held, registers the api's routes on `server`, starts to follow; before
 * server_listen().  Nothing when no origin is named.  False with words in `why`; close it also
 * then.
 */
struct edge_follow_config {
    const struct settings *settings;
    const struct logger *logger;
    struct loop *loop;
    struct server *server;
    struct edge *edge;
    struct workers *resolvers;
};
bool edge_follow_open(struct edge_follow *follow, const struct edge_follow_config *config,
                      struct buffer *why) MUST_USE;
void edge_follow_stop(struct edge_follow *follow);  /* before the server is freed */
void edge_follow_close(struct edge_follow *follow); /* after it */

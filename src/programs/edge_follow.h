// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/edge.h"
#include "programs/edge_writes.h"
#include "edge/member.h"
#include "programs/edge_homes.h"
#include "programs/settings.h"
#include "programs/status_board.h"
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
    struct origins *origins;
    struct member *member; /* borrowed: who this edge is, */
    struct uid own;        /* its id */
    pthread_t home;
    int lock_fd;
    bool is_leaving; /* drain.h; kept when nothing is followed, too */
    struct keys *keys;
    struct state *state;
    struct library *library;
    struct workers *workers, *passwords, *resolvers;
    struct api *api;
    struct replica *replica;
    struct edge_place *place;
    struct edge_writes writes;
    struct edge_homes homes;
    struct edge_offers *offers;
    struct status_board status;
    const char *url;
    void (*on_nodes)(void *context, struct node_list *list);
    void *context;
    struct text legacy_clients[SETTINGS_LIST_MAX];
};

/*
 * Opens what is held, registers the api's routes on `server`, starts to follow; before
 * server_listen().  False with words in `why`; close it also then.
 */
struct edge_follow_config {
    const struct settings *settings;
    const struct logger *logger;
    struct loop *loop;
    struct server *server;
    struct edge *edge;
    struct origins *origins;
    struct member *member; /* NULL: no edge of an origin; nothing is opened */
    struct workers *resolvers;
    const char *url; /* where listeners reach this edge; borrowed */
    /* Another list of nodes is here (borrowed); may be NULL. */
    void (*on_nodes)(void *context, struct node_list *list);
    void *context;
};
bool edge_follow_open(struct edge_follow *follow, const struct edge_follow_config *config,
                      struct buffer *why) MUST_USE;
void edge_follow_drain(struct edge_follow *follow); /* with server_drain() */
void edge_follow_stop(struct edge_follow *follow);  /* before the server is freed */
void edge_follow_close(struct edge_follow *follow); /* after it */

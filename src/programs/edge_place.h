// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/json.h"
#include "catalog/catalog.h"
#include "edge/place.h"
#include "trust/uid.h"

/*
 * edge_place: what is placed at an edge that follows, in which order (edge/place.h places it):
 *
 *   launches ─▶ of the listeners whose home or backup this edge is: play queues ─▶ playlists ─▶
 *   starred songs and albums ─▶ what they play most ─▶ the first segments of everything
 *
 * A round is of one snapshot of the catalogue and of the listeners' state as they are when it
 * begins; each song stands in it once.  The launch (docs/formats/launch.md) is asked for every
 * LAUNCH_EVERY_S, and how far it is told to the origin.
 *
 * On the home loop.
 */
struct edge_place;
struct library;
struct node_list;
struct state;

enum { EDGE_PLACE_LAUNCH_EVERY_S = 5 };

struct edge_place_config { /* borrowed, and longer alive */
    struct edge *edge;
    struct loop *loop;
    struct state *state;
    struct library *library;
    uint32_t max_tracks; /* whole ones of a round */
    struct place_config place;
    struct uid own_id; /* none: listeners have no homes here, and all are this edge's */
    /* The newest /nodes, borrowed; NULL: not known. */
    const struct node_list *(*nodes)(void *context);
    void *context;
};
struct edge_place *edge_place_new(const struct edge_place_config *config) MUST_USE;
void edge_place_free(struct edge_place **place); /* before edge, server and library */
/* The member "placing" of /status. */
void edge_place_write(const struct edge_place *place, struct json *json);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/sealed.h"

/*
 * nodes: GET /nodes, the signed list of where this service can be reached (docs/formats/nodes.md);
 * today one node, this origin.
 *
 * The list is left in STATE/nodes, with its number before it, so that its version moves only when
 * its content does and `since` is the day the node was made.
 */
struct api;
struct nodes;
struct server;

enum { NODES_MAX_URLS = 16 };

struct nodes *nodes_new(struct api *api) MUST_USE; /* blocks for a small file */
void nodes_free(struct nodes **nodes);
void nodes_routes(struct nodes *nodes, struct server *server);
uint64_t nodes_number(const struct nodes *nodes);
uint64_t nodes_epoch(const struct nodes *nodes);
/* Of a node that follows: the origin's list is the one served. */
void nodes_take(struct nodes *nodes, struct sealed_version version, struct text bytes);

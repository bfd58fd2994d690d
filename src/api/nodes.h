// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/sealed.h"

/*
 * nodes: GET /nodes, the signed list of where this service can be reached (docs/formats/nodes.md):
 * this origin, and the edges of its book (trust/node_book.h).
 *
 * The list is left in STATE/nodes, with its number before it, so that its version moves only when
 * its content does and `since` is the day the node was made.  On the home loop.
 */
struct api;
struct node_list;
struct nodes;
struct server;

enum { NODES_MAX_URLS = 16 };

struct nodes *nodes_new(struct api *api) MUST_USE; /* blocks for a small file */
void nodes_free(struct nodes **nodes);
void nodes_routes(struct nodes *nodes, struct server *server);
/* What the list says now (trust/node_list.h), on an origin as on a node that follows; borrowed
 * until the loop turns.  NULL: the origin's list did not come yet. */
struct node_list *nodes_list(const struct nodes *nodes);
/* The book may have changed. */
void nodes_look(struct nodes *nodes);
uint64_t nodes_number(const struct nodes *nodes);
uint64_t nodes_epoch(const struct nodes *nodes);
/* Of a node that follows: the origin's list is the one served. */
void nodes_take(struct nodes *nodes, struct sealed_version version, struct text bytes);

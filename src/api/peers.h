// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/node_book.h"

/*
 * peers: which node of this service asks, by its certificate (io/node_tls.h, trust/node_book.h).
 *
 * An edge asks on the address for nodes, for itself or for its listeners.  What it passes on has a
 * Via field (edge/forward.c adds one, RFC 9110 7.6.3) and no more authority than the listener's own
 * token or grant: else everybody could ask, through an edge, what only nodes may.
 */
struct api;
struct exchange;

/* The edge that asks for itself (at an origin; an edge has no book), with what it may sign; false:
 * it passes on, is no node, or is revoked.  On any loop. */
bool peers_node(const struct api *api, const struct exchange *exchange,
                struct node_seat *ret) MUST_USE;
/* Who it is, in the log: "edge:NAME". */
void peers_show(struct exchange *exchange, const struct node_seat *seat);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/node_book.h"

/*
 * peers: which node of this service asks, by its certificate (io/node_tls.h, trust/node_book.h).
 *
 * An edge asks on the address for nodes, for itself or, with X-Forwarded-For, for a listener, whose
 * own authority (token, grant) then counts besides.
 */
struct api;
struct exchange;

/* The edge that asks, with what it may sign; false: it is no node, or revoked.  On any loop. */
bool peers_node(const struct api *api, const struct exchange *exchange,
                struct node_seat *ret) MUST_USE;

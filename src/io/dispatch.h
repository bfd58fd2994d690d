// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/server.h"

/*
 * dispatch: from a request's header to its handler: Host, door, route, method, body limit.  Knows
 * no connection.
 */

/* Judges the header.  NULL when the answer was given already (refused, redirected, OPTIONS). */
const struct server_route *dispatch_header(struct exchange *exchange);
/* The body is whole: asks the door, reads the parameters, calls the handler. */
void dispatch_body(struct exchange *exchange, const struct server_route *route);

/* Keeps routes sorted, longest path first, so that the first match is the longest. */
void dispatch_add_route(struct server *server, const struct server_route *route);

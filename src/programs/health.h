// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/node.h"

/*
 * health: how the process is, for machines: /livez, /readyz and /metrics.
 *
 * /livez answers 200 as long as the main loop turns.  /readyz answers 200 when requests should be
 * sent here: not before everything is open, not while draining, not while writes cannot be made
 * durable; the JSON body says which check fails.  /metrics is the Prometheus text format, and
 * answers private addresses only.
 */
struct server;

struct health {
    const struct node *node; /* NULL until it is open */
    bool is_draining;        /* it ends */
    bool is_leaving;         /* it will (drain.h) */
    bool is_superseded;      /* another origin took this one's place (service_succession.h) */
};
/* `health` outlives the server. */
void health_routes(struct health *health, struct server *server);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/api.h"
#include "edge/edge.h"

/* edge_objects: where the api gets objects of /m and /art that are not files here: an edge's cache,
 * and whoever that asks.  `edge` is borrowed, and looked at when something is asked for. */
void edge_objects_fill(struct api_elsewhere *elsewhere, struct edge **edge);

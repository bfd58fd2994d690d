// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/edge.h"
#include "programs/control.h"
#include <jansson.h>

/*
 * purge_desk: what the command `edge purge` asks of a running edge.
 *
 *   {"do": "edge.purge", "host", "target" | "prefix"}    {"do": "edge.purge", "tag"}
 *
 * It takes effect at once and is answered when no power cut undoes it: many share one fsync, and no
 * loop waits for it.  A disk that does not take it is an answer, which says what that means.
 */

/* On the main loop: true when it is such a request, which is answered by it, now or later.  The
 * edge's cache must be closed before the loop goes: that answers what waits. */
bool purge_desk_asked(struct edge *edge, struct loop *loop, struct control_request *request,
                      const json_t *root) MUST_USE;

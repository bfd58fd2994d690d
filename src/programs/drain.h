// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * drain: a node that is about to be stopped says so first, and goes on serving meanwhile.
 *
 *     {"do": "drain", "on": true}   /readyz is 503 "draining", /status says so
 *     {"do": "drain", "on": false}  it is a node like others again
 *
 * Whoever watches these (keepalived, whoever writes the zone, players) sends nobody new; players
 * that are here move at their next segment.  Nothing is closed or refused.
 */
struct control_request;

/* True when the line is such a request: it is answered, and *drains is as it says. */
bool drain_asked(struct control_request *request, struct text line, bool *drains) MUST_USE;

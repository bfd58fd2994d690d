// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"

/*
 * events: players that listen for changes (server-sent events): "scan", "catalog" and "state".
 *
 * Each event says that something changed, and how the scan stands; what changed is then read.  So
 * an event that a slow listener misses costs nothing: the next one says the same.  "state" goes to
 * the account whose state changed alone: what others do is not even hinted at.  A listener whose
 * session ended is let go.
 */
struct api;
struct events;
struct feed_change;
struct follower;

struct events *events_new(struct api *api) MUST_USE; /* subscribes to the library */
void events_free(struct events **events); /* the server, and with it every listener, is gone */

/* "move": this node ends, planned; players go on with another one. */
void events_ask_to_move(struct events *events);

/* A change that this player may know of, from /changes (changes.h). */
void events_tell(struct follower *follower, const struct feed_change *change);

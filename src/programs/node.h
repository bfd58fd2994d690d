// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/loop.h"
#include "programs/libraries.h"
#include "programs/settings.h"
#include "trust/onetime.h"

/*
 * node: what a process holds of a state folder, opened from the ground up and closed in the
 * opposite order.
 *
 *                         what is opened                          what needs it
 *   node_open             the folder's lock, keys, state, workers   sostenuto user add
 *   node_open_library     sostenuto-media, library, catalogue       sostenuto scan
 *   node_open_renditions  what is encoded for adaptive streaming    sostenuto serve
 *
 * The server, the api and the control socket stand on it (programs/service).  All on one loop's
 * thread; opening and closing block.
 */
struct node {
    const struct settings *settings;
    const struct logger *logger;
    struct loop *loop; /* borrowed */
    int lock_fd;       /* -1: not held */
    struct keys *keys;
    struct breached *breached; /* NULL: there is no list, or none that can be read */
    struct keyfolder *keyfolder;
    struct node_book *book; /* edges */
    struct state *state;
    struct workers *passwords, *workers;
    struct libraries libraries;
    struct media_pool *media;
    struct packager *packager;
    struct loudness_book *loudness; /* what the packager's encodes measured */
    struct library *library;
};

/* 0, or -errno with words in `why`; -EWOULDBLOCK when another process has the folder.  Close it
 * also after a failure. */
int node_open(struct node *node, const struct settings *settings, const struct logger *logger,
              struct loop *loop, struct buffer *why) MUST_USE;
/* `serves`: for good, so that what the library does in the background is worth beginning. */
int node_open_library(struct node *node, bool serves, struct buffer *why) MUST_USE;
int node_open_renditions(struct node *node, struct buffer *why) MUST_USE;

/*
 * Waits for writes that are under way, ends the workers, and runs what both posted; after it nobody
 * calls back into what stands on the node.  No request may come in any more.
 */
void node_stop_workers(struct node *node);
/* Gives library, state and lock up to another process, while media, keys and what stands on them
 * stay; after node_stop_workers(). */
void node_let_go(struct node *node);
void node_close(struct node *node);

/* Runs the loop until everything that is posted now has been done. */
void node_settle(struct loop *loop);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/loop.h"

/*
 * loop_group: a home loop, which its owner runs, and more loops with a thread each.
 *
 * Index 0 is the home loop.  The threads take no signals: those belong to the home loop.  Members
 * talk to each other by loop_post() alone; the group itself never changes while it runs, so any
 * thread may ask it.
 */
struct loop_group;

enum { LOOP_GROUP_MAX = 64 };

/* Processors that this process may run on, 1 to LOOP_GROUP_MAX. */
unsigned loop_group_processors(void);

/* `count` (1 to LOOP_GROUP_MAX) includes the home loop, which is borrowed. */
struct loop_group *loop_group_start(struct loop *home, unsigned count) MUST_USE;
/*
 * Ends the threads and waits for them; then messages that wait in their loops run here, on the
 * caller's thread (the home loop's), and the loops are freed: their watches must be gone by then,
 * or be removed by such a message.
 */
void loop_group_stop(struct loop_group **group);

unsigned loop_group_count(const struct loop_group *group);
struct loop *loop_group_at(const struct loop_group *group, unsigned index);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/loop.h"

/*
 * deadline: many waits of the same length behind one timer of the loop.
 *
 * What waits equally long is due in the order in which it began to wait, so a queue is a list and
 * not a heap: starting, moving and stopping are O(1), and an entry costs no memory outside of its
 * owner.  A connection has one entry, which stands in the queue of what it waits for (the next
 * request, a header, a body, room to send), or in none.
 *
 *   first ──▶ ... ──▶ last        at_us never decreases
 *     ▲                 ▲
 *     the timer fires   deadline_start() appends, at now + wait_us
 */
struct deadline;
typedef void deadline_on_due(struct deadline *deadline, uint64_t now_us);

struct deadline_queue {
    struct deadline *first, *last;
    struct loop *loop;
    uint64_t wait_us;
    deadline_on_due *on_due;
    struct loop_timer timer; /* fires at first->at_us or earlier */
};

/* Embedded; zeroed is idle.  Its owner keeps it alive until it is due or stopped. */
struct deadline {
    uint64_t at_us;
    struct deadline_queue *_queue; /* NULL when idle */
    struct deadline *_previous, *_next;
};

void deadline_queue_init(struct deadline_queue *queue, struct loop *loop, uint64_t wait_us,
                         deadline_on_due *on_due);
void deadline_queue_release(struct deadline_queue *queue); /* nothing waits in it any more */

/* Due `wait_us` from now, whatever it waited for before.  It is idle again when `on_due` is called,
 * which may start it anew or free its owner. */
void deadline_start(struct deadline_queue *queue, struct deadline *deadline);
bool deadline_is_in(const struct deadline_queue *queue, const struct deadline *deadline);
void deadline_stop(struct deadline *deadline); /* idle ones too */

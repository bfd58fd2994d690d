// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/deadline.h"

#include <assert.h>

enum { DUE_PER_TURN = 1024 }; /* then descriptors get a turn */

static void watch_first(struct deadline_queue *queue)
{
    if (queue->first && !queue->timer._position)
        loop_timer_start(queue->loop, &queue->timer, queue->first->at_us);
}

static void on_timer(struct loop_timer *timer, uint64_t now_us)
{
    struct deadline_queue *queue = CONTAINER_OF(timer, struct deadline_queue, timer);
    for (int i = 0; i < DUE_PER_TURN && queue->first && queue->first->at_us <= now_us; i++) {
        struct deadline *due = queue->first;
        deadline_stop(due);
        queue->on_due(due, now_us);
    }
    watch_first(queue);
}

void deadline_queue_init(struct deadline_queue *queue, struct loop *loop, uint64_t wait_us,
                         deadline_on_due *on_due)
{
    *queue = (struct deadline_queue){
        .loop = loop, .wait_us = wait_us, .on_due = on_due, .timer.on_timer = on_timer};
}

void deadline_queue_release(struct deadline_queue *queue)
{
    assert(!queue->first);
    loop_timer_stop(&queue->timer);
}

void deadline_start(struct deadline_queue *queue, struct deadline *deadline)
{
    deadline_stop(deadline);
    deadline->at_us = loop_now_us(queue->loop) + queue->wait_us;
    deadline->_queue = queue;
    deadline->_previous = queue->last;
    deadline->_next = NULL;
    if (queue->last)
        queue->last->_next = deadline;
    else
        queue->first = deadline;
    queue->last = deadline;
    watch_first(queue);
}

bool deadline_is_in(const struct deadline_queue *queue, const struct deadline *deadline)
{
    return deadline->_queue == queue;
}

void deadline_stop(struct deadline *deadline)
{
    struct deadline_queue *queue = deadline->_queue;
    if (!queue)
        return;
    if (deadline->_previous)
        deadline->_previous->_next = deadline->_next;
    else
        queue->first = deadline->_next;
    if (deadline->_next)
        deadline->_next->_previous = deadline->_previous;
    else
        queue->last = deadline->_previous;
    deadline->_queue = NULL;
}

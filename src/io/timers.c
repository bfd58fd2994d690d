// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/timers.h"

#include "base/mem.h"

static void place(struct timers *timers, struct loop_timer *timer, size_t position)
{
    timers->heap[position] = timer;
    timer->_position = position;
}

static void sift_up(struct timers *timers, struct loop_timer *timer, size_t position)
{
    while (position > 1 && timers->heap[position / 2]->_at_us > timer->_at_us) {
        place(timers, timers->heap[position / 2], position);
        position /= 2;
    }
    place(timers, timer, position);
}

static void sift_down(struct timers *timers, struct loop_timer *timer, size_t position)
{
    for (;;) {
        size_t child = position * 2;
        if (child > timers->count)
            break;
        if (child < timers->count && timers->heap[child + 1]->_at_us < timers->heap[child]->_at_us)
            child++;
        if (timers->heap[child]->_at_us >= timer->_at_us)
            break;
        place(timers, timers->heap[child], position);
        position = child;
    }
    place(timers, timer, position);
}

static void settle(struct timers *timers, struct loop_timer *timer, size_t position)
{
    if (position > 1 && timers->heap[position / 2]->_at_us > timer->_at_us)
        sift_up(timers, timer, position);
    else
        sift_down(timers, timer, position);
}

void timers_release(struct timers *timers)
{
    for (size_t i = 1; i <= timers->count; i++)
        timers->heap[i]->_position = 0;
    mem_free(timers->heap);
    *timers = (struct timers){0};
}

void timers_put(struct timers *timers, struct loop_timer *timer, uint64_t at_us)
{
    timer->_at_us = at_us;
    if (timer->_position) {
        settle(timers, timer, timer->_position);
        return;
    }
    if (timers->count + 1 >= timers->capacity) {
        timers->capacity = timers->capacity ? timers->capacity * 2 : 16;
        timers->heap =
            mem_realloc_array(timers->heap, timers->capacity, sizeof(struct loop_timer *));
    }
    sift_up(timers, timer, ++timers->count);
}

void timers_remove(struct timers *timers, struct loop_timer *timer)
{
    size_t position = timer->_position;
    if (!position)
        return;
    timer->_position = 0;
    struct loop_timer *last = timers->heap[timers->count--];
    if (last != timer)
        settle(timers, last, position);
}

struct loop_timer *timers_take_due(struct timers *timers, uint64_t now_us)
{
    if (timers_next_us(timers) > now_us)
        return NULL;
    struct loop_timer *due = timers->heap[1];
    timers_remove(timers, due);
    return due;
}

uint64_t timers_next_us(const struct timers *timers)
{
    return timers->count ? timers->heap[1]->_at_us : UINT64_MAX;
}

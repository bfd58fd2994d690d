// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/deadline.h"
#include "tap.h"

enum { WAIT_US = 1000, MANY = 3000 };

static struct deadline *seen[8];
static size_t seen_count, due_count;
static struct deadline_queue *restless_queue;

static void on_due(struct deadline *deadline, uint64_t now_us UNUSED)
{
    due_count++;
    if (seen_count < sizeof seen / sizeof seen[0])
        seen[seen_count++] = deadline;
}

static void on_due_again(struct deadline *deadline, uint64_t now_us UNUSED)
{
    due_count++;
    deadline_start(restless_queue, deadline);
}

/* Virtual time: the timer is fired by hand. */
static void fire(struct deadline_queue *queue, uint64_t at_us)
{
    loop_timer_stop(&queue->timer);
    queue->timer.on_timer(&queue->timer, at_us);
}

static void test_order(struct loop *loop)
{
    struct deadline_queue queue;
    struct deadline a = {0}, b = {0}, c = {0};
    uint64_t due_us = loop_now_us(loop) + WAIT_US;
    deadline_queue_init(&queue, loop, WAIT_US, on_due);
    deadline_start(&queue, &a);
    deadline_start(&queue, &b);
    deadline_start(&queue, &c);
    OK(a.at_us == due_us && queue.timer._at_us == due_us, "the first one's time is the timer's");
    fire(&queue, due_us - 1);
    OK(due_count == 0 && queue.timer._position, "nothing is due early, and the timer goes on");
    deadline_start(&queue, &a);
    deadline_stop(&b);
    deadline_stop(&b);
    fire(&queue, due_us);
    OK(seen_count == 2 && seen[0] == &c && seen[1] == &a,
       "one that is started again goes to the end, a stopped one is never due");
    OK(!queue.first && !queue.last && !queue.timer._position, "an empty queue has no timer");
    deadline_queue_release(&queue);
}

static void test_queues(struct loop *loop)
{
    struct deadline_queue soon, late;
    struct deadline one = {0};
    deadline_queue_init(&soon, loop, WAIT_US, on_due);
    deadline_queue_init(&late, loop, 10 * WAIT_US, on_due);
    deadline_start(&soon, &one);
    deadline_start(&late, &one);
    OK(!soon.first && late.first == &one && one.at_us == loop_now_us(loop) + 10 * WAIT_US,
       "it stands in one queue at a time");
    deadline_stop(&one);
    deadline_queue_release(&soon);
    deadline_queue_release(&late);
}

static void test_no_starving(struct loop *loop)
{
    static struct deadline many[MANY];
    struct deadline_queue queue;
    struct deadline restless = {0};
    deadline_queue_init(&queue, loop, 0, on_due);
    due_count = 0;
    for (size_t i = 0; i < MANY; i++)
        deadline_start(&queue, &many[i]);
    fire(&queue, loop_now_us(loop));
    OK(due_count < MANY && queue.timer._position,
       "a crowd that is due at once takes several turns");
    while (queue.first)
        fire(&queue, loop_now_us(loop));
    OK(due_count == MANY, "and all of it has its turn");
    queue.on_due = on_due_again;
    restless_queue = &queue;
    due_count = 0;
    deadline_start(&queue, &restless);
    fire(&queue, loop_now_us(loop));
    OK(due_count < MANY, "one that starts itself anew in no time does not hold the loop");
    deadline_stop(&restless);
    deadline_queue_release(&queue);
}

int main(void)
{
    struct loop *loop = loop_new();
    test_order(loop);
    test_queues(loop);
    test_no_starving(loop);
    loop_free(&loop);
    return tap_done();
}

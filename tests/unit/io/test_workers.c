// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/workers.h"
#include "tap.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum { JOBS = 50 };

static struct loop *loop;
static pthread_t loop_thread;
static atomic_int worked, away_from_loop;
static int finished;

static void work(void *context UNUSED)
{
    atomic_fetch_add(&worked, 1);
    if (!pthread_equal(pthread_self(), loop_thread))
        atomic_fetch_add(&away_from_loop, 1);
}

static void done(void *context UNUSED)
{
    if (pthread_equal(pthread_self(), loop_thread) && ++finished == JOBS)
        loop_stop(loop);
}

static void test_round_trip(void)
{
    struct workers *pool = workers_start("a name beyond fifteen bytes", 3, JOBS);
    int taken = 0;
    for (int i = 0; i < JOBS; i++)
        taken += workers_submit(pool, loop, work, done, NULL);
    loop_run(loop);
    OK(taken == JOBS && worked == JOBS, "every job that was taken is worked on");
    OK(away_from_loop == JOBS, "on another thread");
    OK(finished == JOBS, "and is reported done on the loop's");
    workers_stop(&pool);
    workers_stop(&pool);
    OK(!pool, "stopping leaves NULL and may be repeated");
}

static void block(void *context) { sem_wait(context); }

static void test_bound(void)
{
    sem_t gate;
    sem_init(&gate, 0, 0);
    struct workers *pool = workers_start("narrow", 1, 2);
    int taken = 0;
    for (int i = 0; i < 10; i++)
        taken += workers_submit(pool, loop, block, NULL, &gate);
    OK(taken == 2 || taken == 3, "a pool of one thread and two places takes at most three");
    for (int i = 0; i < taken; i++)
        sem_post(&gate);
    workers_stop(&pool);
    sem_destroy(&gate);
}

static void test_stop_finishes_the_queue(void)
{
    struct workers *pool = workers_start("last", 2, JOBS);
    int before = worked, before_finished = finished, taken = 0;
    for (int i = 0; i < 20; i++)
        taken += workers_submit(pool, loop, work, done, NULL);
    workers_stop(&pool);
    OK(worked - before == taken && taken == 20, "stopping runs what is queued");
    loop_stop(loop);
    loop_run(loop);
    loop_free(&loop);
    OK(finished - before_finished == 20, "and their results still reach the loop");
}

int main(void)
{
    loop = loop_new();
    loop_thread = pthread_self();
    test_round_trip();
    test_bound();
    test_stop_finishes_the_queue();
    return tap_done();
}

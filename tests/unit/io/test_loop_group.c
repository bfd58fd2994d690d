// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/loop_group.h"
#include "tap.h"

#include <pthread.h>
#include <stdatomic.h>

enum { LOOPS = 4, ROUNDS = 1000 };

static struct loop *home;
static struct loop_group *group;
static pthread_t home_thread;

/* --- a message goes round all loops --- */
static unsigned hops;
static bool was_at_home_only_at_0 = true;

static void hop(void *context UNUSED)
{
    unsigned at = hops++ % LOOPS;
    bool is_home = pthread_equal(pthread_self(), home_thread);
    was_at_home_only_at_0 &= is_home == (at == 0);
    if (hops > ROUNDS && at == 0)
        loop_stop(home);
    else
        loop_post(loop_group_at(group, hops % LOOPS), hop, NULL);
}

static void test_round(void)
{
    loop_post(home, hop, NULL);
    loop_run(home);
    OK(hops > ROUNDS, "a message goes from sleeping loop to sleeping loop, and none is lost");
    OK(was_at_home_only_at_0, "each loop has a thread of its own, the home loop its owner's");
}

/* --- many senders --- */
static atomic_uint arrived;

static void arrive(void *context UNUSED)
{
    if (atomic_fetch_add(&arrived, 1) + 1 == ROUNDS * (LOOPS - 1))
        loop_stop(home);
}

static void send_many(void *context UNUSED)
{
    for (int i = 0; i < ROUNDS; i++)
        loop_post(home, arrive, NULL);
}

static void test_many_senders(void)
{
    for (unsigned i = 1; i < LOOPS; i++)
        loop_post(loop_group_at(group, i), send_many, NULL);
    loop_run(home);
    OK(arrived == ROUNDS * (LOOPS - 1), "what several loops post to one at once all arrives");
}

/* --- the end --- */
static atomic_uint run_late;

static void late(void *context UNUSED) { atomic_fetch_add(&run_late, 1); }

static void test_end(void)
{
    for (unsigned i = 1; i < LOOPS; i++)
        loop_post(loop_group_at(group, i), late, NULL);
    loop_group_stop(&group);
    OK(run_late == LOOPS - 1, "messages that wait when the group stops are run");
    loop_group_stop(&group);
    OK(!group, "stopping leaves NULL and may be repeated");
}

int main(void)
{
    home_thread = pthread_self();
    home = loop_new();
    group = loop_group_start(home, LOOPS);
    OK(loop_group_count(group) == LOOPS && loop_group_at(group, 0) == home,
       "the home loop is the first of the group");
    OK(loop_group_processors() >= 1 && loop_group_processors() <= LOOP_GROUP_MAX,
       "there is at least one processor");
    test_round();
    test_many_senders();
    test_end();
    loop_free(&home);
    return tap_done();
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/loop_group.h"

#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>

struct member {
    struct loop *loop;
    pthread_t thread; /* not of the home loop */
};

struct loop_group {
    unsigned count;
    struct member members[];
};

unsigned loop_group_processors(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) < 0)
        return 1; /* more processors than the set has room for: the owner says how many */
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : count > LOOP_GROUP_MAX ? LOOP_GROUP_MAX : (unsigned)count;
}

static void *thread_main(void *context)
{
    loop_run(context);
    return NULL;
}

static void start_thread(struct member *member, unsigned index)
{
    sigset_t all, before;
    char name[16];
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&member->thread, NULL, thread_main, member->loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(!failed);
    (void)snprintf(name, sizeof name, "loop %u", index);
    (void)pthread_setname_np(member->thread, name);
}

struct loop_group *loop_group_start(struct loop *home, unsigned count)
{
    assert(count >= 1 && count <= LOOP_GROUP_MAX);
    struct loop_group *group = mem_zalloc(sizeof *group + count * sizeof group->members[0]);
    group->count = count;
    group->members[0].loop = home;
    for (unsigned i = 1; i < count; i++) {
        group->members[i].loop = loop_new();
        start_thread(&group->members[i], i);
    }
    return group;
}

void loop_group_stop(struct loop_group **group_at)
{
    struct loop_group *group = *group_at;
    if (!group)
        return;
    for (unsigned i = 1; i < group->count; i++)
        loop_stop(group->members[i].loop);
    for (unsigned i = 1; i < group->count; i++)
        pthread_join(group->members[i].thread, NULL);
    for (unsigned i = 1; i < group->count; i++)
        loop_free(&group->members[i].loop);
    mem_free_p(group_at);
}

unsigned loop_group_count(const struct loop_group *group) { return group->count; }

struct loop *loop_group_at(const struct loop_group *group, unsigned index)
{
    assert(index < group->count);
    return group->members[index].loop;
}

// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Which encode is next, and the threads that run them.  Each has one encode at a time; a listener
 * with fewer of them running goes first.
 */
#include "media/packager_state.h"

#include "base/counters.h"
#include "base/guard.h"
#include "io/clock.h"

#include <time.h>
#include <unistd.h>

static unsigned running_of(const struct packager *packager, uint64_t listener)
{
    unsigned count = 0;
    for (unsigned i = 0; i < ENCODES_MAX; i++) {
        const struct package *package = packager->running[i].package;
        count += package && package->listener == listener;
    }
    return count;
}

static unsigned queued_of(const struct packager *packager, uint64_t listener)
{
    unsigned count = 0;
    for (const struct package *at = packager->queue; at; at = at->next_queued)
        count += at->listener == listener;
    return count;
}

static bool has_place(const struct packager *packager, uint64_t listener)
{
    return !guard_is_on(GUARD_ENCODE_QUEUE) ||
           (packager->queued_count < packager->config.max_queued &&
            queued_of(packager, listener) < packager->config.max_queued_per_listener);
}

/* At the end; the package's source is its encode's from now on. */
static void put_in_queue(struct packager *packager, struct package *package)
{
    package_leave_plan(packager, package);
    package->is_queued = true;
    package->begun_us = clock_monotonic_us();
    package->next_queued = NULL;
    *packager->last_queued = package;
    packager->last_queued = &package->next_queued;
    packager->queued_count++;
    pthread_cond_signal(&packager->work);
}

static bool is_to_encode(const struct package *package, const struct package_name *name)
{
    return package && package->name.generation == name->generation &&
           package->state == PACKAGE_PLANNED && !package->is_queued;
}

enum media_outcome packager_begin(struct packager *packager, const struct package_name *name,
                                  int source, uint64_t listener, bool wants_loudness)
{
    pthread_mutex_lock(&packager->lock);
    struct package *package = package_find(packager, name->track, name->rendition);
    bool is_wanted = is_to_encode(package, name);
    bool is_busy = is_wanted && (packager->is_stopping || !has_place(packager, listener));
    if (is_busy) {
        counter_add(COUNTER_ENCODES_REFUSED, 1);
    } else if (is_wanted) {
        package->source = source;
        package->listener = listener;
        package->wants_loudness = wants_loudness;
        put_in_queue(packager, package);
    }
    pthread_mutex_unlock(&packager->lock);
    if (!is_wanted || is_busy)
        close(source);
    return is_busy ? MEDIA_BUSY : MEDIA_OK;
}

/* The first job of the listener with the fewest encodes running. */
static struct package *choose(struct packager *packager)
{
    struct package **best = &packager->queue;
    unsigned fewest = UINT32_MAX;
    for (struct package **at = &packager->queue; *at; at = &(*at)->next_queued) {
        unsigned running = running_of(packager, (*at)->listener);
        if (running >= fewest)
            continue;
        fewest = running;
        best = at;
        if (!guard_is_on(GUARD_ENCODE_FAIRNESS))
            break;
    }
    struct package *package = *best;
    *best = package->next_queued;
    if (!*best)
        packager->last_queued = best;
    packager->queued_count--;
    package->is_queued = false;
    return package;
}

/* --- threads --- */

/* Until there is work; the lock is held. */
static void wait_for_work(struct packager *packager)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PACKAGER_SPARE_S + 1;
    if (packager->has_spare)
        pthread_cond_timedwait(&packager->work, &packager->lock, &until);
    else
        pthread_cond_wait(&packager->work, &packager->lock);
}

static unsigned take_slot(struct packager *packager, struct package *package)
{
    unsigned slot = 0;
    while (packager->running[slot].package)
        slot++;
    packager->running[slot].package = package;
    packager->running[slot].process = (struct process){.pidfd = -1, .socket = -1};
    return slot;
}

/* What still waited for a thread when the server ends. */
static void refuse_queue(struct packager *packager)
{
    while (packager->queue) {
        struct package *package = choose(packager);
        package->state = PACKAGE_FAILED;
        package->why = MEDIA_BUSY;
        package->failed_us = clock_monotonic_us();
        close(package->source);
        package->source = -1;
        package_wake(package);
    }
}

void *packager_run(void *context)
{
    struct packager *packager = context;
    pthread_mutex_lock(&packager->lock);
    while (!packager->is_stopping) {
        if (!packager->queue) {
            packager_tend_spare(packager);
            if (!packager->queue && !packager->is_stopping && !packager->wants_spare)
                wait_for_work(packager);
            continue;
        }
        struct package *package = choose(packager);
        unsigned slot = take_slot(packager, package);
        package->state = PACKAGE_ENCODING;
        package->users++;
        counter_add(COUNTER_ENCODES_RUNNING, 1);
        pthread_mutex_unlock(&packager->lock);
        packager_encode(packager, package, slot);
        pthread_mutex_lock(&packager->lock);
    }
    refuse_queue(packager);
    pthread_mutex_unlock(&packager->lock);
    return NULL;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/workers.h"

#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>

struct job {
    struct loop *loop;
    workers_call *work, *done;
    void *context;
};

struct workers {
    pthread_mutex_t lock; /* guards all below but threads */
    pthread_cond_t has_work;
    struct job *ring; /* `capacity` jobs, the oldest at `head` */
    size_t capacity, head, count;
    bool is_stopping;
    unsigned thread_count;
    pthread_t threads[];
};

/* Waits for a job; false when the pool stops and nothing is left. */
static bool take(struct workers *workers, struct job *ret)
{
    pthread_mutex_lock(&workers->lock);
    while (workers->count == 0 && !workers->is_stopping)
        pthread_cond_wait(&workers->has_work, &workers->lock);
    bool has_job = workers->count > 0;
    if (has_job) {
        *ret = workers->ring[workers->head];
        workers->head = (workers->head + 1) % workers->capacity;
        workers->count--;
    }
    pthread_mutex_unlock(&workers->lock);
    return has_job;
}

static void *thread_main(void *context)
{
    struct job job;
    while (take(context, &job)) {
        job.work(job.context);
        if (job.done)
            loop_post(job.loop, job.done, job.context);
    }
    return NULL;
}

/* Threads take no signals: those belong to the loop. */
static void start_thread(struct workers *workers, const char *name)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t *thread = &workers->threads[workers->thread_count];
    int failed = pthread_create(thread, NULL, thread_main, workers);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(!failed);
    char short_name[16]; /* the kernel's limit */
    snprintf(short_name, sizeof short_name, "%s", name);
    pthread_setname_np(*thread, short_name);
    workers->thread_count++;
}

struct workers *workers_start(const char *name, unsigned threads, size_t max_queued)
{
    assert(threads > 0 && max_queued > 0);
    struct workers *workers = mem_zalloc(sizeof *workers + threads * sizeof(pthread_t));
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->has_work, NULL);
    workers->capacity = max_queued;
    workers->ring = mem_realloc_array(NULL, max_queued, sizeof *workers->ring);
    for (unsigned i = 0; i < threads; i++)
        start_thread(workers, name);
    return workers;
}

void workers_finish(struct workers *workers)
{
    if (!workers)
        return;
    pthread_mutex_lock(&workers->lock);
    workers->is_stopping = true;
    pthread_cond_broadcast(&workers->has_work);
    pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->thread_count; i++)
        pthread_join(workers->threads[i], NULL);
    workers->thread_count = 0;
}

void workers_stop(struct workers **workers_at)
{
    struct workers *workers = *workers_at;
    if (!workers)
        return;
    workers_finish(workers);
    pthread_cond_destroy(&workers->has_work);
    pthread_mutex_destroy(&workers->lock);
    mem_free(workers->ring);
    mem_free_p(workers_at);
}

bool workers_submit(struct workers *workers, struct loop *loop, workers_call *work,
                    workers_call *done, void *context)
{
    pthread_mutex_lock(&workers->lock);
    bool has_room = !workers->is_stopping && workers->count < workers->capacity;
    if (has_room) {
        size_t at = (workers->head + workers->count++) % workers->capacity;
        workers->ring[at] = (struct job){loop, work, done, context};
        pthread_cond_signal(&workers->has_work);
    }
    pthread_mutex_unlock(&workers->lock);
    return has_room;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/apply.h"

#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

enum {
    GATHER_MS = 250, /* the journal keeps it: rather few transactions that write much */
    RETRY_MS = 1000
};

struct apply {
    struct database *database;
    struct journal *journal;
    struct uid journal_id;
    const struct logger *logger;
    pthread_t thread;

    pthread_mutex_t lock; /* guards what follows, up to the blank line */
    pthread_cond_t has_work;
    struct effects *filling;
    struct apply_job *first_job, **last_job;
    struct apply_status status;
    bool is_stopping;

    struct effects *writing; /* the thread's own; not empty: still to be written */
};

static bool is_empty(const struct effects *effects)
{
    return effects->lsn == 0 && effects->cursor == 0 && effects->count == 0;
}

struct effects *apply_begin(struct apply *apply)
{
    pthread_mutex_lock(&apply->lock);
    return apply->filling;
}

void apply_end(struct apply *apply, uint64_t lsn)
{
    if (lsn > apply->filling->lsn)
        apply->filling->lsn = lsn;
    pthread_cond_signal(&apply->has_work);
    pthread_mutex_unlock(&apply->lock);
}

bool apply_has_room(struct apply *apply, size_t operation_bytes)
{
    pthread_mutex_lock(&apply->lock);
    bool has_room = effects_has_room(apply->filling, operation_bytes);
    pthread_mutex_unlock(&apply->lock);
    return has_room;
}

struct apply_status apply_status(struct apply *apply)
{
    pthread_mutex_lock(&apply->lock);
    struct apply_status status = apply->status;
    pthread_mutex_unlock(&apply->lock);
    return status;
}

void apply_run(struct apply *apply, struct apply_job *job)
{
    pthread_mutex_lock(&apply->lock);
    job->_next = NULL;
    *apply->last_job = job;
    apply->last_job = &job->_next;
    pthread_cond_signal(&apply->has_work);
    pthread_mutex_unlock(&apply->lock);
}

/* Lock held.  Waits at most `ms` for a stop or a job. */
static void pause_for(struct apply *apply, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC,
                  &until); /* what pthread_cond_timedwait asks for, not a reading of time */
    until.tv_nsec += ms % 1000 * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!apply->is_stopping && !apply->first_job)
        if (pthread_cond_timedwait(&apply->has_work, &apply->lock, &until) != 0)
            return;
}

/* Lock held.  Waits for something to write or run; false when stopping and there is neither. */
static bool wait_for_work(struct apply *apply)
{
    while (!apply->is_stopping && !apply->first_job && is_empty(apply->filling) &&
           is_empty(apply->writing))
        pthread_cond_wait(&apply->has_work, &apply->lock);
    if (apply->status.error)
        pause_for(apply, RETRY_MS);
    else if (!apply->is_stopping && !apply->first_job)
        pause_for(apply, GATHER_MS); /* one fsync for what comes together */
    if (is_empty(apply->writing)) {
        struct effects *filled = apply->filling;
        apply->filling = apply->writing;
        apply->writing = filled;
    }
    return !is_empty(apply->writing) || apply->first_job || !apply->is_stopping;
}

static void report(const struct apply *apply, int error, int error_before)
{
    if (error && error != error_before)
        LOG(apply->logger, LOG_ERROR,
            "the database does not take what the journal holds; trying again each second",
            {"state.db", text_of(database_words(error))}, {"code", LOG_NUMBER(error)});
    else if (!error && error_before)
        LOG_EVENT(apply->logger, LOG_INFO, "the database takes operations again");
}

/* Without the lock.  Writes one set; on success it is empty and the journal trimmed. */
static void write_effects(struct apply *apply)
{
    uint64_t lsn = apply->writing->lsn;
    int error = database_write(apply->database, apply->writing, apply->journal_id);
    pthread_mutex_lock(&apply->lock);
    int error_before = apply->status.error;
    apply->status.error = error;
    if (!error && lsn)
        apply->status.applied_lsn = lsn;
    pthread_mutex_unlock(&apply->lock);
    report(apply, error, error_before);
    if (error)
        return;
    effects_reset(apply->writing);
    if (lsn)
        journal_trim(apply->journal, lsn);
}

/* Jobs see everything that was there when they came: both sets are written first. */
static void run_jobs(struct apply *apply, struct apply_job *jobs)
{
    pthread_mutex_lock(&apply->lock);
    if (is_empty(apply->writing)) {
        struct effects *filled = apply->filling;
        apply->filling = apply->writing;
        apply->writing = filled;
    }
    pthread_mutex_unlock(&apply->lock);
    if (!is_empty(apply->writing))
        write_effects(apply);
    int error = apply_status(apply).error;
    for (struct apply_job *job = jobs, *next; job; job = next) {
        next = job->_next;
        job->work(job, apply->database, error);
    }
}

static void *run(void *context)
{
    struct apply *apply = context;
    pthread_mutex_lock(&apply->lock);
    while (wait_for_work(apply)) {
        struct apply_job *jobs = apply->first_job;
        bool is_stopping = apply->is_stopping;
        apply->first_job = NULL;
        apply->last_job = &apply->first_job;
        pthread_mutex_unlock(&apply->lock);
        if (!is_empty(apply->writing))
            write_effects(apply);
        if (jobs)
            run_jobs(apply, jobs);
        pthread_mutex_lock(&apply->lock);
        if (is_stopping && apply->status.error)
            break;
    }
    pthread_mutex_unlock(&apply->lock);
    return NULL;
}

static void start_thread(struct apply *apply)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals belong to the loop */
    int failed = pthread_create(&apply->thread, NULL, run, apply);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(!failed);
    pthread_setname_np(apply->thread, "apply");
}

struct apply *apply_start(struct database *database, struct journal *journal, struct uid journal_id,
                          const struct logger *logger, struct effects *pending)
{
    struct apply *apply = MEM_NEW(struct apply);
    pthread_condattr_t monotonic;
    apply->database = database;
    apply->journal = journal;
    apply->journal_id = journal_id;
    apply->logger = logger;
    apply->filling = pending ? pending : effects_new();
    apply->writing = effects_new();
    apply->last_job = &apply->first_job;
    pthread_mutex_init(&apply->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&apply->has_work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    start_thread(apply);
    return apply;
}

void apply_stop(struct apply **apply_at)
{
    struct apply *apply = *apply_at;
    if (!apply)
        return;
    pthread_mutex_lock(&apply->lock);
    apply->is_stopping = true;
    pthread_cond_signal(&apply->has_work);
    pthread_mutex_unlock(&apply->lock);
    pthread_join(apply->thread, NULL);
    effects_free(&apply->filling);
    effects_free(&apply->writing);
    pthread_cond_destroy(&apply->has_work);
    pthread_mutex_destroy(&apply->lock);
    mem_free_p(apply_at);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_marks_log.h"
#include "base/counters.h"
#include "base/mem.h"
#include "io/clock.h"
#include "store/cache.h"
#include <assert.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { RETRY_US = 1000000 };

uint64_t mark_record_sum(const struct mark_record *record)
{
    return XXH3_64bits(record, offsetof(struct mark_record, sum));
}

/* --- what is asked for --- */

void marks_log_add(struct marks_log *log, uint64_t mark, uint64_t generation, marks_log_kept *kept,
                   void *context)
{
    struct mark_record record = {mark, generation, 0};
    pthread_mutex_lock(&log->lock);
    if (log->count == MARKS_LOG_RECORDS) {
        record.mark = CACHE_MARK_ALL;
        log->count = log->written = 0;
    }
    record.sum = mark_record_sum(&record);
    if (log->count == 0)
        log->sync_at_us = clock_monotonic_us() + MARKS_LOG_SYNC_US;
    log->records[log->count++] = record;
    if (kept) {
        struct marks_log_waiter *waiter = MEM_NEW(struct marks_log_waiter);
        *waiter = (struct marks_log_waiter){log->waiters, kept, context};
        log->waiters = waiter;
    }
    pthread_cond_signal(&log->has_work);
    pthread_mutex_unlock(&log->lock);
}

static void tell(struct marks_log_waiter *waiters, int error)
{
    while (waiters) {
        struct marks_log_waiter *waiter = waiters;
        waiters = waiter->next;
        waiter->kept(waiter->context, error);
        mem_free(waiter);
    }
}

/* --- the thread, under the lock except while it asks the disk --- */

static bool has_to_sync(const struct marks_log *log, uint64_t now_us)
{
    return log->waiters || log->is_stopping || log->count >= MARKS_LOG_RECORDS / 2 ||
           now_us >= log->sync_at_us;
}

static void wait_until(struct marks_log *log, uint64_t at_us)
{
    struct timespec at = {(time_t)(at_us / 1000000), (long)(at_us % 1000000) * 1000};
    (void)pthread_cond_timedwait(&log->has_work, &log->lock, &at);
}

static void wait_for_work(struct marks_log *log)
{
    while (!log->is_stopping && !log->waiters) {
        uint64_t now_us = clock_monotonic_us();
        if (log->count == 0) {
            pthread_cond_wait(&log->has_work, &log->lock);
        } else if (now_us < log->try_at_us) {
            wait_until(log, log->try_at_us);
        } else if (log->count > log->written || has_to_sync(log, now_us)) {
            return;
        } else {
            wait_until(log, log->sync_at_us);
        }
    }
}

/* `count` records up to that generation, `written` of them before, are on the disk; or are not.
 * While that was tried more may have come, or one that stands for all. */
static void settle(struct marks_log *log, size_t count, uint64_t last, bool is_synced, int error)
{
    bool are_here = log->count >= count && log->records[0].generation <= last;
    if (error) {
        counter_add(COUNTER_CACHE_DISK_WRITES_FAILED, 1);
        log->written = 0;
        log->try_at_us = clock_monotonic_us() + RETRY_US;
        return;
    }
    log->try_at_us = 0;
    if (is_synced) {
        log->synced_bytes += count * sizeof *log->records;
        log->sync_at_us = clock_monotonic_us() + MARKS_LOG_SYNC_US;
    }
    if (!is_synced || !are_here) {
        log->written = are_here ? count : 0;
        return;
    }
    log->count -= count;
    log->written = 0;
    memmove(log->records, log->records + count, log->count * sizeof *log->records);
}

static void keep(struct marks_log *log, struct mark_record *copy)
{
    struct marks_log_waiter *waiters = log->waiters;
    size_t written = log->written, count = log->count, bytes = (count - written) * sizeof *copy;
    uint64_t at = log->synced_bytes + written * sizeof *copy;
    uint64_t last = log->records[count - 1].generation;
    bool syncs = has_to_sync(log, clock_monotonic_us());
    log->waiters = NULL;
    memcpy(copy, log->records + written, bytes);
    pthread_mutex_unlock(&log->lock);
    int error = bytes > 0 ? log->disk->write_at(log->disk, log->fd, copy, bytes, at) : 0;
    if (!error && syncs)
        error = log->disk->sync(log->disk, log->fd);
    tell(waiters, error);
    pthread_mutex_lock(&log->lock);
    settle(log, count, last, syncs, error);
}

static void *keep_all(void *context)
{
    struct marks_log *log = context;
    struct mark_record *copy = mem_zalloc(MARKS_LOG_RECORDS * sizeof *copy);
    pthread_mutex_lock(&log->lock);
    for (bool is_over = false; !is_over;) {
        wait_for_work(log);
        is_over = log->is_stopping;
        if (log->count > 0)
            keep(log, copy);
    }
    pthread_mutex_unlock(&log->lock);
    mem_free(copy);
    return NULL;
}

void marks_log_start(struct marks_log *log, const struct disk *disk, int fd, uint64_t bytes)
{
    sigset_t all, before;
    pthread_condattr_t monotonic;
    *log = (struct marks_log){
        .disk = disk, .fd = fd, .synced_bytes = bytes, .is_running = true, .records = NULL};
    log->records = mem_zalloc(MARKS_LOG_RECORDS * sizeof *log->records);
    pthread_mutex_init(&log->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&log->has_work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&log->thread, NULL, keep_all, log);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(!failed);
}

void marks_log_stop(struct marks_log *log)
{
    if (!log->is_running)
        return;
    pthread_mutex_lock(&log->lock);
    log->is_stopping = true;
    pthread_cond_signal(&log->has_work);
    pthread_mutex_unlock(&log->lock);
    pthread_join(log->thread, NULL);
    pthread_cond_destroy(&log->has_work);
    pthread_mutex_destroy(&log->lock);
    mem_free_p(&log->records);
    log->is_running = false;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "store/disk.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * cache_marks_log: the end of the purges' file, written by one thread; internal.
 *
 * Who adds never waits for the disk.  What somebody wants to be told of is synced at once, and all
 * that came meanwhile with it; the rest is written at once and synced within MARKS_LOG_SYNC_US.
 * Records stay here until they are synced, so what a failing disk did not take is written again,
 * to the same place, when it may.  Past MARKS_LOG_RECORDS of them one that purges everything stands
 * for all: that costs revalidations after a restart and no truth.
 *
 *   add ─▶ records: [ written, not synced | not written ] ─ thread: write, sync ─▶ told
 */
enum { MARKS_LOG_RECORDS = 1024, MARKS_LOG_SYNC_US = 1000000 };

struct mark_record {
    uint64_t mark, generation, sum;
};
uint64_t mark_record_sum(const struct mark_record *record);

/* On the log's thread: 0, or why (-errno) a power cut would still undo it. */
typedef void marks_log_kept(void *context, int error);

struct marks_log {
    const struct disk *disk;
    int fd;
    pthread_t thread;
    bool is_running;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t has_work;
    bool is_stopping;
    struct mark_record *records;
    size_t count, written;
    uint64_t synced_bytes;          /* of the file */
    uint64_t sync_at_us, try_at_us; /* the second after a failure, else 0 */
    struct marks_log_waiter {
        struct marks_log_waiter *next;
        marks_log_kept *kept;
        void *context;
    } * waiters;
};

/* `fd` is borrowed until marks_log_stop(); `bytes` of it are whole records. */
void marks_log_start(struct marks_log *log, const struct disk *disk, int fd, uint64_t bytes);
/* From any thread, generations ascending.  `kept` (or NULL) is called once. */
void marks_log_add(struct marks_log *log, uint64_t mark, uint64_t generation, marks_log_kept *kept,
                   void *context);
/* Tries once more what is not synced, tells all who wait, ends the thread.  Accepts one that was
 * never started. */
void marks_log_stop(struct marks_log *log);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/workers.h"
#include "store/cache_chooser.h"
#include "store/cache_core.h"
#include "store/cache_regions.h"

/*
 * cache_disk: the disk tier; internal.  docs/decisions/027 argues it.
 *
 * Regions lie in logs, one for each step of what objects are worth (cache_logs.h).  When room is
 * needed the region that is worth least is reclaimed: what was asked for is copied to the end of
 * the log that it belongs to by now, the rest is forgotten.  One thread writes, and takes jobs from
 * a queue bounded in bytes; readers are a pool.
 *
 * cache_append.c writes records, cache_reclaim.c makes room and recovers an index, cache_load.c
 * reads, cache_disk.c is the thread, its queue and its health.
 */
enum {
    DISK_ASKS_MAX = 4096,
    DISK_LOADS_MAX = 16384,
    DISK_JOBS_MAX = 65536,
    DISK_COPY_BYTES = 256 << 10
};

enum disk_job_kind { JOB_STORE, JOB_META, JOB_KILL, JOB_SETTLE };
struct disk_job {
    struct disk_job *next;
    enum disk_job_kind kind;
    struct cache_object *object; /* store, meta: referenced */
    uint64_t bytes;              /* of the bound */
    struct cache_hash hash;      /* kill: what was dropped … */
    struct where where;          /* … from there */
    bool *is_settled;
};

struct cache_disk {
    struct cache *cache;
    const struct disk *disk;
    int dir_fd, lock_fd;
    struct regions regions;
    struct cache_index index;
    struct chooser *chooser; /* the writer's, as is open */
    struct region *open[LOGS];
    uint64_t limit_bytes;               /* of regions together */
    uint64_t next_serial, first_serial; /* of this process */
    uint8_t *copy;                      /* DISK_COPY_BYTES, the writer's */
    bool is_rebuilding;
    uint32_t rebuild_slot;

    pthread_t writer;
    pthread_mutex_t lock; /* guards the queue */
    pthread_cond_t has_jobs, settled;
    struct disk_job *first, **last;
    size_t job_count;
    uint64_t waiting_bytes, max_waiting_bytes;
    bool is_stopping, has_left;

    _Atomic int error; /* why nothing is written now */
    uint64_t retry_at_us, retry_after_us;
    bool is_dirty; /* something is not synced */

    struct workers *readers;
    _Atomic uint32_t asks;
};

/* 0, or -errno and no disk tier. */
int disk_open(struct cache *cache, const struct cache_config *config,
              struct cache_disk **ret) MUST_USE;
/* Writes what waits and ends the threads; closed when no object is left. */
void disk_stop(struct cache_disk *disk);
/* The same for the writer alone; what is open is read on, and nothing is written any more. */
void disk_let_go(struct cache_disk *disk);
void disk_unlock(struct cache_disk *disk); /* then the folder may be another's */
void disk_close(struct cache_disk **disk);

/* --- for any thread --- */
/* Under the object's lock: brings the bytes of that slot, then wakes; false when it cannot. */
bool disk_load(struct cache_object *object, size_t slot) MUST_USE;
void disk_place_release(struct place *place);
/* Takes a reference to an object that ended, until it is written.  No disk: nothing happens. */
void disk_store(struct cache_object *object);
void disk_store_meta(struct cache_object *object);
bool disk_may_have(struct cache_disk *disk, struct cache_hash hash) MUST_USE;
void disk_forget(struct cache_disk *disk, struct cache_hash hash);
/* Reads it: NULL when it is not there, or not whole and right.  Blocks: a reader's. */
struct cache_object *disk_bring(struct cache_disk *disk, struct cache_hash hash,
                                struct text key) MUST_USE;
/* What lies there is not what was written: forgotten, counted, and dead for a later recovery. */
void disk_damaged(struct cache_disk *disk, struct cache_hash hash, struct where where);
/* Soon: what was dropped from the index is from its file, and a later recovery does not find it. */
void disk_kill(struct cache_disk *disk, struct cache_hash hash, struct where where);
void disk_settle(struct cache_disk *disk);
void disk_status(struct cache_disk *disk, struct cache_status *ret);

/* --- the writer's --- */
int append_object(struct cache_disk *disk, struct cache_object *object) MUST_USE;
int append_meta(struct cache_disk *disk, struct cache_object *object) MUST_USE;
/* The same record where it belongs by now, with other metadata unless `meta` is NULL. */
int append_copy(struct cache_disk *disk, struct region *from, uint64_t at,
                const struct record *record, const struct cache_meta *meta,
                struct log_mark mark) MUST_USE;
/* A region with so much room, of the log for such an object, and what that is worth; makes room,
 * unless `is_copy`. */
int region_for(struct cache_disk *disk, const struct log_mark *mark, uint64_t bytes, bool is_copy,
               double *ret_value, struct region **ret) MUST_USE;
/* After a change of rule. */
void carry_regions(struct cache_disk *disk);
bool reclaim_one(struct cache_disk *disk);
/* One region of an index that was lost; false when all are done. */
bool rebuild_step(struct cache_disk *disk);
/* Goes on where the last process ended: what regions are worth, and where the writer goes on. */
void weigh_regions(struct cache_disk *disk);
void reopen_regions(struct cache_disk *disk);

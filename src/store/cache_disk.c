// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_disk.h"
#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/file.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <unistd.h>

enum { SYNC_AFTER_S = 5, FIRST_RETRY_US = 1000000, LAST_RETRY_US = 60000000 };
enum {
    SLOTS_WANTED = 256,
    SLOTS_LEAST = 8,
    SLOTS_MOST = 65536,
    RECORD_PART = 8,
    SLOTS_EXTRA = LOGS + 8 /* each log fills one */,
    READERS = 2
};
static const uint64_t REGION_LEAST = 1 << 20, REGION_MOST = 256 << 20, RECORD_MOST = 512 << 20;

/* --- health: after a failure nothing is written for a while, which grows --- */
static bool may_write(struct cache_disk *disk)
{
    return atomic_load(&disk->error) == 0 || clock_monotonic_us() >= disk->retry_at_us;
}

static void went(struct cache_disk *disk, int error)
{
    if (error == 0) {
        disk->retry_after_us = FIRST_RETRY_US;
        atomic_store(&disk->error, 0);
        return;
    }
    counter_add(COUNTER_CACHE_DISK_WRITES_FAILED, 1);
    disk->retry_at_us = clock_monotonic_us() + disk->retry_after_us;
    if (disk->retry_after_us < LAST_RETRY_US)
        disk->retry_after_us *= 2;
    atomic_store(&disk->error, error);
}

/* What is no trouble of the disk: the object alone is not stored. */
static bool is_about_disk(int error)
{
    return error && error != -ENOBUFS && error != -EFBIG && error != -EBADMSG;
}

static void sync_open(struct cache_disk *disk)
{
    for (size_t i = 0; i < LOGS; i++)
        if (disk->open[i])
            (void)disk->disk->sync(disk->disk, disk->open[i]->fd);
    disk->is_dirty = false;
}

/* --- jobs --- */
/* An object that is not written must not leave an older one of its key behind. */
static void skip(struct cache_disk *disk, const struct cache_object *object)
{
    counter_add(COUNTER_CACHE_DISK_SKIPPED, 1);
    index_drop(&disk->index, object->hash, NULL);
}

static void store(struct cache_disk *disk, const struct disk_job *job)
{
    if (!may_write(disk)) {
        if (job->kind == JOB_STORE)
            skip(disk, job->object);
        return;
    }
    int error =
        job->kind == JOB_STORE ? append_object(disk, job->object) : append_meta(disk, job->object);
    if (error && job->kind == JOB_STORE)
        skip(disk, job->object);
    if (is_about_disk(error) || !error)
        went(disk, error);
}

static void kill_record(struct cache_disk *disk, struct cache_hash hash, struct where where)
{
    index_drop(&disk->index, hash, &where);
    index_write(&disk->index, hash);
    uint8_t magic[8];
    struct region *region = regions_get(&disk->regions, where);
    record_kill(magic);
    if (region && may_write(disk))
        (void)disk->disk->write_at(disk->disk, region->fd, magic, sizeof magic,
                                   (uint64_t)where.offset_units * CACHE_UNIT);
    region_unref(region);
}

static void run(struct cache_disk *disk, struct disk_job *job)
{
    if (job->kind == JOB_STORE || job->kind == JOB_META)
        store(disk, job);
    else if (job->kind == JOB_KILL)
        kill_record(disk, job->hash, job->where);
    pthread_mutex_lock(&disk->lock);
    disk->waiting_bytes -= job->bytes;
    disk->job_count--;
    if (job->kind == JOB_SETTLE) {
        *job->is_settled = true;
        pthread_cond_broadcast(&disk->settled);
    }
    pthread_mutex_unlock(&disk->lock);
    cache_object_unref(job->object);
    mem_free(job);
}

/* The next job; NULL after some idle seconds, or when it is time to end. */
static struct disk_job *take(struct cache_disk *disk, bool *ret_is_over)
{
    pthread_mutex_lock(&disk->lock);
    uint64_t now_us = clock_monotonic_us();
    struct timespec until = {(time_t)(now_us / 1000000 + SYNC_AFTER_S), 0};
    bool is_late = disk->is_rebuilding;
    while (!disk->first && !disk->is_stopping && !is_late) {
        if (disk->is_dirty)
            is_late = pthread_cond_timedwait(&disk->has_jobs, &disk->lock, &until) == ETIMEDOUT;
        else
            pthread_cond_wait(&disk->has_jobs, &disk->lock);
    }
    struct disk_job *job = disk->first;
    if (job && !(disk->first = job->next))
        disk->last = &disk->first;
    *ret_is_over = !job && disk->is_stopping;
    pthread_mutex_unlock(&disk->lock);
    return job;
}

static void rebuild(struct cache_disk *disk)
{
    disk->is_rebuilding = rebuild_step(disk);
    if (!disk->is_rebuilding)
        index_is_whole(&disk->index);
}

static void *write_all(void *context)
{
    struct cache_disk *disk = context;
    reopen_regions(disk);
    index_load_all(&disk->index);
    for (bool is_over = false; !is_over;) {
        struct disk_job *job = take(disk, &is_over);
        if (job)
            run(disk, job);
        else if (disk->is_rebuilding)
            rebuild(disk);
        else
            sync_open(disk);
    }
    return NULL;
}

/* False when the queue is full, or nothing is written any more: the job is the caller's still. */
static bool submit(struct cache_disk *disk, struct disk_job *job)
{
    pthread_mutex_lock(&disk->lock);
    bool has_room = job->kind == JOB_SETTLE || !guard_is_on(GUARD_CACHE_QUEUE) ||
                    (disk->job_count < DISK_JOBS_MAX &&
                     disk->waiting_bytes + job->bytes <= disk->max_waiting_bytes);
    bool is_taken = has_room && !disk->has_left;
    if (is_taken) {
        disk->job_count++;
        disk->waiting_bytes += job->bytes;
        *disk->last = job;
        disk->last = &job->next;
        pthread_cond_signal(&disk->has_jobs);
    }
    pthread_mutex_unlock(&disk->lock);
    return is_taken;
}

static void submit_object(struct cache_object *object, enum disk_job_kind kind, uint64_t bytes)
{
    struct cache_disk *disk = object->cache->disk;
    if (!disk)
        return;
    struct disk_job *job = MEM_NEW(struct disk_job);
    job->kind = kind;
    job->object = cache_object_ref(object);
    job->bytes = bytes;
    if (submit(disk, job))
        return;
    if (kind == JOB_STORE)
        skip(disk, object);
    cache_object_unref(object);
    mem_free(job);
}

void disk_store(struct cache_object *object) { submit_object(object, JOB_STORE, object->stored); }
void disk_store_meta(struct cache_object *object) { submit_object(object, JOB_META, 0); }

void disk_kill(struct cache_disk *disk, struct cache_hash hash, struct where where)
{
    struct disk_job *job = MEM_NEW(struct disk_job);
    job->kind = JOB_KILL;
    job->hash = hash;
    job->where = where;
    if (!submit(disk, job))
        mem_free(job);
}

void disk_settle(struct cache_disk *disk)
{
    bool is_settled = false;
    struct disk_job *job = MEM_NEW(struct disk_job);
    job->kind = JOB_SETTLE;
    job->is_settled = &is_settled;
    if (!submit(disk, job)) {
        mem_free(job);
        return;
    }
    pthread_mutex_lock(&disk->lock);
    while (!is_settled)
        pthread_cond_wait(&disk->settled, &disk->lock);
    pthread_mutex_unlock(&disk->lock);
}

void disk_place_release(struct place *place)
{
    region_unref(place->region);
    mem_free(place->sums);
}

bool disk_may_have(struct cache_disk *disk, struct cache_hash hash)
{
    struct where found[INDEX_FOUND_MAX];
    return guard_is_on(GUARD_CACHE_FOUND) &&
           (!index_is_loaded(&disk->index, hash) || index_find(&disk->index, hash, found) > 0);
}

void disk_forget(struct cache_disk *disk, struct cache_hash hash)
{
    struct where found[INDEX_FOUND_MAX];
    index_load(&disk->index, hash);
    size_t count = index_find(&disk->index, hash, found);
    for (size_t i = 0; i < count; i++) {
        index_drop(&disk->index, hash, &found[i]);
        disk_kill(disk, hash, found[i]);
    }
}

void disk_status(struct cache_disk *disk, struct cache_status *ret)
{
    ret->disk_bytes = regions_bytes(&disk->regions) + index_file_bytes(&disk->index);
    ret->disk_objects = atomic_load(&disk->index.count);
    ret->disk_error = atomic_load(&disk->error);
    pthread_mutex_lock(&disk->lock);
    ret->waiting_bytes = disk->waiting_bytes;
    pthread_mutex_unlock(&disk->lock);
}

/* --- opening --- */
/* The keys of the hashes: names on the disk mean nothing with others. */
static int read_keys(struct cache *cache, int dir_fd)
{
    struct buffer bytes;
    buffer_init(&bytes, sizeof cache->keys);
    int error = file_read(dir_fd, "keys", &bytes);
    if (!error && buffer_view(&bytes).size == sizeof cache->keys)
        memcpy(cache->keys, buffer_view(&bytes).data, sizeof cache->keys);
    else
        error = file_write_atomic(dir_fd, "keys",
                                  text_make((const char *)cache->keys, sizeof cache->keys), 0600);
    buffer_release(&bytes);
    return error;
}

static uint64_t clamp(uint64_t value, uint64_t least, uint64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* Regions and index together within the bound. */
static int open_parts(struct cache_disk *disk, const struct cache_config *config)
{
    uint64_t bytes = config->disk_bytes ? config->disk_bytes : (uint64_t)4 << 30;
    uint64_t objects = config->max_objects ? config->max_objects : clamp(bytes / 4096, 64, 1000000);
    uint64_t index_bytes = objects * 100 / INDEX_LOAD_PERCENT * sizeof(struct index_entry) + 8192;
    uint64_t region =
        config->region_bytes
            ? config->region_bytes
            : clamp(bytes / SLOTS_WANTED, REGION_LEAST, REGION_MOST) / CACHE_UNIT * CACHE_UNIT;
    if (bytes < index_bytes + SLOTS_LEAST * region)
        return -EINVAL;
    disk->limit_bytes = bytes - index_bytes;
    /* A large record may leave half a region empty, and a very large one has its own. */
    uint64_t slots = clamp(2 * (disk->limit_bytes / region) + SLOTS_EXTRA, SLOTS_LEAST, SLOTS_MOST);
    uint64_t most = clamp(disk->limit_bytes / RECORD_PART, region / 2, RECORD_MOST);
    bool is_trusted = false;
    int error =
        regions_open(&disk->regions, disk->disk, disk->dir_fd, region, most, (uint32_t)slots);
    disk->index.sequences = disk->regions.sequences;
    disk->index.slot_count = disk->regions.slot_count;
    if (!error)
        error = index_open(&disk->index, disk->disk, disk->dir_fd, objects, &is_trusted);
    if (!error && !is_trusted && regions_free(&disk->regions) == slots)
        index_is_whole(&disk->index); /* there is nothing to recover */
    else
        disk->is_rebuilding = !is_trusted;
    disk->next_serial = disk->regions.last_serial + ((uint64_t)1 << 32);
    disk->first_serial = disk->next_serial;
    disk->chooser = chooser_new(objects, disk->limit_bytes, region);
    weigh_regions(disk);
    return error;
}

static int start_writer(struct cache_disk *disk)
{
    sigset_t all, before;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&disk->has_jobs, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&disk->settled, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&disk->writer, NULL, write_all, disk);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(!failed);
    return 0;
}

static int open_folder(struct cache_disk *disk, struct cache *cache, const char *folder)
{
    int error = file_make_dirs(AT_FDCWD, folder, 0700);
    if (error)
        return error;
    disk->dir_fd = file_open_dir(AT_FDCWD, folder);
    if (disk->dir_fd < 0)
        return disk->dir_fd;
    disk->lock_fd = file_lock(disk->dir_fd, "lock", NULL);
    if (disk->lock_fd < 0)
        return disk->lock_fd;
    error = read_keys(cache, disk->dir_fd);
    return error ? error : marks_open(&cache->marks, disk->disk, disk->dir_fd);
}

static void release(struct cache_disk **disk)
{
    regions_close(&(*disk)->regions);
    if ((*disk)->index.disk)
        index_close(&(*disk)->index);
    chooser_free(&(*disk)->chooser);
    if ((*disk)->lock_fd >= 0)
        close((*disk)->lock_fd);
    if ((*disk)->dir_fd >= 0)
        close((*disk)->dir_fd);
    mem_free((*disk)->copy);
    mem_free_p(disk);
}

int disk_open(struct cache *cache, const struct cache_config *config, struct cache_disk **ret)
{
    struct cache_disk *disk = MEM_NEW(struct cache_disk);
    disk->cache = cache;
    disk->disk = config->disk ? config->disk : &disk_real;
    disk->dir_fd = disk->lock_fd = disk->index.fd = -1;
    disk->last = &disk->first;
    disk->retry_after_us = FIRST_RETRY_US;
    disk->copy = mem_alloc(DISK_COPY_BYTES);
    disk->max_waiting_bytes = cache->memory.limit_bytes / 2;
    pthread_mutex_init(&disk->lock, NULL);
    int error = open_folder(disk, cache, config->folder);
    if (!error)
        error = open_parts(disk, config);
    if (error) {
        release(&disk);
        return error;
    }
    disk->readers = workers_start("cache", config->readers ? config->readers : READERS,
                                  DISK_ASKS_MAX + DISK_LOADS_MAX);
    *ret = disk;
    return start_writer(disk);
}

static void end_writer(struct cache_disk *disk, bool leaves)
{
    pthread_mutex_lock(&disk->lock);
    disk->has_left = leaves;
    disk->is_stopping = true;
    pthread_cond_signal(&disk->has_jobs);
    pthread_mutex_unlock(&disk->lock);
    pthread_join(disk->writer, NULL);
}

void disk_stop(struct cache_disk *disk)
{
    workers_finish(disk->readers);
    if (disk->has_left)
        return;
    end_writer(disk, false);
    sync_open(disk);
}

/* Nothing is synced: who has the folder next runs on the same kernel, and trusts it by that. */
void disk_let_go(struct cache_disk *disk)
{
    if (disk->has_left)
        return;
    end_writer(disk, true);
    memset(disk->open, 0, sizeof disk->open);
    disk->index.is_whole = false; /* it is not ours to close in order */
    regions_let_go(&disk->regions);
    atomic_store(&disk->error, -EBUSY);
}

void disk_unlock(struct cache_disk *disk)
{
    if (disk->lock_fd >= 0)
        close(disk->lock_fd);
    disk->lock_fd = -1;
}

void disk_close(struct cache_disk **disk)
{
    if (!*disk)
        return;
    workers_stop(&(*disk)->readers);
    pthread_cond_destroy(&(*disk)->has_jobs);
    pthread_cond_destroy(&(*disk)->settled);
    pthread_mutex_destroy(&(*disk)->lock);
    release(disk);
}

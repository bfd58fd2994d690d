// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_marks.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/file.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char FILE_NAME[] = "purges";
enum { SLOTS = 2 * CACHE_PURGED_MARKS };

/* The first generation is 1: an object of generation 0 knows nothing and is purged by anything. */
void cache_marks_init(struct cache_marks *marks)
{
    *marks = (struct cache_marks){.generation = 1, .fd = -1};
    pthread_rwlock_init(&marks->lock, NULL);
}

void cache_marks_release(struct cache_marks *marks)
{
    marks_log_stop(&marks->log);
    if (marks->fd >= 0)
        close(marks->fd);
    mem_free_p(&marks->slots);
    pthread_rwlock_destroy(&marks->lock);
}

static struct cache_mark_slot *slot_of(const struct cache_marks *marks, uint64_t mark)
{
    size_t i = hash_mix(mark) % SLOTS;
    while (marks->slots[i].generation && marks->slots[i].mark != mark)
        i = (i + 1) % SLOTS;
    return &marks->slots[i];
}

static void forget_all(struct cache_marks *marks, uint64_t generation)
{
    if (marks->slots)
        memset(marks->slots, 0, SLOTS * sizeof marks->slots[0]);
    marks->count = 0;
    atomic_store(&marks->floor, generation);
}

static void put(struct cache_marks *marks, uint64_t mark, uint64_t generation)
{
    if (!marks->slots)
        marks->slots = mem_zalloc(SLOTS * sizeof marks->slots[0]);
    struct cache_mark_slot *slot = slot_of(marks, mark);
    if (mark == CACHE_MARK_ALL || (!slot->generation && marks->count == CACHE_PURGED_MARKS)) {
        forget_all(marks, generation);
    } else {
        marks->count += !slot->generation;
        *slot = (struct cache_mark_slot){mark, generation};
    }
    atomic_store(&marks->newest_purge, generation);
    atomic_store(&marks->generation, generation + 1);
}

bool marks_hit(const struct cache_marks *marks, uint64_t generation, const uint64_t *list,
               size_t count)
{
    if (generation > atomic_load_explicit(&marks->newest_purge, memory_order_acquire))
        return generation > atomic_load(&marks->generation);
    if (generation <= atomic_load(&marks->floor))
        return true;
    bool is_hit = false;
    pthread_rwlock_rdlock((pthread_rwlock_t *)(uintptr_t)&marks->lock);
    for (size_t i = 0; i < count && !is_hit && marks->slots; i++) {
        const struct cache_mark_slot *slot = slot_of(marks, list[i]);
        is_hit = slot->generation && slot->generation >= generation;
    }
    pthread_rwlock_unlock((pthread_rwlock_t *)(uintptr_t)&marks->lock);
    return is_hit;
}

/* The clock makes a purge later than all that was there, also when the file has lost its end. */
static uint64_t later_generation(const struct cache_marks *marks)
{
    uint64_t next = atomic_load(&marks->generation);
    uint64_t now_us = (uint64_t)clock_unix_ms() * 1000;
    return next > now_us ? next : now_us;
}

bool marks_purge(struct cache_marks *marks, uint64_t mark, marks_log_kept *kept, void *context)
{
    pthread_rwlock_wrlock(&marks->lock);
    uint64_t generation = later_generation(marks);
    put(marks, mark, generation);
    bool is_logged = marks->log.is_running;
    if (is_logged)
        marks_log_add(&marks->log, mark, generation, kept, context);
    pthread_rwlock_unlock(&marks->lock);
    return is_logged;
}

void marks_let_go(struct cache_marks *marks)
{
    pthread_rwlock_wrlock(&marks->lock);
    marks_log_stop(&marks->log);
    if (marks->fd >= 0)
        close(marks->fd);
    marks->fd = -1;
    pthread_rwlock_unlock(&marks->lock);
}

/* --- the file --- */
_Static_assert(sizeof(struct mark_record) == CACHE_MARK_BYTES, "as drawn");
enum { DAMAGE_SKIPS = 1 << 20 }; /* more purges than can have been in one record */
static const uint64_t GENERATION_MAX = UINT64_MAX / 2; /* that many were never made */

static void read_one(struct cache_marks *marks, const struct mark_record *record)
{
    uint64_t next = atomic_load(&marks->generation);
    if (record->sum != mark_record_sum(record) || record->generation > GENERATION_MAX) {
        put(marks, CACHE_MARK_ALL, later_generation(marks) + DAMAGE_SKIPS);
    } else if (record->generation >= next) {
        put(marks, record->mark, record->generation);
    }
}

static int read_all(struct cache_marks *marks)
{
    struct stat status;
    if (fstat(marks->fd, &status))
        return -errno;
    uint64_t whole = (uint64_t)status.st_size / CACHE_MARK_BYTES;
    for (uint64_t i = 0; i < whole; i++) {
        struct mark_record record;
        int error = file_read_at(marks->fd, &record, sizeof record, i * sizeof record);
        if (error)
            return error;
        read_one(marks, &record);
    }
    marks->file_bytes = whole * CACHE_MARK_BYTES;
    return 0;
}

static int by_generation(const void *a, const void *b)
{
    const struct mark_record *x = a, *y = b;
    return x->generation < y->generation ? -1 : x->generation > y->generation;
}

/* Purges are rare (an operator's); the file is written anew when most of it is history. */
static int compact(struct cache_marks *marks, int dir_fd)
{
    if (marks->file_bytes / CACHE_MARK_BYTES < 2 * (uint64_t)marks->count + 1024)
        return 0;
    struct mark_record *records = mem_zalloc((marks->count + 1) * sizeof *records);
    size_t count = 0;
    records[count++].generation = atomic_load(&marks->floor);
    for (size_t i = 0; i < SLOTS && marks->slots; i++)
        if (marks->slots[i].generation)
            records[count++] =
                (struct mark_record){marks->slots[i].mark, marks->slots[i].generation, 0};
    qsort(records, count, sizeof *records, by_generation);
    for (size_t i = 0; i < count; i++)
        records[i].sum = mark_record_sum(&records[i]);
    struct text bytes = text_make((const char *)records, count * sizeof *records);
    int error = file_write_atomic(dir_fd, FILE_NAME, bytes, 0600);
    mem_free(records);
    if (error)
        return 0; /* the long one is as good */
    close(marks->fd);
    marks->fd = file_open_beneath(dir_fd, FILE_NAME, O_RDWR);
    marks->file_bytes = bytes.size;
    return marks->fd < 0 ? marks->fd : 0;
}

int marks_open(struct cache_marks *marks, const struct disk *disk, int dir_fd)
{
    marks->fd = file_open_beneath(dir_fd, FILE_NAME, O_RDWR | O_CREAT);
    if (marks->fd < 0)
        return marks->fd;
    int error = read_all(marks);
    if (!error)
        error = compact(marks, dir_fd);
    if (!error && marks->file_bytes == 0) /* perhaps new: its name is kept before what is in it */
        error = disk->sync_dir(disk, dir_fd);
    if (!error)
        marks_log_start(&marks->log, disk, marks->fd, marks->file_bytes);
    return error;
}

// SPDX-License-Identifier: GPL-3.0-or-later
/*
 *                 wanted, or idle and more rows
 *     next_work ───────────────────────────────▶ digest_track: open, read at the pace, note, save
 *         ▲                                                │
 *         └────────────────────────────────────────────────┘
 *
 * `lock` guards what others ask and tell; it is held for no disk.  The database is the thread's
 * own.
 */
#include "library/digests.h"

#include "base/mem.h"
#include "io/background.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/random.h"
#include "io/resident.h"
#include "library/database.h"
#include "library/rows.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    PIECE_BYTES = 256 << 10,
    MAX_UNSAVED = 64,
    ROWS_AT_ONCE = 1000, /* known ones that are passed by before anybody is listened to again */
    SETTLED_MS = 2000,   /* a second write within the grain of the kernel's clock does not show */
    NS_PER_MS = 1000000,
};
#define POSITION "digested_to"

struct digests {
    struct digests_config config;
    pthread_t thread;
    bool has_thread;

    pthread_mutex_t lock; /* guards what follows, up to the blank line */
    pthread_cond_t work;
    bool is_stopping, has_more, looks_again;
    struct digest_table known;
    uint8_t wanted[DIGESTS_MAX_WANTED][16];
    size_t wanted_count;

    /* the thread's own */
    struct database *database;
    int64_t position; /* the row that was looked at last */
    bool rests;
    char *piece;
    struct digest_entry unsaved[MAX_UNSAVED];
    size_t unsaved_count;
};

/* --- what is known --- */

static bool is_noted(struct digests *digests, const uint8_t track[16], uint64_t version,
                     const int64_t *changed_ns, uint8_t *ret_sha256)
{
    pthread_mutex_lock(&digests->lock);
    const struct digest_entry *entry = digest_table_find(&digests->known, track);
    bool is_it =
        entry && entry->version == version && (!changed_ns || entry->changed_ns == *changed_ns);
    if (is_it && ret_sha256)
        memcpy(ret_sha256, entry->sha256, sizeof entry->sha256);
    pthread_mutex_unlock(&digests->lock);
    return is_it;
}

bool digests_find(struct digests *digests, const uint8_t track[16], uint64_t version,
                  int64_t changed_ns, uint8_t ret_sha256[DIGEST_SHA256_BYTES])
{
    return is_noted(digests, track, version, &changed_ns, ret_sha256);
}

void digests_want(struct digests *digests, const uint8_t track[16])
{
    pthread_mutex_lock(&digests->lock);
    bool is_there = digests->wanted_count == DIGESTS_MAX_WANTED;
    for (size_t i = 0; i < digests->wanted_count; i++)
        is_there |= memcmp(digests->wanted[i], track, 16) == 0;
    if (!is_there) {
        memcpy(digests->wanted[digests->wanted_count++], track, 16);
        pthread_cond_signal(&digests->work);
    }
    pthread_mutex_unlock(&digests->lock);
}

void digests_look_again(struct digests *digests)
{
    pthread_mutex_lock(&digests->lock);
    digests->looks_again = digests->has_more;
    digests->has_more = true;
    pthread_cond_signal(&digests->work);
    pthread_mutex_unlock(&digests->lock);
}

/* False when there is no room. */
static bool remember(struct digests *digests, const struct digest_entry *entry)
{
    pthread_mutex_lock(&digests->lock);
    bool is_kept = digest_table_put(&digests->known, entry);
    pthread_mutex_unlock(&digests->lock);
    return is_kept;
}

/* --- library.db --- */

static void read_all(struct digests *digests)
{
    struct digest_entry entry;
    sqlite3_stmt *rows = database_use(digests->database, STATEMENT_DIGESTS_ALL);
    while (database_step(digests->database, rows)) {
        struct text sha256 = column_bytes(rows, 3);
        column_id(rows, 0, entry.track);
        entry.version = (uint64_t)sqlite3_column_int64(rows, 1);
        entry.changed_ns = sqlite3_column_int64(rows, 2);
        if (sha256.size != sizeof entry.sha256)
            continue;
        memcpy(entry.sha256, sha256.data, sizeof entry.sha256);
        (void)remember(digests, &entry);
    }
    digests->position = database_meta(digests->database, POSITION);
}

static void save(struct digests *digests)
{
    struct database *database = digests->database;
    database_begin(database);
    for (size_t i = 0; i < digests->unsaved_count; i++) {
        const struct digest_entry *entry = &digests->unsaved[i];
        sqlite3_stmt *set = database_use(database, STATEMENT_DIGEST_SET);
        bind_bytes(set, 1, entry->track, sizeof entry->track);
        bind_i64(set, 2, (int64_t)entry->version);
        bind_i64(set, 3, entry->changed_ns);
        bind_bytes(set, 4, entry->sha256, sizeof entry->sha256);
        (void)database_run(database, set);
    }
    database_set_meta(database, POSITION, digests->position);
    if (database_commit(database) == 0)
        digests->unsaved_count = 0;
}

static void note(struct digests *digests, const struct digest_entry *entry)
{
    if (!remember(digests, entry))
        return;
    if (digests->unsaved_count == MAX_UNSAVED)
        memmove(digests->unsaved, digests->unsaved + 1,
                --digests->unsaved_count * sizeof *digests->unsaved);
    digests->unsaved[digests->unsaved_count++] = *entry;
    save(digests);
}

/* --- reading --- */

/* The lock is held.  Ends early when stopping, or also when somebody wants something. */
static void pause_for(struct digests *digests, uint64_t ms, bool ends_when_wanted)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC,
                  &until); /* what pthread_cond_timedwait asks for, not a reading of time */
    until.tv_nsec += (long)(ms % 1000) * NS_PER_MS;
    until.tv_sec += (time_t)(ms / 1000) + until.tv_nsec / (1000 * NS_PER_MS);
    until.tv_nsec %= 1000 * NS_PER_MS;
    while (!digests->is_stopping && !(ends_when_wanted && digests->wanted_count))
        if (pthread_cond_timedwait(&digests->work, &digests->lock, &until) != 0)
            return;
}

/* Waits until `bytes`, begun at `start_us`, are due.  False when stopping. */
static bool keep_pace(struct digests *digests, uint64_t start_us, uint64_t bytes)
{
    uint64_t due_us =
        start_us + (uint64_t)((double)bytes * 1e6 / (double)digests->config.bytes_per_s);
    uint64_t now_us = clock_monotonic_us();
    pthread_mutex_lock(&digests->lock);
    if (due_us > now_us)
        pause_for(digests, (due_us - now_us) / 1000 + 1, false);
    bool goes_on = !digests->is_stopping;
    pthread_mutex_unlock(&digests->lock);
    return goes_on;
}

static bool read_piece(struct digests *digests, int fd, uint64_t at, size_t size)
{
    bool was_here = resident_has(NULL, fd, at, at + size, 0);
    bool is_read = file_read_at(fd, digests->piece, size, at) == 0;
    if (!was_here)
        (void)posix_fadvise(fd, (off_t)at, (off_t)size, POSIX_FADV_DONTNEED);
    return is_read;
}

static bool digest_file(struct digests *digests, const struct library_file *file,
                        uint8_t ret_sha256[DIGEST_SHA256_BYTES])
{
    uint64_t start_us = clock_monotonic_us(), at = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool goes_on = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    while (goes_on && at < file->size_bytes) {
        uint64_t left = file->size_bytes - at;
        size_t size = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        goes_on = read_piece(digests, file->fd, at, size) &&
                  EVP_DigestUpdate(context, digests->piece, size) &&
                  keep_pace(digests, start_us, at += size);
    }
    goes_on = goes_on && EVP_DigestFinal_ex(context, ret_sha256, NULL);
    EVP_MD_CTX_free(context);
    return goes_on;
}

static bool is_settled(const struct library_file *file)
{
    int64_t last_ns = file->mtime_ns > file->changed_ns ? file->mtime_ns : file->changed_ns;
    return clock_unix_ms() - last_ns / NS_PER_MS >= SETTLED_MS;
}

static bool is_as_it_was(const struct library_file *file)
{
    struct stat status;
    return fstat(file->fd, &status) == 0 && (uint64_t)status.st_size == file->size_bytes &&
           (int64_t)status.st_mtim.tv_sec * 1000 * NS_PER_MS + status.st_mtim.tv_nsec ==
               file->mtime_ns &&
           (int64_t)status.st_ctim.tv_sec * 1000 * NS_PER_MS + status.st_ctim.tv_nsec ==
               file->changed_ns;
}

static void digest_track(struct digests *digests, const uint8_t track[16])
{
    struct library_file file;
    struct digest_entry entry;
    if (digests->config.open(digests->config.context, track, &file))
        return;
    memcpy(entry.track, track, sizeof entry.track);
    entry.version = file.version;
    entry.changed_ns = file.changed_ns;
    if (!is_noted(digests, track, file.version, &file.changed_ns, NULL) && is_settled(&file) &&
        digest_file(digests, &file, entry.sha256) && is_as_it_was(&file))
        note(digests, &entry);
    close(file.fd);
}

/* --- one track after the other --- */

struct track_file {
    uint8_t track[16];
    uint64_t version;
};

static bool next_row(struct digests *digests, struct track_file *ret)
{
    sqlite3_stmt *get = database_use(digests->database, STATEMENT_TRACK_AFTER);
    bind_i64(get, 1, digests->position);
    bool is_there = database_step(digests->database, get);
    if (is_there) {
        digests->position = sqlite3_column_int64(get, 0);
        column_id(get, 1, ret->track);
        ret->version =
            rows_file_version((uint64_t)sqlite3_column_int64(get, 2), sqlite3_column_int64(get, 3));
        sqlite3_reset(get);
    }
    return is_there;
}

static void end_round(struct digests *digests)
{
    digests->position = 0;
    (void)database_run(digests->database,
                       database_use(digests->database, STATEMENT_DIGESTS_FORGET));
    save(digests);
    pthread_mutex_lock(&digests->lock);
    digests->has_more = digests->looks_again;
    digests->looks_again = false;
    pthread_mutex_unlock(&digests->lock);
}

static void look_on(struct digests *digests)
{
    struct track_file row;
    for (size_t i = 0; i < ROWS_AT_ONCE; i++) {
        if (!next_row(digests, &row)) {
            end_round(digests);
            return;
        }
        if (!is_noted(digests, row.track, row.version, NULL, NULL)) {
            digest_track(digests, row.track);
            return;
        }
    }
}

enum work { WORK_END, WORK_WANTED, WORK_MORE };

static enum work next_work(struct digests *digests, uint8_t ret_track[16])
{
    enum work work = WORK_END;
    pthread_mutex_lock(&digests->lock);
    while (!digests->is_stopping && !digests->wanted_count && !digests->has_more)
        pthread_cond_wait(&digests->work, &digests->lock);
    if (digests->rests)
        pause_for(digests, digests->config.rest_ms, true);
    digests->rests = false;
    if (!digests->is_stopping && digests->wanted_count) {
        work = WORK_WANTED;
        memcpy(ret_track, digests->wanted[0], 16);
        memmove(digests->wanted, digests->wanted + 1, --digests->wanted_count * 16);
    } else if (!digests->is_stopping) {
        work = WORK_MORE;
    }
    pthread_mutex_unlock(&digests->lock);
    return work;
}

static void *run(void *context)
{
    struct digests *digests = context;
    uint8_t track[16];
    enum work work;
    pthread_setname_np(pthread_self(), "digests");
    read_all(digests);
    background_enter();
    while ((work = next_work(digests, track)) != WORK_END) {
        if (work == WORK_WANTED)
            digest_track(digests, track);
        else if (digests->config.is_idle(digests->config.context))
            look_on(digests);
        else
            digests->rests = true;
    }
    if (digests->unsaved_count)
        save(digests);
    return NULL;
}

/* --- life and death --- */

int digests_start(const struct digests_config *config, struct digests **ret,
                  char ret_why[DIGESTS_WHY_BYTES])
{
    pthread_condattr_t monotonic;
    struct digests *digests = MEM_NEW(struct digests);
    int error =
        library_database_open(config->path, DATABASE_WRITE_BESIDE, &digests->database, ret_why);
    pthread_mutex_init(&digests->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&digests->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    digests->config = *config;
    digests->rests = digests->has_more = true;
    digest_table_init(&digests->known, random_u64(), DIGESTS_MAX_TRACKS);
    if (!error) {
        digests->piece = mem_alloc(PIECE_BYTES);
        error = -pthread_create(&digests->thread, NULL, run, digests);
        digests->has_thread = !error;
    }
    if (error)
        digests_stop(&digests);
    else
        *ret = digests;
    return error;
}

void digests_stop(struct digests **digests_p)
{
    struct digests *digests = *digests_p;
    if (!digests)
        return;
    pthread_mutex_lock(&digests->lock);
    digests->is_stopping = true;
    pthread_cond_signal(&digests->work);
    pthread_mutex_unlock(&digests->lock);
    if (digests->has_thread)
        pthread_join(digests->thread, NULL);
    library_database_close(&digests->database);
    digest_table_release(&digests->known);
    pthread_cond_destroy(&digests->work);
    pthread_mutex_destroy(&digests->lock);
    mem_free(digests->piece);
    mem_free_p(digests_p);
}

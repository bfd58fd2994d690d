// SPDX-License-Identifier: GPL-3.0-or-later
/* `lock` guards what is wanted and the times; counters are atomics. */
#include "library/scanner.h"
#include "base/counters.h"
#include "base/mem.h"
#include "io/background.h"
#include "io/clock.h"
#include <errno.h>
#include <pthread.h>
#include <string.h>

struct scanner {
    struct scan_environment environment;
    void (*on_turn)(void *context);
    struct scan_progress progress;
    atomic_bool is_cancelled;
    pthread_t thread;
    bool has_thread;

    pthread_mutex_t lock;
    pthread_cond_t work;
    bool is_wanted, is_running, is_stopping;
    struct scan_request wanted;
    struct scan_target folders[SCANNER_MAX_FOLDERS]; /* of `wanted`; none: everything */
    int64_t started_ms, finished_ms;
    uint64_t estimate;
};

/* --- what is wanted --- */

static void drop_folders(struct scanner *scanner)
{
    for (size_t i = 0; i < scanner->wanted.target_count; i++)
        mem_free(scanner->folders[i].path);
    scanner->wanted.target_count = 0;
}

static void wake(struct scanner *scanner)
{
    scanner->is_wanted = true;
    pthread_cond_signal(&scanner->work);
}

void scanner_want(struct scanner *scanner, struct library_scan_options options)
{
    pthread_mutex_lock(&scanner->lock);
    drop_folders(scanner);
    scanner->wanted.full |= options.full;
    scanner->wanted.allow_removal |= options.allow_removal;
    wake(scanner);
    pthread_mutex_unlock(&scanner->lock);
}

void scanner_want_folder(struct scanner *scanner, int32_t root, const char *path, bool is_deep)
{
    pthread_mutex_lock(&scanner->lock);
    bool is_everything = scanner->is_wanted && scanner->wanted.target_count == 0;
    if (!is_everything && scanner->wanted.target_count == SCANNER_MAX_FOLDERS) {
        drop_folders(scanner);
    } else if (!is_everything) {
        struct scan_target *folder = &scanner->folders[scanner->wanted.target_count++];
        *folder = (struct scan_target){root, mem_strdup(path), is_deep};
    }
    wake(scanner);
    pthread_mutex_unlock(&scanner->lock);
}

/* Under the lock: what is wanted is taken, and runs from now on.  The paths are the caller's. */
static struct scan_request take_wanted(struct scanner *scanner,
                                       struct scan_target folders[SCANNER_MAX_FOLDERS])
{
    struct scan_request request = scanner->wanted;
    memcpy(folders, scanner->folders, request.target_count * sizeof *folders);
    request.targets = request.target_count ? folders : NULL;
    scanner->wanted = (struct scan_request){0};
    scanner->is_wanted = false;
    scanner->is_running = true;
    scanner->started_ms = clock_unix_ms();
    return request;
}

/* --- the thread --- */

static void log_scan(struct scanner *scanner, int error, int64_t took_ms)
{
    const struct logger *logger = scanner->environment.logger;
    counter_add(error ? COUNTER_SCANS_FAILED : COUNTER_SCANS, 1);
    if (error && error != -ECANCELED)
        LOG(logger, LOG_ERROR, "scan failed; the last good catalogue stays",
            {"why", log_errno(error)});
    else if (!error)
        LOG(logger, LOG_INFO, "scan finished", {"files", LOG_NUMBER(scanner->progress.seen)},
            {"changed", LOG_NUMBER(scanner->progress.changed)},
            {"removed", LOG_NUMBER(scanner->progress.removed)},
            {"failed", LOG_NUMBER(scanner->progress.failed)}, {"ms", LOG_NUMBER(took_ms)});
}

static void run(struct scanner *scanner, const struct scan_request *request)
{
    scanner->on_turn(scanner->environment.context);
    int64_t started = clock_unix_ms();
    int error = scan_run(&scanner->environment, request);
    if (!error)
        database_checkpoint(scanner->environment.database);
    int64_t finished = clock_unix_ms();
    log_scan(scanner, error, finished - started);
    pthread_mutex_lock(&scanner->lock);
    scanner->finished_ms = finished;
    scanner->is_running = false;
    if (!request->targets)
        scanner->estimate = atomic_load(&scanner->progress.seen);
    pthread_mutex_unlock(&scanner->lock);
    scanner->on_turn(scanner->environment.context);
}

static void *scan_thread(void *context)
{
    struct scanner *scanner = context;
    pthread_setname_np(pthread_self(), "scan");
    background_enter();
    struct scan_target folders[SCANNER_MAX_FOLDERS];
    pthread_mutex_lock(&scanner->lock);
    while (!scanner->is_stopping) {
        if (!scanner->is_wanted) {
            pthread_cond_wait(&scanner->work, &scanner->lock);
            continue;
        }
        struct scan_request request = take_wanted(scanner, folders);
        pthread_mutex_unlock(&scanner->lock);
        run(scanner, &request);
        for (size_t i = 0; i < request.target_count; i++)
            mem_free(folders[i].path);
        pthread_mutex_lock(&scanner->lock);
    }
    pthread_mutex_unlock(&scanner->lock);
    return NULL;
}

/* --- life and death --- */

int scanner_start(const struct scanner_config *config, struct scanner **ret)
{
    struct scanner *scanner = MEM_NEW(struct scanner);
    scanner->environment = config->environment;
    scanner->environment.progress = &scanner->progress;
    scanner->environment.is_cancelled = &scanner->is_cancelled;
    scanner->on_turn = config->on_turn;
    scanner->estimate = config->estimate;
    pthread_mutex_init(&scanner->lock, NULL);
    pthread_cond_init(&scanner->work, NULL);
    int error = -pthread_create(&scanner->thread, NULL, scan_thread, scanner);
    scanner->has_thread = !error;
    if (error)
        scanner_free(&scanner);
    else
        *ret = scanner;
    return error;
}

void scanner_stop(struct scanner *scanner)
{
    if (!scanner || !scanner->has_thread)
        return;
    atomic_store(&scanner->is_cancelled, true);
    pthread_mutex_lock(&scanner->lock);
    scanner->is_stopping = true;
    pthread_cond_signal(&scanner->work);
    pthread_mutex_unlock(&scanner->lock);
    pthread_join(scanner->thread, NULL);
    scanner->has_thread = false;
}

void scanner_free(struct scanner **scanner)
{
    if (!*scanner)
        return;
    drop_folders(*scanner);
    pthread_cond_destroy(&(*scanner)->work);
    pthread_mutex_destroy(&(*scanner)->lock);
    mem_free_p(scanner);
}

/* --- how it stands --- */

bool scanner_is_busy(struct scanner *scanner)
{
    pthread_mutex_lock(&scanner->lock);
    bool is_busy = scanner->is_wanted || scanner->is_running;
    pthread_mutex_unlock(&scanner->lock);
    return is_busy;
}

void scanner_status(struct scanner *scanner, struct library_status *ret)
{
    const struct scan_progress *progress = &scanner->progress;
    pthread_mutex_lock(&scanner->lock);
    ret->phase = (enum library_phase)atomic_load(&progress->phase);
    ret->files_seen = progress->seen;
    ret->files_estimate = scanner->estimate;
    ret->files_changed = progress->changed;
    ret->files_failed = progress->failed;
    ret->files_removed = progress->removed;
    ret->removal_refused = progress->refused;
    ret->started_ms = scanner->started_ms;
    ret->finished_ms = scanner->finished_ms;
    if ((scanner->is_wanted || scanner->is_running) && ret->phase == LIBRARY_IDLE)
        ret->phase = LIBRARY_WALKING; /* about to begin, or just ending */
    pthread_mutex_unlock(&scanner->lock);
}

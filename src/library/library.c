// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * library: the loop's side and the scan thread.
 *
 *   loop                                    scan thread
 *   library_scan() ── wanted, condition ──▶ scan_run()
 *   swap snapshot, tell subscribers ◀────── latest, eventfd
 *
 * `lock` guards `wanted`, `latest`, times; counters are atomics.  Depots and the writing database
 * belong to the scan thread from its start on.
 */
#include "library/library.h"
#include "base/counters.h"
#include "base/mem.h"
#include "catalog/catalog.h"
#include "io/background.h"
#include "io/clock.h"
#include "io/file.h"
#include "library/artwork.h"
#include "library/digests.h"
#include "library/lookup.h"
#include "library/scan.h"
#include "library/watch.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { MAX_TARGETS = 1000, PATH_CHARACTERS = 4096, DIGESTS_REST_MS = 10000 };

struct library {
    struct loop *loop;
    const struct logger *logger;
    char *state_folder;
    struct library_root roots[LIBRARY_MAX_ROOTS];
    struct scan_root scan_roots[LIBRARY_MAX_ROOTS];
    size_t root_count;
    struct lookup lookup;
    struct database *database;
    struct artwork *artwork;
    struct digests *digests; /* NULL: not wanted */
    struct watch *watch;     /* NULL: not wanted, or the kernel has none */
    struct catalog *catalog;
    struct shelf *shelves[LIBRARY_MAX_ROOTS]; /* as `catalog`, by position of the root */
    struct library_subscriber *subscribers;
    struct scan_progress progress;
    struct scan_environment environment;
    atomic_bool is_cancelled;
    struct loop_watch wake; /* eventfd: the scan thread has news */
    struct loop_timer rescan;
    uint64_t rescan_us;
    pthread_t thread;
    bool has_thread;

    pthread_mutex_t lock;
    pthread_cond_t work;
    bool is_wanted, is_running, is_stopping;
    struct scan_request wanted;
    struct scan_target targets[MAX_TARGETS];
    struct catalog *latest; /* NULL: the loop has taken it */
    struct shelf *latest_shelves[LIBRARY_MAX_ROOTS];
    int64_t started_ms, finished_ms;
    uint64_t estimate;
};

/* --- the scan thread --- */

static void ring(struct library *library)
{
    uint64_t one = 1;
    (void)!write(library->wake.fd, &one, sizeof one);
}

static void swap_shelves(struct shelf **a, struct shelf **b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct shelf *other = a[i];
        a[i] = b[i];
        b[i] = other;
    }
}

static void drop_shelves(struct shelf **shelves, size_t count)
{
    for (size_t i = 0; i < count; i++)
        shelf_unref(&shelves[i]);
}

static void published(void *context)
{
    struct library *library = context;
    struct depot *depots[LIBRARY_MAX_ROOTS];
    for (size_t i = 0; i < library->root_count; i++)
        depots[i] = library->scan_roots[i].depot;
    struct shelf *shelves[LIBRARY_MAX_ROOTS] = {NULL};
    for (size_t i = 0; i < library->root_count; i++)
        shelves[i] = depot_shelf(depots[i]);
    library_show(library, depot_snapshot(depots, library->root_count), shelves);
}

/* When the newest of them was written. */
static int64_t newest_ms(struct shelf *const shelves[LIBRARY_MAX_ROOTS])
{
    int64_t newest_s = 0;
    for (size_t i = 0; i < LIBRARY_MAX_ROOTS; i++)
        if (shelves[i] && shelf_current(shelves[i])->published_s > newest_s)
            newest_s = shelf_current(shelves[i])->published_s;
    return newest_s * 1000;
}

void library_show(struct library *library, struct catalog *catalog,
                  struct shelf *shelves[LIBRARY_MAX_ROOTS])
{
    pthread_mutex_lock(&library->lock);
    if (!library->lookup.database) /* nobody scans here: what came is what was found */
        library->finished_ms = newest_ms(shelves);
    struct catalog *unseen = library->latest;
    library->latest = catalog;
    swap_shelves(library->latest_shelves, shelves, library->root_count);
    pthread_mutex_unlock(&library->lock);
    catalog_unref(&unseen);
    drop_shelves(shelves, library->root_count);
    if (library->digests)
        digests_look_again(library->digests);
    ring(library);
}

static void entered(void *context, int32_t root, const char *path, int folder_fd)
{
    struct library *library = context;
    if (library->watch)
        watch_add(library->watch, root, path, folder_fd);
}

static void log_scan(struct library *library, int error, int64_t took_ms)
{
    counter_add(error ? COUNTER_SCANS_FAILED : COUNTER_SCANS, 1);
    if (error && error != -ECANCELED)
        LOG(library->logger, LOG_ERROR, "scan failed; the last good catalogue stays",
            {"why", log_errno(error)});
    else if (!error)
        LOG(library->logger, LOG_INFO, "scan finished",
            {"files", LOG_NUMBER(library->progress.seen)},
            {"changed", LOG_NUMBER(library->progress.changed)},
            {"removed", LOG_NUMBER(library->progress.removed)},
            {"failed", LOG_NUMBER(library->progress.failed)}, {"ms", LOG_NUMBER(took_ms)});
}

static void run_scan(struct library *library, struct scan_request *request)
{
    ring(library);
    int64_t started = clock_unix_ms();
    int error = scan_run(&library->environment, request);
    if (!error)
        database_checkpoint(library->database);
    int64_t finished = clock_unix_ms();
    log_scan(library, error, finished - started);
    pthread_mutex_lock(&library->lock);
    library->finished_ms = finished;
    library->is_running = false;
    if (!request->targets)
        library->estimate = atomic_load(&library->progress.seen);
    pthread_mutex_unlock(&library->lock);
    ring(library);
}

static void *scan_thread(void *context)
{
    struct library *library = context;
    pthread_setname_np(pthread_self(), "scan");
    background_enter();
    struct scan_target targets[MAX_TARGETS];
    pthread_mutex_lock(&library->lock);
    while (!library->is_stopping) {
        if (!library->is_wanted) {
            pthread_cond_wait(&library->work, &library->lock);
            continue;
        }
        struct scan_request request = library->wanted;
        memcpy(targets, library->targets, request.target_count * sizeof *targets);
        request.targets = request.target_count ? targets : NULL;
        library->is_wanted = false;
        library->is_running = true;
        library->wanted = (struct scan_request){0};
        library->started_ms = clock_unix_ms();
        pthread_mutex_unlock(&library->lock);
        run_scan(library, &request);
        for (size_t i = 0; i < request.target_count; i++)
            mem_free(targets[i].path);
        pthread_mutex_lock(&library->lock);
    }
    pthread_mutex_unlock(&library->lock);
    return NULL;
}

/* --- requests --- */

static void drop_targets(struct library *library)
{
    for (size_t i = 0; i < library->wanted.target_count; i++)
        mem_free(library->targets[i].path);
    library->wanted.target_count = 0;
}

/* Scans wanted while one runs become one: of everything, unless all named folders only. */
void library_scan(struct library *library, struct library_scan_options options)
{
    if (!library->lookup.database)
        return; /* a copy: its origin scans */
    pthread_mutex_lock(&library->lock);
    drop_targets(library);
    library->wanted.full |= options.full;
    library->wanted.allow_removal |= options.allow_removal;
    library->is_wanted = true;
    pthread_cond_signal(&library->work);
    pthread_mutex_unlock(&library->lock);
}

static void folder_changed(void *context, int32_t root, const char *path, bool is_deep)
{
    struct library *library = context;
    pthread_mutex_lock(&library->lock);
    bool is_everything = library->is_wanted && library->wanted.target_count == 0;
    if (!is_everything && library->wanted.target_count == MAX_TARGETS) {
        drop_targets(library);
    } else if (!is_everything) {
        struct scan_target *target = &library->targets[library->wanted.target_count++];
        *target = (struct scan_target){root, mem_strdup(path), is_deep};
    }
    library->is_wanted = true;
    pthread_cond_signal(&library->work);
    pthread_mutex_unlock(&library->lock);
}

static void all_changed(void *context) { library_scan(context, (struct library_scan_options){0}); }

static void on_rescan(struct loop_timer *timer, uint64_t now_us)
{
    struct library *library = CONTAINER_OF(timer, struct library, rescan);
    library_scan(library, (struct library_scan_options){0});
    loop_timer_start(library->loop, timer, now_us + library->rescan_us);
}

/* --- the loop's side --- */

/* Under the lock.  Returns the snapshot that was not yet taken, or NULL. */
static struct catalog *take_latest(struct library *library)
{
    struct catalog *latest = library->latest;
    library->latest = NULL;
    if (latest)
        swap_shelves(library->shelves, library->latest_shelves, library->root_count);
    return latest;
}

static void on_wake(struct loop_watch *watch, unsigned events, uint64_t now_us)
{
    (void)events;
    (void)now_us;
    struct library *library = CONTAINER_OF(watch, struct library, wake);
    uint64_t rung;
    (void)!read(watch->fd, &rung, sizeof rung);
    pthread_mutex_lock(&library->lock);
    struct catalog *latest = take_latest(library);
    pthread_mutex_unlock(&library->lock);
    if (latest) {
        catalog_unref(&library->catalog);
        library->catalog = latest;
        struct catalog_view all = {latest, CATALOG_ALL_LIBRARIES};
        atomic_store(&library->progress.tracks, catalog_count(all, CATALOG_TRACK));
        atomic_fetch_add(&library->progress.version, 1);
    }
    for (struct library_subscriber *each = library->subscribers, *next; each; each = next) {
        next = each->_next;
        each->on_change(each, latest != NULL);
    }
}

struct catalog *library_catalog(struct library *library) { return catalog_ref(library->catalog); }

const struct shelf *library_shelf(const struct library *library, int32_t root)
{
    for (size_t i = 0; i < library->root_count; i++)
        if (library->roots[i].id == root)
            return library->shelves[i];
    return NULL;
}

void library_subscribe(struct library *library, struct library_subscriber *subscriber)
{
    subscriber->_next = library->subscribers;
    library->subscribers = subscriber;
}

void library_unsubscribe(struct library *library, struct library_subscriber *subscriber)
{
    for (struct library_subscriber **at = &library->subscribers; *at; at = &(*at)->_next) {
        if (*at == subscriber) {
            *at = subscriber->_next;
            return;
        }
    }
}

void library_status(struct library *library, struct library_status *ret)
{
    const struct scan_progress *progress = &library->progress;
    pthread_mutex_lock(&library->lock);
    *ret = (struct library_status){.phase = (enum library_phase)atomic_load(&progress->phase),
                                   .files_seen = progress->seen,
                                   .files_estimate = library->estimate,
                                   .files_changed = progress->changed,
                                   .files_failed = progress->failed,
                                   .files_removed = progress->removed,
                                   .removal_refused = progress->refused,
                                   .tracks = progress->tracks,
                                   .started_ms = library->started_ms,
                                   .finished_ms = library->finished_ms,
                                   .version = progress->version,
                                   .watch_is_limited =
                                       library->watch && watch_is_limited(library->watch)};
    if ((library->is_wanted || library->is_running) && ret->phase == LIBRARY_IDLE)
        ret->phase = LIBRARY_WALKING; /* about to begin, or just ending */
    pthread_mutex_unlock(&library->lock);
}

const char *library_phase_name(enum library_phase phase)
{
    static const char *const names[] = {"idle", "walking", "building"};
    return names[phase];
}

/* --- from an id to the bytes --- */

void library_report(struct library *library, library_on_problem *on_problem, void *context)
{
    if (library->lookup.database)
        lookup_report(&library->lookup, on_problem, context);
}

int library_open_track(struct library *library, const uint8_t track_id[16],
                       struct library_file *ret)
{
    return library->lookup.database ? lookup_track(&library->lookup, track_id, ret) : -ENOENT;
}

int library_open_place(struct library *library, int32_t root, struct text path,
                       struct library_file *ret)
{
    if (!library->lookup.database)
        return -ENOENT;
    char *own = text_dup(path);
    struct lookup_place place = {root, own};
    int error = lookup_file(&library->lookup, &place, ret);
    mem_free(own);
    return error;
}

int library_read_lyrics(struct library *library, const uint8_t track_id[16], struct arena *arena,
                        const struct library_lyrics **ret_lyrics, size_t *ret_count)
{
    return library->lookup.database
               ? lookup_lyrics(&library->lookup, track_id, arena, ret_lyrics, ret_count)
               : -ENOENT;
}

int library_open_artwork(struct library *library, const uint8_t digest[16], uint32_t size_px,
                         enum library_art_format format, struct library_art *ret)
{
    return library->artwork ? artwork_open(library->artwork, digest, size_px, format, ret)
                            : -ENOENT;
}

int library_open_artwork_cached(struct library *library, const uint8_t digest[16], uint32_t size_px,
                                enum library_art_format format, struct library_art *ret)
{
    return library->artwork ? artwork_open_cached(library->artwork, digest, size_px, format, ret)
                            : -ENOENT;
}

/* --- digests of originals --- */

bool library_digest(struct library *library, const uint8_t track_id[16], uint64_t version,
                    int64_t changed_ns, uint8_t ret_sha256[LIBRARY_SHA256_BYTES])
{
    return library->digests &&
           digests_find(library->digests, track_id, version, changed_ns, ret_sha256);
}

void library_want_digest(struct library *library, const uint8_t track_id[16])
{
    if (library->digests)
        digests_want(library->digests, track_id);
}

static int open_to_digest(void *context, const uint8_t track_id[16], struct library_file *ret)
{
    return library_open_track(context, track_id, ret);
}

static bool may_digest(void *context)
{
    struct library *library = context;
    pthread_mutex_lock(&library->lock);
    bool scans = library->is_wanted || library->is_running;
    pthread_mutex_unlock(&library->lock);
    return !scans && background_machine_is_idle();
}

static int start_digests(struct library *library, uint64_t bytes_per_s, char why[256])
{
    char path[PATH_CHARACTERS];
    snprintf(path, sizeof path, "%s/library.db", library->state_folder);
    const struct digests_config config = {.path = path,
                                          .bytes_per_s = bytes_per_s,
                                          .rest_ms = DIGESTS_REST_MS,
                                          .open = open_to_digest,
                                          .is_idle = may_digest,
                                          .context = library};
    return bytes_per_s ? digests_start(&config, &library->digests, why) : 0;
}

/* --- life and death --- */

static int copy_roots(struct library *library, const struct library_config *config, char why[256])
{
    if (config->root_count > LIBRARY_MAX_ROOTS) {
        snprintf(why, 256, "at most %d libraries are possible", LIBRARY_MAX_ROOTS);
        return -E2BIG;
    }
    for (size_t i = 0; i < config->root_count; i++) {
        const struct library_root *root = &config->roots[i];
        for (size_t k = 0; k < i; k++) {
            if (config->roots[k].id == root->id) {
                snprintf(why, 256, "libraries \"%s\" and \"%s\" have the same id %d",
                         config->roots[k].name, root->name, root->id);
                return -EEXIST;
            }
        }
        if (root->id < 1 || root->id > 32) {
            snprintf(why, 256, "library \"%s\": the id must be 1 to 32", root->name);
            return -EINVAL;
        }
        struct scan_root *copy = &library->scan_roots[library->root_count];
        *copy = (struct scan_root){.id = root->id,
                                   .name = mem_strdup(root->name),
                                   .path = mem_strdup(root->path),
                                   .fd = -1};
        library->roots[library->root_count++] =
            (struct library_root){root->id, copy->name, copy->path};
        walk_places_add(&library->lookup.places, root->path);
    }
    for (size_t i = 0; i < config->allowed_place_count && i < LIBRARY_MAX_ALLOWED_PLACES; i++)
        walk_places_add(&library->lookup.places, config->allowed_places[i]);
    return 0;
}

static int open_databases(struct library *library, char why[256])
{
    char path[PATH_CHARACTERS];
    snprintf(path, sizeof path, "%s/library.db", library->state_folder);
    int error = file_make_dirs(AT_FDCWD, library->state_folder, 0700);
    if (error)
        snprintf(why, 256, "%s: %s", library->state_folder, strerrordesc_np(-error));
    if (!error)
        error = library_database_open(path, DATABASE_WRITE, &library->database, why);
    if (!error)
        error = library_database_open(path, DATABASE_READ, &library->lookup.database, why);
    return error;
}

static int open_depots(struct library *library, const struct library_config *from, char why[256])
{
    for (size_t i = 0; i < library->root_count; i++) {
        char folder[PATH_CHARACTERS], refused[256] = "";
        struct scan_root *root = &library->scan_roots[i];
        snprintf(folder, sizeof folder, "%s/catalog/%d", library->state_folder, root->id);
        struct depot_config config = {
            .folder = folder,
            .library = (uint8_t)root->id,
            .ignored_articles = text_of(from->ignored_articles ? from->ignored_articles : ""),
            .epoch = from->epoch,
            .after_number = (uint64_t)clock_unix_ms() / 1000,
            .keep_s = from->catalog_keep_s,
        };
        int error = file_make_dirs(AT_FDCWD, folder, 0700);
        if (!error)
            error = depot_open(&config, &root->depot, refused);
        if (error) {
            snprintf(why, 256, "%.200s: %s", folder, strerrordesc_np(-error));
            return error;
        }
        if (*refused)
            LOG(library->logger, LOG_WARNING, "a damaged catalogue was refused; it is built anew",
                {"library", text_of(root->name)}, {"why", text_of(refused)});
        if (*refused || depot_version(root->depot) == 0)
            database_set_meta(library->database, "unpublished", 1);
    }
    return 0;
}

static void take_first_snapshot(struct library *library)
{
    struct depot *depots[LIBRARY_MAX_ROOTS];
    for (size_t i = 0; i < library->root_count; i++) {
        depots[i] = library->scan_roots[i].depot;
        library->shelves[i] = depot_shelf(depots[i]);
    }
    library->catalog = depot_snapshot(depots, library->root_count);
    struct catalog_view all = {library->catalog, CATALOG_ALL_LIBRARIES};
    library->progress.tracks = catalog_count(all, CATALOG_TRACK);
    library->progress.version = 1;
    library->estimate = library->progress.tracks;
}

static int listen_to_wake(struct library *library)
{
    library->wake = (struct loop_watch){
        .on_events = on_wake, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .wanted = LOOP_READ};
    return library->wake.fd < 0 ? -errno : loop_watch_add(library->loop, &library->wake);
}

static int start(struct library *library, const struct library_config *config, char why[256])
{
    library->artwork =
        artwork_new(&(struct artwork_config){.lookup = &library->lookup,
                                             .media = config->media,
                                             .state_folder = library->state_folder,
                                             .max_bytes = config->artwork_cache_bytes});
    library->environment = (struct scan_environment){.database = library->database,
                                                     .media = config->media,
                                                     .logger = library->logger,
                                                     .roots = library->scan_roots,
                                                     .root_count = library->root_count,
                                                     .places = &library->lookup.places,
                                                     .progress = &library->progress,
                                                     .is_cancelled = &library->is_cancelled,
                                                     .on_folder = entered,
                                                     .on_published = published,
                                                     .context = library};
    int error = listen_to_wake(library);
    if (!error && config->watch)
        library->watch = watch_new(&(struct watch_config){.loop = library->loop,
                                                          .on_folder = folder_changed,
                                                          .on_everything = all_changed,
                                                          .context = library});
    if (!error)
        error = -pthread_create(&library->thread, NULL, scan_thread, library);
    library->has_thread = !error;
    if (error)
        snprintf(why, 256, "the scanner cannot start: %s", strerrordesc_np(-error));
    if (!error && config->rescan_minutes) {
        library->rescan.on_timer = on_rescan;
        library->rescan_us = (uint64_t)config->rescan_minutes * 60000000;
        loop_timer_start(library->loop, &library->rescan,
                         loop_now_us(library->loop) + library->rescan_us);
    }
    return error;
}

static struct library *new_library(struct loop *loop, const struct logger *logger)
{
    struct library *library = MEM_NEW(struct library);
    library->loop = loop;
    library->logger = logger;
    library->wake.fd = -1;
    pthread_mutex_init(&library->lock, NULL);
    pthread_cond_init(&library->work, NULL);
    pthread_mutex_init(&library->lookup.lock, NULL);
    return library;
}

int library_open_copy(struct loop *loop, const struct logger *logger, struct library **ret_library,
                      char ret_why[256])
{
    struct library *library = new_library(loop, logger);
    for (int32_t i = 0; i < LIBRARY_MAX_ROOTS; i++)
        library->roots[i] = (struct library_root){i + 1, "", ""};
    library->root_count = LIBRARY_MAX_ROOTS;
    library->catalog = depot_snapshot(NULL, 0);
    int error = listen_to_wake(library);
    if (error) {
        snprintf(ret_why, 256, "the catalogue's copy cannot wake the loop: %s",
                 strerrordesc_np(-error));
        library_close(&library);
        return error;
    }
    *ret_library = library;
    return 0;
}

int library_open(const struct library_config *config, struct library **ret_library,
                 char ret_why[256])
{
    struct library *library = new_library(config->loop, config->logger);
    library->state_folder = mem_strdup(config->state_folder);
    *ret_why = '\0';
    int error = copy_roots(library, config, ret_why);
    library->lookup.roots = library->roots;
    library->lookup.root_count = library->root_count;
    if (!error)
        error = open_databases(library, ret_why);
    if (!error)
        error = open_depots(library, config, ret_why);
    if (!error) {
        take_first_snapshot(library);
        error = start_digests(library, config->digest_bytes_per_s, ret_why);
    }
    if (!error)
        error = start(library, config, ret_why);
    if (error)
        library_close(&library);
    else
        *ret_library = library;
    return error;
}

static void stop_thread(struct library *library)
{
    atomic_store(&library->is_cancelled, true);
    pthread_mutex_lock(&library->lock);
    library->is_stopping = true;
    pthread_cond_signal(&library->work);
    pthread_mutex_unlock(&library->lock);
    if (library->has_thread)
        pthread_join(library->thread, NULL);
}

void library_close(struct library **library_p)
{
    struct library *library = *library_p;
    if (!library)
        return;
    stop_thread(library);
    digests_stop(&library->digests);
    loop_timer_stop(&library->rescan);
    watch_free(&library->watch);
    if (library->wake.fd >= 0) {
        loop_watch_remove(&library->wake);
        close(library->wake.fd);
    }
    drop_targets(library);
    catalog_unref(&library->latest);
    catalog_unref(&library->catalog);
    drop_shelves(library->latest_shelves, library->root_count);
    drop_shelves(library->shelves, library->root_count);
    artwork_free(&library->artwork);
    library_database_close(&library->database);
    library_database_close(&library->lookup.database);
    walk_places_release(&library->lookup.places);
    for (size_t i = 0; i < library->root_count; i++) {
        depot_close(&library->scan_roots[i].depot);
        mem_free(library->scan_roots[i].name);
        mem_free(library->scan_roots[i].path);
    }
    pthread_mutex_destroy(&library->lookup.lock);
    pthread_cond_destroy(&library->work);
    pthread_mutex_destroy(&library->lock);
    mem_free(library->state_folder);
    mem_free(library);
    *library_p = NULL;
}

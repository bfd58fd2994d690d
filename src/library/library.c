// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * library: the loop's side.
 *
 *   loop                                    scan thread (scanner.c), or whoever follows another
 * node library_scan() ───────────────────────▶ scanner_want() swap edition, tell subscribers
 * ◀─────── library_show(): latest, eventfd
 *
 * `lock` guards `latest` and `latest_ms`.  Depots and the writing database belong to the scan
 * thread from its start on.
 */
#include "library/library.h"
#include "base/mem.h"
#include "catalog/catalog.h"
#include "io/background.h"
#include "io/file.h"
#include "library/artwork.h"
#include "library/digests.h"
#include "library/lookup.h"
#include "library/roots.h"
#include "library/scanner.h"
#include "library/watch.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { PATH_CHARACTERS = 4096, DIGESTS_REST_MS = 10000 };

/* A catalogue, and its libraries' shelves by id - 1. */
struct edition {
    struct catalog *catalog; /* NULL: none */
    struct shelf *shelves[LIBRARY_MAX_ROOTS];
};

struct library {
    struct loop *loop;
    char *state_folder;
    struct roots roots;
    struct lookup lookup;
    struct database *database; /* NULL: a copy, whose origin has what lies behind it */
    struct scanner *scanner;   /* NULL: a copy */
    struct artwork *artwork;   /* NULL: a copy */
    struct digests *digests;   /* NULL: not wanted */
    struct watch *watch;       /* NULL: not wanted, or the kernel has none */
    struct edition current;
    struct library_subscriber *subscribers;
    _Atomic uint64_t tracks, version; /* of `current` */
    struct loop_watch wake;           /* eventfd: there is news from other threads */
    struct loop_timer rescan;
    uint64_t rescan_us;

    pthread_mutex_t lock;
    struct edition latest; /* without a catalogue: the loop has taken it */
    int64_t latest_ms;     /* when it was published; of a copy */
};

static void edition_release(struct edition *edition)
{
    catalog_unref(&edition->catalog);
    for (size_t i = 0; i < LIBRARY_MAX_ROOTS; i++)
        shelf_unref(&edition->shelves[i]);
}

/* When the newest of its shelves was written. */
static int64_t edition_ms(const struct edition *edition)
{
    int64_t newest_s = 0;
    for (size_t i = 0; i < LIBRARY_MAX_ROOTS; i++) {
        const struct shelf *shelf = edition->shelves[i];
        if (shelf && shelf_current(shelf)->published_s > newest_s)
            newest_s = shelf_current(shelf)->published_s;
    }
    return newest_s * 1000;
}

/* --- from other threads --- */

static void ring(struct library *library)
{
    uint64_t one = 1;
    (void)!write(library->wake.fd, &one, sizeof one);
}

void library_show(struct library *library, struct catalog *catalog,
                  struct shelf *shelves[LIBRARY_MAX_ROOTS])
{
    struct edition shown = {.catalog = catalog};
    memcpy(shown.shelves, shelves, sizeof shown.shelves);
    pthread_mutex_lock(&library->lock);
    struct edition unseen = library->latest;
    library->latest = shown;
    library->latest_ms = edition_ms(&shown);
    pthread_mutex_unlock(&library->lock);
    edition_release(&unseen);
    if (library->digests)
        digests_look_again(library->digests);
    ring(library);
}

static void published(void *context)
{
    struct library *library = context;
    struct shelf *shelves[LIBRARY_MAX_ROOTS];
    struct catalog *catalog = roots_published(&library->roots, shelves);
    library_show(library, catalog, shelves);
}

static void entered(void *context, int32_t root, const char *path, int folder_fd)
{
    struct library *library = context;
    if (library->watch)
        watch_add(library->watch, root, path, folder_fd);
}

static void turned(void *context) { ring(context); }

/* --- requests --- */

void library_scan(struct library *library, struct library_scan_options options)
{
    if (library->scanner) /* a copy's origin scans */
        scanner_want(library->scanner, options);
}

static void folder_changed(void *context, int32_t root, const char *path, bool is_deep)
{
    struct library *library = context;
    scanner_want_folder(library->scanner, root, path, is_deep);
}

static void all_changed(void *context) { library_scan(context, (struct library_scan_options){0}); }

static void on_rescan(struct loop_timer *timer, uint64_t now_us)
{
    struct library *library = CONTAINER_OF(timer, struct library, rescan);
    library_scan(library, (struct library_scan_options){0});
    loop_timer_start(library->loop, timer, now_us + library->rescan_us);
}

/* --- the loop's side --- */

static void take(struct library *library, const struct edition *latest)
{
    edition_release(&library->current);
    library->current = *latest;
    struct catalog_view all = {latest->catalog, CATALOG_ALL_LIBRARIES};
    atomic_store(&library->tracks, catalog_count(all, CATALOG_TRACK));
    atomic_fetch_add(&library->version, 1);
}

static void on_wake(struct loop_watch *watch, unsigned events, uint64_t now_us)
{
    (void)events;
    (void)now_us;
    struct library *library = CONTAINER_OF(watch, struct library, wake);
    uint64_t rung;
    (void)!read(watch->fd, &rung, sizeof rung);
    pthread_mutex_lock(&library->lock);
    struct edition latest = library->latest;
    library->latest = (struct edition){0};
    pthread_mutex_unlock(&library->lock);
    bool is_new = latest.catalog != NULL;
    if (is_new)
        take(library, &latest);
    for (struct library_subscriber *each = library->subscribers, *next; each; each = next) {
        next = each->_next;
        each->on_change(each, is_new);
    }
}

struct catalog *library_catalog(struct library *library)
{
    return catalog_ref(library->current.catalog);
}

const struct shelf *library_shelf(const struct library *library, int32_t root)
{
    bool is_possible = root >= 1 && root <= LIBRARY_MAX_ROOTS;
    return is_possible ? library->current.shelves[root - 1] : NULL;
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
    *ret = (struct library_status){.phase = LIBRARY_IDLE};
    if (library->scanner) {
        scanner_status(library->scanner, ret);
    } else { /* nobody scans here: what came is what was found */
        pthread_mutex_lock(&library->lock);
        ret->finished_ms = library->latest_ms;
        pthread_mutex_unlock(&library->lock);
    }
    ret->tracks = library->tracks;
    ret->version = library->version;
    ret->watch_is_limited = library->watch && watch_is_limited(library->watch);
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
    return !scanner_is_busy(library->scanner) && background_machine_is_idle();
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

static void add_places(struct library *library, const struct library_config *config)
{
    struct walk_places *places = &library->lookup.places;
    for (size_t i = 0; i < library->roots.count; i++)
        walk_places_add(places, library->roots.named[i].path);
    for (size_t i = 0; i < config->allowed_place_count && i < LIBRARY_MAX_ALLOWED_PLACES; i++)
        walk_places_add(places, config->allowed_places[i]);
}

/* Everything that is read: the databases, and what was published last. */
static int open_files(struct library *library, const struct library_config *config, char why[256])
{
    int error = roots_init(&library->roots, config, why);
    library->lookup.roots = library->roots.named;
    library->lookup.root_count = library->roots.count;
    if (error)
        return error;
    add_places(library, config);
    error = open_databases(library, why);
    bool is_unpublished;
    if (!error)
        error = roots_open_depots(&library->roots, config, &is_unpublished, why);
    if (error)
        return error;
    if (is_unpublished)
        database_set_meta(library->database, "unpublished", 1);
    struct edition first = {0};
    first.catalog = roots_published(&library->roots, first.shelves);
    take(library, &first);
    return 0;
}

static int listen_to_wake(struct library *library)
{
    library->wake = (struct loop_watch){
        .on_events = on_wake, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .wanted = LOOP_READ};
    return library->wake.fd < 0 ? -errno : loop_watch_add(library->loop, &library->wake);
}

static int start_scanner(struct library *library, const struct library_config *config)
{
    const struct scanner_config scanner = {
        .environment = {.database = library->database,
                        .media = config->media,
                        .logger = config->logger,
                        .roots = library->roots.scanned,
                        .root_count = library->roots.count,
                        .places = &library->lookup.places,
                        .on_folder = entered,
                        .on_published = published,
                        .context = library},
        .estimate = library->tracks,
        .on_turn = turned,
    };
    return scanner_start(&scanner, &library->scanner);
}

static int start(struct library *library, const struct library_config *config, char why[256])
{
    library->artwork =
        artwork_new(&(struct artwork_config){.lookup = &library->lookup,
                                             .media = config->media,
                                             .state_folder = library->state_folder,
                                             .max_bytes = config->artwork_cache_bytes});
    int error = listen_to_wake(library);
    if (!error && config->watch)
        library->watch = watch_new(&(struct watch_config){.loop = library->loop,
                                                          .on_folder = folder_changed,
                                                          .on_everything = all_changed,
                                                          .context = library});
    if (!error)
        error = start_scanner(library, config);
    if (error) {
        snprintf(why, 256, "the scanner cannot start: %s", strerrordesc_np(-error));
        return error;
    }
    if (config->rescan_minutes) {
        library->rescan.on_timer = on_rescan;
        library->rescan_us = (uint64_t)config->rescan_minutes * 60000000;
        loop_timer_start(library->loop, &library->rescan,
                         loop_now_us(library->loop) + library->rescan_us);
    }
    return start_digests(library, config->digest_bytes_per_s, why);
}

static struct library *new_library(struct loop *loop)
{
    struct library *library = MEM_NEW(struct library);
    library->loop = loop;
    library->wake.fd = -1;
    pthread_mutex_init(&library->lock, NULL);
    pthread_mutex_init(&library->lookup.lock, NULL);
    return library;
}

int library_open_copy(struct loop *loop, struct library **ret_library, char ret_why[256])
{
    struct library *library = new_library(loop);
    library->current.catalog = depot_snapshot(NULL, 0);
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
    struct library *library = new_library(config->loop);
    library->state_folder = mem_strdup(config->state_folder);
    *ret_why = '\0';
    int error = open_files(library, config, ret_why);
    if (!error)
        error = start(library, config, ret_why);
    if (error)
        library_close(&library);
    else
        *ret_library = library;
    return error;
}

void library_close(struct library **library_p)
{
    struct library *library = *library_p;
    if (!library)
        return;
    scanner_stop(library->scanner); /* it tells the digests of news, they ask whether it is busy */
    digests_stop(&library->digests);
    scanner_free(&library->scanner);
    loop_timer_stop(&library->rescan);
    watch_free(&library->watch);
    if (library->wake.fd >= 0) {
        loop_watch_remove(&library->wake);
        close(library->wake.fd);
    }
    edition_release(&library->latest);
    edition_release(&library->current);
    artwork_free(&library->artwork);
    library_database_close(&library->database);
    library_database_close(&library->lookup.database);
    walk_places_release(&library->lookup.places);
    roots_release(&library->roots);
    pthread_mutex_destroy(&library->lookup.lock);
    pthread_mutex_destroy(&library->lock);
    mem_free(library->state_folder);
    mem_free(library);
    *library_p = NULL;
}

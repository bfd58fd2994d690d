// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/node.h"

#include "base/guard.h"
#include "base/log.h"
#include "edge/forwarded_mark.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/workers.h"
#include "library/loudness.h"
#include "media/packager.h"
#include "media/pool.h"
#include "programs/folder_lock.h"
#include "programs/folder_role.h"
#include "state/state.h"
#include "trust/breached.h"
#include "trust/keyfolder.h"
#include "trust/keys.h"
#include "trust/node_book.h"
#include <errno.h>
#include <limits.h>
#include <unistd.h>

enum {
    PASSWORD_THREADS = 2,
    PASSWORD_QUEUE_UNGUARDED = 1 << 16,
    WORKER_THREADS = 4,
    WORKER_QUEUE = 1024,
    AWAIT_TRIES = 10000, /* about ten seconds */
};

static bool has_file(const struct settings *settings, const char *name)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", settings->data, name);
    return access(path, F_OK) == 0;
}

static int open_state(struct node *node, struct buffer *why)
{
    char path[PATH_MAX];
    struct keys_error keys_error = {""};
    struct state_error state_error = {""};
    (void)snprintf(path, sizeof path, "%s/keys", node->settings->data);
    const struct key_place place = {path, getenv("CREDENTIALS_DIRECTORY")}; /* systemd.exec(5) */
    int error = keys_open(&place, true, &node->keys, &keys_error);
    if (error == 0)
        error = keyfolder_open(&place, true, clock_unix_ms() / 1000, &node->keyfolder, &keys_error);
    const struct node_book_limits limits = {node->settings->max_edges, node->settings->max_invites};
    if (error == 0)
        error = node_book_open(&place, &limits, &node->book, &keys_error);
    if (error < 0) {
        buffer_printf(why, "%s", keys_error.words);
        return error;
    }
    struct state_forwarded kept = {.lsn = 0};
    forwarded_mark_read(node->settings->data, &kept.journal, &kept.lsn);
    const struct state_config config = {
        .kept = has_file(node->settings, "promoted") ? &kept : NULL,
        /* restored: it was no edge, and becomes none (sostenuto demote) */
        .kept_for_offers = !has_file(node->settings, "keys/joined.before-promote"),
        .folder = node->settings->data,
        .keys = node->keys,
        .loop = node->loop,
        .logger = node->logger,
        .now_ms = clock_unix_ms(),
        .database = node->settings->database,
        .record_bounds = {.connect_ms = (int64_t)node->settings->database_connect_seconds * 1000,
                          .answer_ms = (int64_t)node->settings->database_answer_seconds * 1000,
                          .max_names = (size_t)node->settings->max_names_waiting},
    };
    error = state_open(&config, &node->state, &state_error);
    if (error < 0)
        buffer_printf(why, "%s", state_error.words);
    return error;
}

/* A server without its list is better than none: it says so, and check-config too. */
static void open_breached(struct node *node)
{
    char words[BREACHED_WHY_BYTES];
    const char *path = node->settings->breached_passwords;
    if (path[0] && breached_open(path, &node->breached, words) != 0)
        LOG(node->logger, LOG_ERROR, "passwords are not looked up in a list of breached ones",
            {"why", text_of(words)});
}

int node_open(struct node *node, const struct settings *settings, const struct logger *logger,
              struct loop *loop, struct buffer *why)
{
    *node = (struct node){.settings = settings, .logger = logger, .loop = loop, .lock_fd = -1};
    if (!folder_may_be_origin(settings->data, why))
        return -EINVAL;
    node->lock_fd = folder_lock(settings->data, why);
    int error = node->lock_fd < 0 ? node->lock_fd : open_state(node, why);
    if (error < 0)
        return error;
    open_breached(node);
    node->passwords =
        workers_start("passwords", PASSWORD_THREADS,
                      guard_is_on(GUARD_PASSWORD_QUEUE) ? settings->max_passwords_waiting
                                                        : PASSWORD_QUEUE_UNGUARDED);
    node->workers = workers_start("workers", WORKER_THREADS, WORKER_QUEUE);
    return 0;
}

/* sostenuto-media lies beside sostenuto, or where it was installed; tests and drills name another.
 */
static void find_media_worker(char *ret_path, size_t capacity)
{
    const char *named = getenv("SOSTENUTO_MEDIA_WORKER");
    char self[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    if (named) {
        (void)snprintf(ret_path, capacity, "%s", named);
        return;
    }
    while (size > 0 && self[size - 1] != '/')
        size--;
    (void)snprintf(ret_path, capacity, "%.*ssostenuto-media", (int)(size > 0 ? size : 0), self);
    if (access(ret_path, X_OK) != 0)
        (void)snprintf(ret_path, capacity, SOSTENUTO_LIBEXEC_DIR "/sostenuto-media");
}

static int start_media(struct node *node, struct buffer *why)
{
    char worker[PATH_MAX];
    find_media_worker(worker, sizeof worker);
    if (access(worker, X_OK) != 0) {
        buffer_printf(why, "sostenuto-media is missing: %s; it belongs beside sostenuto", worker);
        return -ENOENT;
    }
    const struct media_config config = {
        .worker_path = worker,
        .probe_workers = node->settings->media_workers,
        .max_transcodes = node->settings->max_transcodes,
        .is_background = true,
    };
    node->media = media_pool_start(&config);
    return 0;
}

static void on_loudness(void *context, const uint8_t track[16], const struct packets_end *end)
{
    const struct loudness loudness = {end->loudness_mlufs, end->peak_ppm};
    loudness_note(context, track, &loudness, end->blocks);
}

/* After the library, which makes library.db. */
static int open_loudness(struct node *node, struct buffer *why)
{
    char path[PATH_MAX], words[LOUDNESS_WHY_BYTES] = "";
    (void)snprintf(path, sizeof path, "%s/library.db", node->settings->data);
    int error = loudness_open(path, &node->loudness, words);
    if (error < 0)
        buffer_text(why, text_of(words));
    return error;
}

int node_open_renditions(struct node *node, struct buffer *why)
{
    char worker[PATH_MAX], folder[PATH_MAX];
    int error = open_loudness(node, why);
    if (error < 0)
        return error;
    find_media_worker(worker, sizeof worker);
    (void)snprintf(folder, sizeof folder, "%s/cache/renditions", node->settings->data);
    const struct packager_config config = {
        .worker_path = worker,
        .folder = folder,
        .max_bytes = (uint64_t)node->settings->renditions_cache_mib << 20,
        .max_encodes = node->settings->max_encodes,
        .max_queued = node->settings->max_encodes_queued,
        .max_queued_per_listener = node->settings->max_encodes_queued_per_listener,
        .max_silence_ms = node->settings->encode_silence_seconds * 1000,
        .logger = node->logger,
        .on_loudness = on_loudness,
        .context = node->loudness,
    };
    error = packager_start(&config, &node->packager);
    if (error < 0)
        buffer_printf(why, "cannot use %s: %.*s", folder, TEXT_ARGS(log_errno(error)));
    return error;
}

int node_open_library(struct node *node, bool serves, struct buffer *why)
{
    const struct settings *settings = node->settings;
    char words[256] = "";
    int error = libraries_settle(&node->libraries, settings, why);
    if (error == 0)
        error = start_media(node, why);
    if (error < 0)
        return error;
    const struct library_config config = {
        .roots = node->libraries.roots,
        .root_count = node->libraries.count,
        .allowed_places = (const char *const *)settings->allowed_places.items,
        .allowed_place_count = settings->allowed_places.count,
        .state_folder = settings->data,
        .media = node->media,
        .loop = node->loop,
        .logger = node->logger,
        .ignored_articles = settings->ignored_articles,
        .watch = settings->watch,
        .rescan_minutes = settings->rescan_minutes,
        .artwork_cache_bytes = (uint64_t)settings->artwork_cache_mib << 20,
        .epoch = node->state ? state_health(node->state).epoch : 1,
        .catalog_keep_s = settings->catalog_keep_minutes * 60,
        .digest_bytes_per_s = serves ? (uint64_t)settings->digest_mib_s << 20 : 0,
    };
    error = library_open(&config, &node->library, words);
    if (error < 0)
        buffer_printf(why, "%s", words);
    return error;
}

static void stop_loop(void *context)
{
    struct loop *loop = context;
    loop_stop(loop);
}

void node_settle(struct loop *loop)
{
    loop_post(loop, stop_loop, loop);
    loop_run(loop);
}

/* A write is durable within milliseconds, or refused; a disk that hangs is not waited for without
 * end. */
static void await_state(struct node *node)
{
    for (int tries = 0; node->state && !state_is_idle(node->state) && tries < AWAIT_TRIES;
         tries++) {
        node_settle(node->loop);
        usleep(1000);
    }
}

void node_stop_workers(struct node *node)
{
    await_state(node);
    workers_stop(&node->workers);
    workers_stop(&node->passwords);
    node_settle(node->loop);
    await_state(node);
}

static void unlock(struct node *node)
{
    if (node->lock_fd >= 0)
        (void)close(node->lock_fd);
    node->lock_fd = -1;
}

void node_let_go(struct node *node)
{
    library_close(&node->library);
    state_close(&node->state);
    unlock(node);
}

void node_close(struct node *node)
{
    library_close(&node->library);
    media_pool_stop(&node->media);
    libraries_release(&node->libraries);
    if (node->workers)
        node_stop_workers(node);
    packager_stop(&node->packager);
    loudness_close(&node->loudness);
    state_close(&node->state);
    node_book_close(&node->book);
    keyfolder_close(&node->keyfolder);
    keys_free(&node->keys);
    breached_close(&node->breached);
    unlock(node);
}

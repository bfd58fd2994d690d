// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include "catalog/depot.h"
#include "library/database.h"
#include "library/groups.h"
#include "library/library.h"
#include "library/numbers.h"
#include "library/walk.h"
#include "media/pool.h"
#include <stdatomic.h>

/*
 * scan: one pass over the roots (or over some folders), from files to a published catalogue.
 *
 *   scan_folder.c   one folder: names against library.db; changed files go to probe.c
 *   probe.c         what the worker said becomes a row of `files`
 *   settle.c        moved, duplicate, gone?  ids; albums and artists (groups.c)
 *   publish.c       changed tracks and the albums, artists, folders around them become a new
 * segment
 *
 * Runs whole on the scan thread; other threads see `progress` only.
 */
struct scan_progress {
    _Atomic uint64_t seen, changed, failed, removed, refused, tracks, version;
    _Atomic int phase; /* enum library_phase */
};

struct scan_root {
    int32_t id;
    char *name, *path;
    struct depot *depot;
    /* of the scan under way */
    int fd;          /* -1: could not be opened */
    uint64_t before; /* tracks that it had; counted by scans of everything */
};

struct scan_environment {
    struct database *database;
    struct media_pool *media;
    const struct logger *logger;
    struct scan_root *roots;
    size_t root_count;
    const struct walk_places *places;
    struct scan_progress *progress;
    const atomic_bool *is_cancelled;
    /* Called for every folder entered, before it is read (the watch), and when a catalogue was
     * published. */
    void (*on_folder)(void *context, int32_t root, const char *path, int folder_fd);
    void (*on_published)(void *context);
    void *context;
};

struct scan_target { /* a folder to look into; without the known ones beneath it, unless deep */
    int32_t root;
    char *path;
    bool is_deep;
};
struct scan_request {
    bool full, allow_removal;
    const struct scan_target *targets; /* NULL: everything */
    size_t target_count;
};

/* 0; -ECANCELED; or the failure that ended the scan (disk full, database damaged): what was
 * published stays. */
int scan_run(const struct scan_environment *environment,
             const struct scan_request *request) MUST_USE;

/* --- shared by the files above --- */

enum gone_outcome {
    GONE_BACK,      /* turned up elsewhere in its root, or kept because so many seem gone */
    GONE_ELSEWHERE, /* turned up in another root */
    GONE_LOST
};
struct gone_file {
    int64_t file, folder;
    int32_t root;
    bool is_vanished;          /* else: other audio stands under its name now */
    enum gone_outcome outcome; /* settle.c's */
    struct catalog_id track;
};

struct changes {
    struct number_list files;   /* present rows: new, read anew, adopted */
    struct number_set file_set; /* the same */
    struct gone_file *gone;     /* rows detached by this scan */
    size_t gone_count, gone_capacity;
    struct number_list gone_folders; /* rows of folders that are no more */
    struct number_set pictures;      /* folders whose cover or artist image changed */
    struct number_set albums;        /* settle.c's: to be published with their changed files */
    struct number_set grouped;       /* of `files`: given to the scan's groups already */
    bool has_unsettled;              /* rows whose track settle.c must find */
    bool everything;                 /* publish all anew (first catalogue, recovery) */
};
void changes_add_file(struct changes *changes, int64_t file);
void changes_add_gone(struct changes *changes, const struct gone_file *gone);
bool changes_any(const struct changes *changes);
void changes_reset(struct changes *changes);

struct scan {
    const struct scan_environment *environment;
    struct scan_request request;
    int64_t now_ms;
    struct changes changes;
    struct media_batch *batch;
    struct arena *scratch; /* of one folder */
    struct buffer encoded; /* of one info */
    struct groups *groups; /* of the changes; made when first needed, gone once they are settled */
    struct number_set entered; /* folders, by hash of (device, inode) */
    struct number_set visited; /* rows of folders that exist */
    struct number_set kept;    /* rows of folders that could not be read: what lies beneath stays */
    struct scan_pending *pending;
    size_t pending_count, pending_capacity;
    uint32_t uncommitted;
    int error; /* of a commit: rows that we count on are gone, so the scan must end */
    uint64_t published_us;
};

struct scan_pending {
    struct scan_root *root;
    char *path;
    int64_t parent;
    bool is_through_link, is_shallow;
};
void scan_push(struct scan *scan, struct scan_root *root, const char *path, int64_t parent,
               bool is_link);

/* scan_folder.c */
void scan_folder(struct scan *scan, const struct scan_pending *pending);

/* probe.c: the file is open; takes over `fd`. */
struct probe_file {
    int64_t folder, known; /* known: its row, 0 when new */
    int32_t root;
    bool is_known_good, has_sidecar;
    bool is_restated; /* size, date or inode differ from the row's */
    struct text name, folder_path;
    struct stat status;
};
void probe_submit(struct scan *scan, const struct probe_file *file, int fd);
enum probe_trouble {
    PROBE_PASSING, /* no permission, no worker: a track stays listed; the next scan looks again */
    PROBE_LASTING, /* not listed, and left alone until the file changes */
    PROBE_OUTSIDE, /* not listed, as it may not be opened; the next scan looks again */
};
void probe_failed(struct scan *scan, const struct probe_file *file, const char *reason,
                  enum probe_trouble trouble);
/* The same bytes under another name: no need to read them again.  False when they are not known. */
bool probe_twin(struct scan *scan, const struct probe_file *file);
media_on_probed probe_done;
void probe_commit_sometimes(struct scan *scan);
int64_t probe_mtime_ns(const struct stat *status);

/* settle.c: within a transaction */
void settle(struct scan *scan);

/* publish.c: within a transaction; writes the depots. */
int publish(struct scan *scan) MUST_USE;

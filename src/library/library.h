// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "base/log.h"
#include "io/loop.h"

/*
 * library: folders of music in, a catalogue out, and the way back from an id to the bytes.
 *
 * One `struct library` serves all of a node's libraries (OpenSubsonic's music folders; each has one
 * root folder and a small integer id).  A scan thread of its own walks the roots, asks
 * sostenuto-media processes about changed files, keeps library.db, and hands a new catalogue
 * snapshot to the loop whenever something changed.  People's files are only ever read.
 *
 * Threads: open, close, subscribe and catalog belong to the loop's thread.  Functions marked ANY
 * may be called from every thread; those marked BLOCKS wait for a disk (or a process) and belong on
 * a worker. Errors: 0 or -errno; -ENOENT for an id that is unknown or whose file is gone. Ids and
 * digests are the 16 bytes of catalog/id.h.
 */
struct library;
struct catalog; /* catalog/catalog.h: an immutable, reference-counted snapshot over all libraries */
struct media_pool; /* media/pool.h */

enum {
    LIBRARY_MAX_ROOTS = 32, /* and the largest id */
    LIBRARY_MAX_ALLOWED_PLACES = 32,
    LIBRARY_MAX_REPORT = 10000, /* problems kept; the rest is only counted */
};

struct library_root {
    int32_t id;       /* 1 to 32; part of every listener's rights, so keep it for good */
    const char *name; /* what people see: "Music" */
    const char *path; /* absolute */
};

/* All borrowed; strings are copied by library_open(). */
struct library_config {
    const struct library_root *roots;
    size_t root_count;
    /*
     * Symbolic links are followed when they end inside a root or inside one of these absolute
     * folders ("/" allows every place); other links are named in the scan report.
     */
    const char *const *allowed_places;
    size_t allowed_place_count;
    const char *state_folder; /* library.db, catalog/ and cache/art/ live here */
    struct media_pool *media;
    struct loop *loop;
    const struct logger *logger; /* may be NULL */
    const char
        *ignored_articles;   /* "The El La Los Las Le Les Der Die Das"; NULL for that default */
    bool watch;              /* inotify: a change in a folder is seen within seconds */
    uint32_t rescan_minutes; /* also look everywhere this often; 0 never */
    uint64_t artwork_cache_bytes; /* 0 for the default, 1 GiB */
    uint64_t epoch;               /* of the state; raised by a restore (catalog/depot.h) */
    uint32_t catalog_keep_s;      /* how long replaced lists of the catalogue stay readable */
    uint64_t digest_bytes_per_s;  /* how fast originals are read for their digests; 0: never */
};

/*
 * Of a node that follows another's catalogue: no roots, no database, no scan.  It has what
 * library_show() gave it, and nothing lies behind its ids: every way to bytes is -ENOENT.
 */
int library_open_copy(struct loop *loop, struct library **ret_library, char ret_why[256]) MUST_USE;
/* ANY: from now on this is the catalogue, and these are its libraries' shelves, by id - 1 (NULL:
 * there is no such library).  Takes over all references; the loop's subscribers hear soon. */
struct catalog;
struct shelf;
void library_show(struct library *library, struct catalog *catalog,
                  struct shelf *shelves[LIBRARY_MAX_ROOTS]);

/*
 * Opens library.db and the last good catalogue at once; does not scan by itself (call
 * library_scan). On failure (-errno; the database is damaged or newer than us, a root's id is taken
 * twice) a line for people is copied into `ret_why`.
 */
int library_open(const struct library_config *config, struct library **ret_library,
                 char ret_why[256]) MUST_USE;
void library_close(struct library **library); /* stops a scan under way; accepts NULL inside */

/* --- scanning (ANY) --- */
struct library_scan_options {
    bool full;          /* read every file again, not only those whose stat changed */
    bool allow_removal; /* believe that a fifth or more of a library is really gone */
};
/* Starts a scan, or notes that another one must follow the one under way.  Never blocks. */
void library_scan(struct library *library, struct library_scan_options options);

enum library_phase {
    LIBRARY_IDLE,
    LIBRARY_WALKING, /* finding files, reading tags of changed ones as they are found */
    LIBRARY_BUILDING /* ids, albums, artists, catalogue */
};
struct library_status {
    enum library_phase phase;
    uint64_t files_seen;     /* audio files found so far by this scan, or by the last one */
    uint64_t files_estimate; /* how many there probably are; 0 unknown (first scan) */
    uint64_t files_changed;  /* new, changed or moved */
    uint64_t files_failed;   /* now in the report */
    uint64_t files_removed;
    uint64_t
        removal_refused;   /* files that seem gone but are kept until a scan with allow_removal */
    uint64_t tracks;       /* in the catalogue now */
    int64_t started_ms;    /* Unix time of this or the last scan; 0 never */
    int64_t finished_ms;   /* of the last finished scan; 0 never */
    uint64_t version;      /* grows by one with every catalogue */
    bool watch_is_limited; /* the kernel's inotify limits were too low: changes wait for the next
                              rescan */
};
void library_status(struct library *library, struct library_status *ret);
const char *library_phase_name(enum library_phase phase);

/*
 * Calls `on_problem` for every file or folder of the last scan that could not be used, in order of
 * path, until it returns false.  BLOCKS briefly.  Path (shown as valid UTF-8) and reason are
 * borrowed during the call.
 */
struct library_problem {
    int32_t root;
    struct text path;   /* relative to the root; "" is the root itself */
    struct text reason; /* for people: "not an audio file", "crashed the tag reader" */
};
typedef bool library_on_problem(void *context, const struct library_problem *problem);
void library_report(struct library *library, library_on_problem *on_problem, void *context);

/* --- the catalogue (loop's thread) --- */
/* The current snapshot, with a reference for the caller.  Never NULL after library_open(); may be
 * empty. */
struct catalog *library_catalog(struct library *library) MUST_USE;

/* A library's catalogue as objects for other nodes: borrowed until the loop turns.  NULL: there is
 * no such library, or nothing was published yet. */
struct shelf; /* catalog/shelf.h */
const struct shelf *library_shelf(const struct library *library, int32_t root);

/* Embedded by the subscriber; called on the loop after the snapshot was swapped and when a scan's
 * phase changes. */
struct library_subscriber;
typedef void library_on_change(struct library_subscriber *subscriber, bool is_new_catalog);
struct library_subscriber {
    library_on_change *on_change;
    struct library_subscriber *_next;
};
void library_subscribe(struct library *library, struct library_subscriber *subscriber);
void library_unsubscribe(struct library *library, struct library_subscriber *subscriber);

/* --- from an id to the bytes (ANY) --- */
struct library_file {
    int fd; /* open for reading, close-on-exec; the caller closes it */
    uint64_t size_bytes;
    int64_t mtime_ns;
    int64_t changed_ns; /* the inode's time of change: nobody can put it back */
    uint64_t
        version; /* changes whenever the bytes may have: of /m/{track}/original.{version}.{ext} */
    const char *content_type; /* "audio/flac"; static */
    const char *suffix;       /* "flac"; static */
    int32_t root;
};
/*
 * The same from what a catalogue's row says (musicFolder, path beneath its root): no lock and no
 * database.  Content type and suffix are left NULL: the row has them.
 */
int library_open_place(struct library *library, int32_t root, struct text path,
                       struct library_file *ret) MUST_USE;
/* Opens beneath the track's root only (openat2); a file that was replaced by something else is
 * -ENOENT. */
int library_open_track(struct library *library, const uint8_t track_id[16],
                       struct library_file *ret) MUST_USE;

/*
 * The SHA-256 of an original (digests.h).  False: it is not known of a file with this version and
 * time of change.  Wanting makes it known some time later, before those that nobody asked for.
 */
enum { LIBRARY_SHA256_BYTES = 32 };
bool library_digest(struct library *library, const uint8_t track_id[16], uint64_t version,
                    int64_t changed_ns, uint8_t ret_sha256[LIBRARY_SHA256_BYTES]) MUST_USE;
void library_want_digest(struct library *library, const uint8_t track_id[16]);

/* --- artwork (ANY, BLOCKS): resized once to the ladder 64 128 300 600 1200 and kept under
 * cache/art/ --- */
enum library_art_format { LIBRARY_ART_JPEG, LIBRARY_ART_WEBP };
struct library_art {
    int fd;                 /* the caller closes it */
    uint64_t size_bytes;    /* of the picture, from 0 */
    uint64_t trailer_bytes; /* what the file holds behind it */
    uint8_t sha256[LIBRARY_SHA256_BYTES];
    const char *content_type; /* static */
};
/*
 * `size_px` is rounded up to the ladder (beyond it, and for 0, its largest); small pictures are
 * never enlarged. However many ask for one picture at once, it is produced once and the others
 * wait.  -EBUSY: too many wait already.
 */
int library_open_artwork(struct library *library, const uint8_t digest[16], uint32_t size_px,
                         enum library_art_format format, struct library_art *ret) MUST_USE;
/* Only what is cached already: does not block for longer than an open(); -EAGAIN when it must be
 * made, or a disk be waited for. */
int library_open_artwork_cached(struct library *library, const uint8_t digest[16], uint32_t size_px,
                                enum library_art_format format, struct library_art *ret) MUST_USE;

/* --- lyrics (ANY, BLOCKS) --- */
struct library_lyric_line {
    int64_t start_ms; /* -1 when not synchronised */
    struct text text;
};
struct library_lyrics {
    bool is_synced;
    char language[4]; /* ISO 639-2, or "xxx" for unknown (OpenSubsonic) */
    const struct library_lyric_line *lines;
    size_t line_count;
};
/*
 * All lyrics of a track, synchronised ones first: sidecar files (.lrc, .txt beside the file), then
 * embedded ones. Everything lives in `arena`.  0 with *ret_count 0 when there are none.
 */
int library_read_lyrics(struct library *library, const uint8_t track_id[16], struct arena *arena,
                        const struct library_lyrics **ret_lyrics, size_t *ret_count) MUST_USE;

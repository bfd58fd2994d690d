// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/map.h"
#include "media/packager.h"
#include "media/process.h"

#include <pthread.h>

/*
 * packager_state: what the files packager*.c share.  Nobody else includes it.
 *
 * Everything is under `lock`, but for what one encode's thread alone uses.  No disk is waited for
 * with the lock held, other than by unlink().
 */
enum {
    PACKAGES_MAX = 65536, /* on disk, under way and planned */
    PLANNED_MAX = 4096,
    WARM_MAX = 64, /* open files with their index, beside those that are lent */
    ENCODES_MAX = 32,
    PACKAGER_SPARE_S = 600, /* a spare worker that nobody needed so long goes */
};

struct package {
    struct package_name name;
    enum package_state state;
    bool is_queued, is_gone /* not in the table any more */, is_warm, has_index;
    unsigned users; /* loans, and its encode */
    int fd;         /* -1: cold */
    struct package_index index;
    uint64_t bytes;  /* on disk */
    int64_t used_ms; /* Unix time */
    uint64_t begun_us, failed_us;
    enum media_outcome why;
    struct packager_wait *waits;
    struct package *next_queued, *next_planned, **previous_planned;
    /* of its encode */
    int source;
    uint64_t listener;
    bool wants_loudness;
};

struct packager {
    struct packager_config config; /* its texts are ours */
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct map *packages;                    /* by track and rendition */
    struct package *planned, **last_planned; /* oldest first */
    size_t planned_count;
    struct package *queue, **last_queued;
    size_t queued_count;
    uint64_t disk_bytes;
    struct package *warm[WARM_MAX];
    size_t warm_at;
    int folder; /* descriptor */
    bool is_stopping, wants_spare, has_spare;
    struct process spare; /* started ahead of its first file */
    uint64_t spare_since_us;
    unsigned thread_count;
    pthread_t threads[ENCODES_MAX];
    struct {
        struct package *package; /* NULL: idle */
        struct process process;
    } running[ENCODES_MAX];
};

/* With the lock held. */
struct text package_key(const uint8_t track[16], enum rendition rendition, char storage[17]);
struct package *package_find(struct packager *packager, const uint8_t track[16],
                             enum rendition rendition);
void package_forget(struct packager *packager, struct package *package); /* may free it */
void package_let_go(struct packager *packager, struct package *package); /* one user less */
void package_keep_warm(struct packager *packager, struct package *package);
void package_wake(struct package *package); /* whoever can be answered now */
void package_leave_plan(struct packager *packager, struct package *package);

/* --- packager_disk.c --- */
int packager_open_folder(struct packager *packager) MUST_USE;
/* With the lock held: makes room for `bytes` more.  False when nothing more may go. */
bool packager_make_room(struct packager *packager, uint64_t bytes) MUST_USE;
/* With the lock held: the least valuable package leaves.  False when none may. */
bool packager_evict(struct packager *packager) MUST_USE;

/* --- packager_queue.c --- */
void *packager_run(void *packager); /* a thread */

/* --- packager_encode.c --- */
/* On its thread: the package, whose slot in `running` is taken, becomes complete or failed. */
void packager_encode(struct packager *packager, struct package *package, unsigned slot);

/* --- packager_worker.c --- */
/* The spare one, or a new one when there is none or it has died meanwhile, has the package's work.
 * The pipe's read end or -errno. */
int packager_start_worker(struct packager *packager, struct package *package,
                          unsigned slot) MUST_USE;
/* What a worker said of its work.  Its pipe may end a moment before that word arrives. */
enum media_outcome packager_last_word(const struct process *process);
/* With the lock held: for the next song, while this one sounds. */
void packager_want_spare(struct packager *packager);
/* With the lock held, and let go of meanwhile: starts the spare one, or ends it when it is old. */
void packager_tend_spare(struct packager *packager);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/log.h"
#include "io/loop.h"
#include "media/package.h"
#include "media/pool.h"

/*
 * packager: the renditions of all tracks: which there are, which are being made, and the disk they
 * lie on.
 *
 *     planned --begin--> queued --a thread is free--> encoding --all of it on disk--> complete
 *                                       │ damage, full disk, dead worker                │ room is
 *                                       ▼                                               ▼ needed
 *                                     failed --a minute later--> (forgotten)        (forgotten)
 *                                              (a dead worker: 1.5 s; no room: 5 s)
 *
 * One encode per (track, rendition), however many ask.  Its generation is drawn when it is planned,
 * kept in memory only until there is something of it on disk, so no name ever has two contents.
 * Encodes run in sandboxed workers, at most `max_encodes` at once, behind everything else (nice,
 * batch, idle I/O) as soon as their first segment is there; the next one is the listener's with the
 * fewest running.
 *
 * From any thread; what waits for a disk says so.  Disk: `folder` is ours alone, at most
 * `max_bytes` of it; what is least worth its bytes goes first (media/renditions.def), never what is
 * being read.
 */
struct packager;
struct packager_config {
    const char *worker_path; /* sostenuto-media; copied */
    const char *folder;      /* STATE/cache/renditions, made when missing; copied */
    uint64_t max_bytes;
    unsigned max_encodes, max_queued, max_queued_per_listener; /* 0: 6, 64, 16 */
    unsigned max_silence_ms;      /* of a worker that says nothing; 0: 30 s */
    uint64_t worker_memory_bytes; /* 0: 512 MiB of address space over an idle worker's */
    const struct logger *logger;  /* may be NULL */
    /* Called on an encode's thread, after it ended, when a track's loudness was measured; may be
     * NULL. */
    void (*on_loudness)(void *context, const uint8_t track[16], const struct packets_end *end);
    void *context;
};
/* Looks at what is in the folder: BLOCKS.  0 or -errno. */
int packager_start(const struct packager_config *config, struct packager **ret) MUST_USE;
/* Ends encodes under way; every wait is told.  Every loan must be back.  Accepts NULL inside.
 */
void packager_stop(struct packager **packager);

/* --- what there is, for a manifest --- */
enum package_state { PACKAGE_PLANNED, PACKAGE_ENCODING, PACKAGE_COMPLETE, PACKAGE_FAILED };
struct package_view {
    enum package_state state;
    uint64_t generation;
    enum media_outcome why;     /* PACKAGE_FAILED */
    bool has_index;             /* false: planned, or complete and cold (packager_load()) */
    struct package_index index; /* the caller's copy */
};
/* Somebody is there who may play soon: a worker is started ahead, if none is.  From any thread. */
void packager_expect(struct packager *packager);
/* Plans what there is not.  False when too many are planned. */
bool packager_view(struct packager *packager, const uint8_t track[16], enum rendition rendition,
                   struct package_view *ret) MUST_USE;
void package_view_release(struct package_view *view);

/* --- one object --- */
struct package_request {
    struct package_name name;
    enum segmenter_kind kind;
    uint32_t number;
};
enum package_found {
    PACKAGE_HERE,      /* *ret_loan is lent */
    PACKAGE_COLD,      /* on disk: packager_load(), then again */
    PACKAGE_UNBEGUN,   /* planned: packager_begin(), then again */
    PACKAGE_COMING,    /* packager_wait() */
    PACKAGE_NOT_THERE, /* no such name, or behind the end */
    PACKAGE_BROKEN,    /* its encode failed: *ret_why says how */
};
struct package_loan {
    struct packager *packager;
    struct package *package;
    int fd;
    struct package_object object;
};
enum package_found packager_lend(struct packager *packager, const struct package_request *request,
                                 struct package_loan *ret_loan,
                                 enum media_outcome *ret_why) MUST_USE;
void packager_give_back(struct package_loan *loan);

/* Reads the index of a complete package and opens its file.  BLOCKS.  0 or -errno; a package that
 * cannot be read is forgotten. */
int packager_load(struct packager *packager, const uint8_t track[16],
                  enum rendition rendition) MUST_USE;

/* Queues its encode, once.  Takes over `source`.  MEDIA_BUSY: the queue is full. */
enum media_outcome packager_begin(struct packager *packager, const struct package_name *name,
                                  int source, uint64_t listener, bool wants_loudness) MUST_USE;

/* The caller's, until on_ready or packager_forget() that returned true. */
struct packager_wait {
    struct packager_wait *next, **previous_next;
    struct package_request request;
    struct loop *loop;
    loop_call *on_ready; /* once, on `loop`: packager_lend() again */
    void *context;
};
/* False when it is not coming (any more): packager_lend() says what it is. */
bool packager_wait(struct packager *packager, struct packager_wait *wait) MUST_USE;
/* False when on_ready is under way. */
bool packager_forget(struct packager *packager, struct packager_wait *wait) MUST_USE;

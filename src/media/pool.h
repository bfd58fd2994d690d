// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/info.h"

/*
 * pool: sandboxed sostenuto-media processes that read people's files, so no file can hurt a stream.
 *
 * Callers open the file and hand over a descriptor; a worker gets nothing else: no names, no
 * network, no other files (src/media/worker/README.md).  A worker that overstays its deadline,
 * crashes or eats memory is ended, the job that it held is reported, jobs behind it go to a fresh
 * worker.  Probing and artwork have separate workers, so a scan never keeps a listener's cover
 * waiting.  Workers start with the first job and leave after a while without one.
 *
 * All functions may be called from any thread; those that wait say so, and must not be called on a
 * loop.
 */
enum media_outcome {
#define MEDIA_OUTCOME(number, id, word, sentence) MEDIA_##id = (number),
#include "media/outcomes.def"
#undef MEDIA_OUTCOME
};
const char *media_outcome_word(enum media_outcome outcome);     /* "not-audio" */
const char *media_outcome_sentence(enum media_outcome outcome); /* for people */

struct media_config {
    const char *worker_path;      /* sostenuto-media; copied */
    unsigned probe_workers;       /* 0: one per processor, at most 8 */
    unsigned artwork_workers;     /* 0: 1 */
    unsigned max_transcodes;      /* 0: 8 at once */
    unsigned max_queued;          /* jobs waiting, beyond that BUSY; 0: 1024 */
    unsigned probe_deadline_ms;   /* 0: 10,000; from when a worker turns to the file */
    unsigned artwork_deadline_ms; /* 0: 10,000 */
    unsigned worker_memory_bytes; /* 0: 512 MiB of address space over what an idle worker has */
    unsigned jobs_per_worker;     /* 0: 20,000, then a fresh one */
    bool is_background; /* probe workers run niced and with idle I/O priority: a scan behind
                           listeners */
};

struct media_pool;
struct media_pool *media_pool_start(const struct media_config *config) MUST_USE;
void media_pool_stop(
    struct media_pool **pool); /* ends all workers and transcodes, joins; accepts NULL inside */

/* Waits.  `fd` stays the caller's, a readable regular file.  *ret_info is set only on MEDIA_OK. */
enum media_outcome media_probe(struct media_pool *pool, int fd,
                               struct media_info *ret_info) MUST_USE;

/*
 * The scanner's form: many files in flight, answers in any order, all called on the thread that
 * adds. `on_probed` owns *info (release it) when the outcome is MEDIA_OK; it must not touch the
 * batch.
 */
struct media_batch;
typedef void media_on_probed(void *context, void *token, enum media_outcome outcome,
                             struct media_info *info);
struct media_batch *media_batch_new(struct media_pool *pool, media_on_probed *on_probed,
                                    void *context) MUST_USE;
void media_batch_add(struct media_batch *batch, int fd,
                     void *token); /* takes over fd; waits when enough are in flight */
void media_batch_flush(struct media_batch *batch); /* waits until all are answered */
void media_batch_free(struct media_batch **batch); /* flushes; accepts NULL inside */

/*
 * Artwork: the picture inside a sound file, or an image file, as WebP or JPEG with no side over
 * `size_px` (never enlarged; turned upright; colours in sRGB; no metadata).  Waits.  The result is
 * in *ret_image (an initialised buffer, emptied first).
 */
enum media_source { MEDIA_EMBEDDED, MEDIA_IMAGE_FILE };
enum media_image_format { MEDIA_WEBP, MEDIA_JPEG };
enum media_outcome media_artwork(struct media_pool *pool, int fd, enum media_source source,
                                 unsigned size_px, enum media_image_format format,
                                 struct buffer *ret_image) MUST_USE;

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/build.h"
#include "catalog/catalog.h"
#include "catalog/shelf.h"

/*
 * catalog/depot: one library's catalogue on disk: segments, and the list that names them
 * (docs/formats/catalog.md).
 *
 *     depot_open(…, &depot, why);                 // last good list; what is altered is refused
 *     struct build *build = depot_begin(depot);   // then build_track(), … for what changed
 *     depot_commit(depot, &build);                // segment, merges when due, list: one rename
 *     struct catalog *catalog = depot_snapshot(depots, count);
 *     struct shelf *shelf = depot_shelf(depot);   // the same as objects for other nodes
 *
 * A commit that fails or dies halfway changes nothing that a reader sees.  Lists that were
 * replaced, and their segments, stay for `keep_s` after their successor (one always, 31 at most,
 * within twice the current one's bytes): a reader that follows one can finish.
 *
 * Versions are (epoch, number) and never go backwards: after damage, or when the epoch was raised,
 * opening publishes the same segments as a new version.
 *
 * One writer: all functions of one depot on one thread (the scanner's); BLOCKS on the disk.
 * Segments are memory-mapped; a snapshot keeps its maps and may be used on any thread, also after
 * depot_close().
 */
struct depot;

struct depot_config {
    const char *folder; /* STATE/catalog/{library}; made when missing */
    uint8_t library;    /* musicFolder id, 1..32 */
    /* as in build_config; another value takes effect with depot_rebuild() */
    struct text ignored_articles;
    uint64_t epoch; /* of the node's state, raised by a restore; 0 counts as 1 */
    /* Numbers of a folder without any list, and of new segments, begin after this: give the time in
     * seconds, so that a folder that was lost is no step back, and no segment has the number of
     * one that our followers have of another origin. */
    uint64_t after_number;
    uint32_t keep_s; /* how long a replaced list stays readable */
    bool is_copy;    /* follows another node's: publishes nothing of its own, see depot_adopt() */
};

/*
 * 0 or -errno.  Damage is not an error: the newest list that verifies wins, at worst an empty
 * catalogue, and `ret_why`
 * ("" when all is well) says for the log what was refused.
 */
int depot_open(const struct depot_config *config, struct depot **ret_depot,
               char ret_why[256]) MUST_USE;
void depot_close(struct depot **depot); /* accepts NULL inside */

/* Number of the version as published: grows with every commit that changed something; 0 when
 * nothing was ever published. */
uint64_t depot_version(const struct depot *depot);
size_t depot_segments(const struct depot *depot);

/* A build to be filled with what changed, and given to depot_commit(), which frees it; or
 * build_free() to give up. */
struct build *depot_begin(struct depot *depot) MUST_USE;
int depot_commit(struct depot *depot, struct build **build) MUST_USE;
/* As commit, but the build holds everything: all older segments are dropped (full scan). */
int depot_replace(struct depot *depot, struct build **build) MUST_USE;
/* Merges all segments into one. */
int depot_rebuild(struct depot *depot) MUST_USE;

/*
 * Of a copy: the list that another node published, all of whose objects intake_end() has put into
 * the folder (catalog/intake.h), takes the place of the current one.  0; -ESTALE when it is not
 * newer; -EBADMSG, with words, when an object is missing or altered; else -errno.  Unless it is 0
 * nothing has changed.
 */
int depot_adopt(struct depot *depot, const struct list *list, char ret_why[256]) MUST_USE;
/* The current version; count 0 and number 0 when there is none.  Borrowed until the next change. */
const struct list *depot_current(const struct depot *depot);
int depot_folder(const struct depot *depot); /* its descriptor, for intake.h; borrowed */

/* A snapshot over the current versions of several depots (their libraries differ); the caller's
 * reference. */
struct catalog *depot_snapshot(struct depot *const *depots, size_t count) MUST_USE;

/* What may be handed out of it; NULL when nothing was ever published.  The caller's reference. */
struct shelf *depot_shelf(const struct depot *depot) MUST_USE;

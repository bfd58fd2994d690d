// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "library/digest_table.h"
#include "library/library.h"

/*
 * digests: the SHA-256 of people's originals, so that whoever got one whole can tell that it is
 * right (Repr-Digest, RFC 9530).
 *
 * A digest belongs to a track's file of one size, date and inode's time of change: a tool that
 * writes into a file and puts its date back is noticed by the last.  It is known once the whole
 * file was read while none of these moved, and nobody had written to it in the two seconds before.
 *
 * One thread reads, behind everybody else and at most `bytes_per_s`; what it fetched from a disk
 * does not stay in memory.  First come tracks that somebody just got whole (digests_want()); then,
 * only while `is_idle`, one after the other, whose position and digests are kept in library.db.  A
 * database that is busy or full is tried again with the next one; what is lost by that is read
 * again some day.  What was kept is known a moment after the start.
 *
 * From any thread; none waits for a disk but start and stop.
 */
struct digests;

enum { DIGESTS_MAX_TRACKS = 1000000, DIGESTS_MAX_WANTED = 64, DIGESTS_WHY_BYTES = 256 };

struct digests_config {
    const char *path;     /* of library.db, whose schema is there; borrowed during the start */
    uint64_t bytes_per_s; /* not 0 */
    uint32_t rest_ms;     /* how often a busy machine is asked again */
    /* Called on the thread. */
    int (*open)(void *context, const uint8_t track[16], struct library_file *ret);
    bool (*is_idle)(void *context);
    void *context;
};

/* 0 or -errno, with a line for people. */
int digests_start(const struct digests_config *config, struct digests **ret,
                  char ret_why[DIGESTS_WHY_BYTES]) MUST_USE;
void digests_stop(struct digests **digests); /* waits for a piece of a file; accepts NULL inside */

/* False: it is not known of these bytes. */
bool digests_find(struct digests *digests, const uint8_t track[16], uint64_t version,
                  int64_t changed_ns, uint8_t ret_sha256[DIGEST_SHA256_BYTES]) MUST_USE;
/* Beyond DIGESTS_MAX_WANTED nothing happens. */
void digests_want(struct digests *digests, const uint8_t track[16]);
/* There may be new files. */
void digests_look_again(struct digests *digests);

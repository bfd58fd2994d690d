// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "library/database.h"
#include "library/library.h"
#include "library/walk.h"
#include <pthread.h>

/*
 * lookup: from an id to the bytes, for every thread: library.db under a lock, held for one short
 * read.
 */
struct lookup {
    pthread_mutex_t lock;
    struct database *database; /* DATABASE_READ */
    const struct library_root *roots;
    size_t root_count;
    struct walk_places places;
};

/* Where something lies: a root by id, and a path beneath it. */
struct lookup_place {
    int32_t root;
    char *path; /* on the heap: lookup_place_release() */
};
void lookup_place_release(struct lookup_place *place);
int lookup_open(const struct lookup *lookup, const struct lookup_place *place,
                int flags) MUST_USE; /* fd or -errno */

/* Opens a sound file; what it is (content type, suffix) is not filled in. */
int lookup_file(const struct lookup *lookup, const struct lookup_place *place,
                struct library_file *ret) MUST_USE;
int lookup_track(struct lookup *lookup, const uint8_t track_id[16],
                 struct library_file *ret) MUST_USE;
int lookup_lyrics(struct lookup *lookup, const uint8_t track_id[16], struct arena *arena,
                  const struct library_lyrics **ret_lyrics, size_t *ret_count) MUST_USE;
void lookup_report(struct lookup *lookup, library_on_problem *on_problem, void *context);

/* Where a picture is to be found: image files first, then sound files that hold it.  At most `max`;
 * returns how many. */
struct lookup_picture {
    struct lookup_place place;
    bool is_embedded;
};
size_t lookup_pictures(struct lookup *lookup, const uint8_t digest[16], struct lookup_picture *ret,
                       size_t max);

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "library/filename.h"
#include <sys/stat.h>

/*
 * walk: reading one folder, and where symbolic links may lead.
 *
 * A scan goes folder by folder: one open, one getdents, then one fstatat for each name that
 * matters.  Nothing here remembers anything; loops of links end because the scan enters a folder
 * (device, inode) once.
 */

/* Absolute, real (no links) paths of the roots and the allowed places. */
struct walk_places {
    char *paths[64];
    size_t count;
};
/* Ignores what cannot be resolved now; a place added twice is kept once. */
void walk_places_add(struct walk_places *places, const char *path);
void walk_places_release(struct walk_places *places);
/* Whether an open descriptor lies in one of the places (by /proc/self/fd, so free of races). */
bool walk_places_hold(const struct walk_places *places, int fd);

/*
 * Opens `path` ("" for the root itself) relative to `root_fd`.  What stays beneath the root opens
 * by openat2; what a link leads out of it opens only inside `places`.  Never waits for a FIFO or
 * device.  -EXDEV: not allowed there.
 */
int walk_open(int root_fd, const char *path, int flags, const struct walk_places *places) MUST_USE;

struct walk_entry {
    struct text name; /* NUL-terminated too */
    enum filename_kind kind;
    bool is_folder;
    bool is_link;
};
struct walk_listing {
    struct walk_entry *entries; /* by byte order of name; hidden and uninteresting ones left out */
    size_t count;
};
enum { WALK_MAX_DEPTH = 64, WALK_MAX_LISTING_BYTES = 64 << 20 };
/* Everything lives in `arena`.  -E2BIG: more names than fit. */
int walk_list(int folder_fd, struct arena *arena, struct walk_listing *ret) MUST_USE;

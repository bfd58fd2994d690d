// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "library/library.h"
#include "library/scan.h"

/*
 * roots: the libraries that a node has itself: folder, name and id, and each one's depot, from
 * which its catalogue comes.
 *
 * Ids are 1 to LIBRARY_MAX_ROOTS, each once.  Opened and closed on the loop; in between the depots
 * belong to the scan thread, and the rest stays as it is.
 */
struct roots {
    size_t count;
    struct library_root named[LIBRARY_MAX_ROOTS]; /* strings borrowed from `scanned` */
    struct scan_root scanned[LIBRARY_MAX_ROOTS];
};

/* Copies the roots of `config`.  -EINVAL, -EEXIST, -E2BIG with a line for people: an id that cannot
 * be, or is there twice; too many.  roots_release() in any case. */
int roots_init(struct roots *roots, const struct library_config *config,
               char ret_why[256]) MUST_USE;
void roots_release(struct roots *roots); /* what is all zero has none */

/*
 * Opens a depot for each, beneath the state's folder.  True in `ret_is_unpublished`: one of them is
 * new, or was damaged and begins anew (logged), so everything must be published once more.
 */
int roots_open_depots(struct roots *roots, const struct library_config *config,
                      bool *ret_is_unpublished, char ret_why[256]) MUST_USE;

/* What the depots hold now: references for the caller, the shelves by id - 1. */
struct catalog *roots_published(const struct roots *roots,
                                struct shelf *ret_shelves[LIBRARY_MAX_ROOTS]) MUST_USE;

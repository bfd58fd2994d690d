// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/list.h"

/*
 * shelf: what of one library's catalogue may be handed out now: the current list, those before it
 * that some reader may still follow, and the files that they name.
 *
 * Immutable and counted, for any thread; made by depot_shelf() after each commit.  It names files
 * and does not hold them: one that a later commit swept is -ENOENT, and its reader asks for the
 * current list.
 */
struct shelf;

enum { SHELF_MAX_LISTS = 32 };

/* `lists` newest first, at least one; `folder` is duplicated. */
struct shelf *shelf_new(int folder, const struct list *lists, size_t count) MUST_USE;
struct shelf *shelf_ref(struct shelf *shelf) MUST_USE; /* accepts NULL */
void shelf_unref(struct shelf **shelf);                /* accepts NULL inside */

const struct list *shelf_current(const struct shelf *shelf);
/* NULL: not, or no longer, here. */
const struct list *shelf_version(const struct shelf *shelf, uint64_t epoch, uint64_t number);

/* A descriptor for the caller, or -errno; -ENOENT when no list here names such an object. */
int shelf_open(const struct shelf *shelf, const uint8_t digest[FORMAT_DIGEST_SIZE],
               enum segment_object object, uint64_t *ret_size_bytes) MUST_USE;

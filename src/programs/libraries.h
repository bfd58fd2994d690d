// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "library/library.h"
#include "programs/settings.h"

/*
 * libraries: which folder is which library: ids that never change, kept in STATE/libraries.json.
 *
 * A library's id is part of every listener's rights and of every app's settings, so it must survive
 * folders being named in another order.  A folder gets its former id by its path, else by its name
 * (it moved), else the next free one; ids of folders that are gone stay taken.
 */
enum { LIBRARIES_MAX_IDS = 64 };
/* Beneath it lies the folder of a library that was taken over from another origin (promotion.h)
 * and whose music nobody has named here yet: it is shown, and nothing in it is there. */
#define LIBRARIES_ABSENT "/nonexistent/"

struct libraries {
    struct library_root roots[LIBRARY_MAX_ROOTS]; /* name and path are owned by this struct */
    size_t count;
};

/*
 * From the settings' `library` list; folders that do not exist are kept (a missing mount is not a
 * purge), relative paths become absolute.  Writes the file when something is new.  0, or -errno
 * with words in `why`.
 */
int libraries_settle(struct libraries *libraries, const struct settings *settings,
                     struct buffer *why) MUST_USE;
void libraries_release(struct libraries *libraries);

/*
 * Writes STATE/libraries.json with the libraries of a catalogue that was taken over.  The settings'
 * folders become theirs by name, or the only folder that of the only library.  *ret_absent counts
 * those that have none.  0, or -errno with words in `why`.
 */
struct library_inherited {
    int32_t id;
    char name[256];
};
int libraries_inherit(const struct library_inherited *inherited, size_t count,
                      const struct settings *settings, size_t *ret_absent,
                      struct buffer *why) MUST_USE;

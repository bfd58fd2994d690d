// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "library/library.h"

/*
 * inherit: a library.db made of a catalogue that another node published, for a node that takes that
 * node's place (docs/decisions/037-promote.md).
 *
 * Every track becomes a row of `files` that is present where the catalogue says it lies, with its
 * ids, its date and its album; every album and artist a group.  Nothing else is known of the files,
 * which play from there, so the first scan reads each of them: one that is where it was keeps its
 * track id, one that lies elsewhere takes its row over by its audio, and albums and artists are
 * found again by their members and names.  What a scan does not find is kept as after any missing
 * mount.
 *
 * What a catalogue does not say cannot come back: ids of tracks that were gone before, and the
 * audio id of a duplicate whose first copy is not in the catalogue any more: found elsewhere than
 * where it lay, that one is a new track.
 */
struct inherited_library {
    uint64_t tracks, albums, artists, folders;
    uint64_t left_out; /* tracks for which there is no room beside another of the same path */
};

/* Makes STATE/library.db, which appears when it is whole and synced; -EEXIST when there is one. The
 * snapshot is borrowed.  BLOCKS: a second or two for 100,000 tracks.  0, or -errno with words; then
 * there is no library.db. */
int library_inherit(const char *state_folder, const struct catalog *catalog, int64_t now_ms,
                    struct inherited_library *ret, char ret_why[256]) MUST_USE;

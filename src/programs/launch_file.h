// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/catalog.h"
#include "programs/launch_list.h"

/*
 * launch_file: what a person writes to plan a launch, and which songs it means.
 *
 *     # the new album, and one song of another
 *     at 2026-11-27T00:00:00Z
 *     al-4f0hYbLkQ1u6m1pH8t2k3A
 *     Artist/Another album/03 Song.flac
 *
 * One name a line: the id of a song or an album, or a path beneath a music folder, of a song or of
 * a folder, which means all songs below it.  Pure.
 */
enum { LAUNCH_FILE_MAX_BYTES = 4 << 20, LAUNCH_WHY_BYTES = 256 };

/* False with words of which line and why; *ret untouched. */
bool launch_file_read(struct text file, struct catalog_view view, struct launch_list *ret,
                      char ret_why[LAUNCH_WHY_BYTES]) MUST_USE;

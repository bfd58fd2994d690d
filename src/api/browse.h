// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/call.h"

/*
 * browse: what browsing by tag and browsing by folder share.
 */

/* The list `name` of all songs of an album, by disc and track. */
void browse_album_songs(struct call *call, const char *name, uint32_t album);

/* Albums under the artist's own name; of an artist who has none, those where they appear. */
struct page browse_albums_of(struct call *call, uint32_t artist);

/*
 * An index of names under headings: call browse_index_open() before each entry; it ends the heading
 * before when the new one is another, and begins {name, artist: [.  The list "index" around it is
 * the caller's.
 */
struct index_writer {
    struct call *call;
    struct catalog_heading heading;
    struct text open; /* the heading under which an index is open, in `heading`; empty: none */
};
void browse_index_open(struct index_writer *writer, struct text heading);
void browse_index_close(struct index_writer *writer);

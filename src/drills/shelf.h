// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "base/text.h"
#include "drills/segments.h"

/*
 * shelf: the tracks that a load's listeners know, as search3 told them: what is needed to ask for
 * one and to turn its bytes into seconds.
 */
enum { SHELF_ID_BYTES = 64 };

struct shelf_track {
    char id[SHELF_ID_BYTES], cover[SHELF_ID_BYTES];
    uint64_t size_bytes;
    uint32_t duration_ms;
    struct segments segments; /* of it; none unless the load asked for them (load_segments.c) */
};

struct shelf {
    struct shelf_track *tracks;
    uint32_t count, most;
    struct map *by_id;
};

/* One song of a page, as one account sees it; `track` is its place on the shelf. */
struct shelf_song {
    uint32_t track;
    uint64_t play_count;
    bool is_starred;
};
typedef void shelf_on_song(void *context, const struct shelf_song *song);

void shelf_init(struct shelf *shelf, uint32_t most);
void shelf_release(struct shelf *shelf);

/*
 * Reads one answer of search3 (OpenSubsonic, JSON).  `grows`: puts unknown songs on the shelf while
 * there is room; songs without id, size or duration are left out.  Tells each song that is on it.
 * Returns how many songs the answer had, known or not, or -1 when it is no good answer.
 */
int shelf_read(struct shelf *shelf, struct text json, bool grows, shelf_on_song *on_song,
               void *context) MUST_USE;

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <stdint.h>

/*
 * api_library: a made-up library of any size behind library/library.h, without files: for measuring
 * the API alone.
 *
 * Ten tracks to an album, four albums to an artist, twenty genres, two folder levels; the same
 * number gives the same library.  Look-ups of files, artwork and lyrics answer -ENOENT.
 */
struct library;

struct library *api_library_new(const char *folder, uint32_t tracks);
void api_library_free(struct library **library);
/* The id of the n-th track, album or artist, as text into 28 bytes. */
void api_library_id(const char *kind, uint32_t number, char ret_text[28]);

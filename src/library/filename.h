// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"

/*
 * filename: what a name in a music folder is, and how it is shown.  Pure.
 *
 * Names are bytes to us, as they are to the kernel; only for people they become UTF-8.
 */
enum filename_kind {
    FILENAME_OTHER,
    FILENAME_AUDIO,        /* by suffix; the worker decides what it really is */
    FILENAME_COVER,        /* see filename_cover_rank() */
    FILENAME_LYRICS,       /* .lrc, .txt: of the audio file with the same stem */
    FILENAME_ARTIST_IMAGE, /* artist.{jpg,jpeg,png,webp} */
    FILENAME_HIDDEN /* ".…", "@eaDir", "#recycle", "lost+found", "$RECYCLE.BIN", "System Volume
                       Information" */
};
enum filename_kind filename_kind(struct text name);

/*
 * Which picture stands for a folder: the lowest rank wins, then the first by byte order.
 * cover 0, folder 4, front 8, albumart 12 (also "AlbumArt_{…}_Large"), plus jpg/jpeg 0, png 1,
 * webp 2. SIZE_MAX for other names.  Case does not matter.
 */
size_t filename_cover_rank(struct text name);

/* The part before the last dot (the whole, when there is none or it leads). */
struct text filename_stem(struct text name);
struct text filename_suffix(struct text name); /* the part after it, or empty */

/*
 * A folder that only divides an album: "CD 1", "disc2", "Disk 03 - Live", "Album (CD1)", "Album
 * [Disc 2]". Gives what is left of the name without it: empty for the first three, "Album" for the
 * last two. False when the name is no such thing.
 */
bool filename_disc_folder(struct text name, struct text *ret_rest);

/*
 * For people: valid UTF-8 without control characters.  Bytes that are not UTF-8 are read as Latin-1
 * in their whole name; control characters become U+FFFD.  Data NULL past the arena's ceiling.
 */
struct text filename_shown(struct arena *arena, struct text name);

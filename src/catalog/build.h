// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/format.h"

/*
 * catalog/build: rows in, one immutable segment out, as two objects: core (browse and search) and
 * detail.
 *
 * A segment stands on its own: every album, folder and artist that a row names has a row in the
 * same build (a row that is unchanged is simply given again), and so has every parent folder up to
 * the root.  Within a catalogue the newest segment's row of an id wins, and a track that is gone is
 * named by build_removal(); albums, artists and folders without a living track vanish by
 * themselves.
 *
 * Rows may come in any order; the same id twice in one build keeps the later row.  All texts are
 * copied; invalid UTF-8 is repaired (U+FFFD).  Not for two threads at once.  Hosted: allocates,
 * never does I/O.
 */
struct build;

enum { BUILD_MAX_TRACKS = 1 << 24, BUILD_MAX_TEXT_BYTES = 64 * 1024, BUILD_MAX_LIST = 1000 };

struct build_config {
    uint8_t library; /* musicFolder id, 1..32 */
    uint64_t number; /* of the segment, unique within its library */
    /* Words skipped at the front of a name when it is put in order, space-separated; "" for the
     * usual ones. */
    struct text ignored_articles;
};
#define BUILD_USUAL_ARTICLES "The El La Los Las Le Les Der Die Das"

struct build *build_new(const struct build_config *config) MUST_USE;
void build_free(struct build **build); /* accepts NULL inside */

/* Values past a limit are cut (texts at a character), never refused. */
void build_track(struct build *build, const struct track_row *row);
void build_album(struct build *build, const struct album_row *row);
void build_artist(struct build *build, const struct artist_row *row);
void build_folder(struct build *build, const struct folder_row *row);
void build_removal(struct build *build, const struct catalog_id *track);
size_t build_tracks(const struct build *build); /* rows so far */
bool build_is_empty(const struct build *build); /* no row of any kind and no removal */
void build_renumber(struct build *build,
                    uint64_t number); /* for the depot, which knows the segment's number last */

enum build_result {
    BUILD_DONE,
    BUILD_DANGLING, /* a row names an id without a row: our bug, ret_id says which */
    BUILD_TOO_BIG,  /* past BUILD_MAX_TRACKS or 4 GiB of text */
    BUILD_SINK,     /* the sink said no */
};
/* Takes the next bytes of an object; false stops the build. */
typedef bool build_sink(void *context, enum segment_object object, const void *data, size_t size);

struct build_totals {
    uint32_t tracks, albums, artists, folders, removals;
    uint64_t size_bytes[SEGMENT_OBJECTS];
    uint8_t digest[SEGMENT_OBJECTS][32]; /* SHA-256, the one in the object's header */
};
/* Writes core whole, then detail.  May be called once; afterwards only build_free() is allowed. */
enum build_result build_finish(struct build *build, build_sink *sink, void *context,
                               struct build_totals *ret_totals, struct catalog_id *ret_id) MUST_USE;

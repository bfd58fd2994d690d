// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/info.h"

/*
 * collect: names and values as they stand in a file's tags become Sostenuto's tags.  Pure; no
 * TagLib.
 *
 * A file may carry several tags (ID3v2, APE, ID3v1): each is a *layer*, best first; a kind that an
 * earlier layer filled is closed to later ones (so ReplayGain from mp3gain's APE tag joins a good
 * ID3v2 tag, and a cut ID3v1 title does not).  Within a layer the first spelling of tags.def that
 * occurs wins.
 *
 * Rules: "3/12" is track 3 of 12; genres, and only they, are also split at ";" and " / "; years and
 * dates stay text; MusicBrainz ids are the UUIDs found in the value; R128 gains become ReplayGain.
 */
enum {
    COLLECT_MAX_TAGS = 1000,
    COLLECT_MAX_LYRICS = 4,
    COLLECT_VALUE_BYTES = 1024,
    COLLECT_COMMENT_BYTES = 4096,
    COLLECT_ALL_BYTES = 48 * 1024,
    COLLECT_LYRICS_BYTES = 48 * 1024
};

struct collected {
    struct media_tag tag;
    unsigned layer, rank; /* rank: place of the spelling in its row */
};

struct collect {
    struct arena *arena; /* borrowed; holds every text */
    struct buffer scratch;
    struct collected *found;
    size_t found_count, bytes;
    unsigned layer;
    bool is_partial, has_r128;
    struct media_lyrics lyrics[COLLECT_MAX_LYRICS];
    size_t lyrics_count;
    const struct collect_names *names;
};

/* The sorted table of spellings, made once per process. */
struct collect_names *collect_names_new(void) MUST_USE;
void collect_names_free(struct collect_names **names);

void collect_begin(struct collect *collect, const struct collect_names *names, struct arena *arena);
void collect_end(struct collect *collect); /* frees what is not in the arena */

void collect_next_layer(struct collect *collect);
/* `name` in any case; "PERFORMER:PIANO" carries its detail.  Unknown names and empty values are
 * ignored. */
void collect_add(struct collect *collect, struct text name, struct text value);
/* Lyrics as one text (LRC inside is understood), or as lines already timed. */
void collect_lyrics_text(struct collect *collect, struct text language, struct text lyrics);
void collect_lyrics_lines(struct collect *collect, struct text language,
                          struct media_lyric_line *lines, size_t count);

/* Tags in order of kind, equal values once; and the lyrics.  All in the arena. */
void collect_finish(struct collect *collect, struct media_info *info);

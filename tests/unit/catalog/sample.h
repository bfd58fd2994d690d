// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "base/hash.h"
#include "base/mem.h"
#include "catalog/memory.h"

/*
 * sample: a random library for tests: every field set, lists of every length, texts of every
 * script.  All texts live in the arena.  The same seed gives the same library.
 */
struct sample {
    struct arena *arena;
    uint64_t state;
    uint32_t track_count, album_count, artist_count, folder_count;
    struct track_row *tracks;
    struct album_row *albums;
    struct artist_row *artists;
    struct folder_row *folders;
};

static inline uint64_t sample_random(struct sample *sample)
{
    sample->state += 0x9e3779b97f4a7c15U;
    return hash_mix(sample->state);
}

static inline uint32_t sample_below(struct sample *sample, uint32_t limit)
{
    return (uint32_t)(sample_random(sample) % limit);
}

static inline struct catalog_id sample_id(unsigned kind, uint32_t number)
{
    struct catalog_id id;
    uint64_t halves[2] = {hash_mix(number + 1 + ((uint64_t)kind << 40)),
                          hash_mix(number + 77 + ((uint64_t)kind << 48))};
    memcpy(id.bytes, halves, sizeof id.bytes);
    return id;
}

static inline struct text sample_name(struct sample *sample)
{
    static const char *const words[] = {
        "Love",  "the",  "Night", "Ágætis", "Rós",    "東京", "AC/DC", "Ночь", "Ελλάδα", "2112",
        "don't", "Blue", "Moon",  "P!nk",   "(live)", "über", "ﬁre",   "of",   "夜",     "Zoë"};
    struct text name = TEXT("");
    for (uint32_t count = 1 + sample_below(sample, 4); count > 0; count--)
        name = arena_printf(sample->arena, "%.*s%s%s", TEXT_ARGS(name), name.size ? " " : "",
                            words[sample_below(sample, ARRAY_SIZE(words))]);
    return name;
}

static inline struct text sample_maybe(struct sample *sample)
{
    return sample_below(sample, 2) ? sample_name(sample) : TEXT("");
}

static inline struct catalog_texts sample_texts(struct sample *sample)
{
    uint32_t count = sample_below(sample, 4);
    struct text *items = arena_alloc(sample->arena, (count + 1) * sizeof *items);
    for (uint32_t i = 0; i < count; i++)
        items[i] = sample_name(sample);
    return (struct catalog_texts){.items = items, .count = count};
}

static inline struct catalog_credits sample_credits(struct sample *sample, bool of_album)
{
    uint32_t count = sample_below(sample, 4);
    struct catalog_credit *items = arena_zalloc(sample->arena, (count + 1) * sizeof *items);
    for (uint32_t i = 0; i < count; i++)
        items[i] = (struct catalog_credit){
            .artist = sample->artists[sample_below(sample, sample->artist_count)].id,
            .role = of_album ? CATALOG_ROLE_ALBUM_ARTIST
                             : (enum catalog_role)sample_below(sample, CATALOG_ROLES),
            .name = sample_maybe(sample),
            .sub_role = sample_maybe(sample),
        };
    return (struct catalog_credits){.items = items, .count = count};
}

static inline struct catalog_id sample_artwork(struct sample *sample)
{
    return sample_below(sample, 3) ? sample_id(CATALOG_ARTWORK, sample_below(sample, 20))
                                   : (struct catalog_id){{0}};
}

static inline struct album_row sample_album(struct sample *sample, uint32_t i)
{
    uint32_t discs = sample_below(sample, 3);
    struct disc_title *titles = arena_alloc(sample->arena, (discs + 1) * sizeof *titles);
    for (uint32_t disc = 0; disc < discs; disc++)
        titles[disc] = (struct disc_title){(uint16_t)(disc + 1), sample_name(sample)};
    return (struct album_row){
        .id = sample_id(CATALOG_ALBUM, i),
        .artwork = sample_artwork(sample),
        .name = sample_name(sample),
        .sort_name = sample_maybe(sample),
        .version = sample_maybe(sample),
        .display_artist = sample_name(sample),
        .musicbrainz_id = sample_maybe(sample),
        .credits = sample_credits(sample, true),
        .genres = sample_texts(sample),
        .moods = sample_texts(sample),
        .release_types = sample_texts(sample),
        .labels = sample_texts(sample),
        .disc_titles = {.items = titles, .count = discs},
        .original_date = {(uint16_t)sample_below(sample, 3000), (uint8_t)sample_below(sample, 13),
                          31},
        .release_date = {(uint16_t)sample_below(sample, 3000), 0, 0},
        .year = (uint16_t)(sample_below(sample, 2) * 1990),
        .is_compilation = sample_below(sample, 2),
        .explicit_status = (enum catalog_explicit)sample_below(sample, 3),
        .created_ms = (int64_t)sample_below(sample, 1000000) - 500000,
    };
}

static inline struct track_row sample_track(struct sample *sample, uint32_t i)
{
    return (struct track_row){
        .id = sample_id(CATALOG_TRACK, i),
        .album = sample->albums[sample_below(sample, sample->album_count)].id,
        .folder = sample->folders[sample_below(sample, sample->folder_count)].id,
        .artwork = sample_artwork(sample),
        .title = sample_name(sample),
        .sort_title = sample_maybe(sample),
        .display_artist = sample_name(sample),
        .display_composer = sample_maybe(sample),
        .credits = sample_credits(sample, false),
        .genres = sample_texts(sample),
        .moods = sample_texts(sample),
        .isrcs = sample_texts(sample),
        .works = sample_texts(sample),
        .movements = sample_texts(sample),
        .track_number = (uint16_t)sample_below(sample, 20),
        .disc_number = (uint16_t)sample_below(sample, 3),
        .year = (uint16_t)sample_below(sample, 2100),
        .bpm = (uint16_t)sample_below(sample, 200),
        .duration_ms = sample_below(sample, 1000000),
        .bit_rate_kbps = sample_below(sample, 2000),
        .sampling_rate_hz = sample_below(sample, 192001),
        .bit_depth = (uint8_t)sample_below(sample, 33),
        .channels = (uint8_t)sample_below(sample, 9),
        .explicit_status = (enum catalog_explicit)sample_below(sample, 3),
        .has_lyrics = sample_below(sample, 2),
        .size_bytes = sample_random(sample) >> 20,
        .version = sample_random(sample),
        .created_ms = (int64_t)sample_random(sample),
        .modified_ms = (int64_t)sample_random(sample),
        .path = sample_name(sample),
        .suffix = TEXT("flac"),
        .content_type = TEXT("audio/flac"),
        .comment = sample_maybe(sample),
        .musicbrainz_id = sample_maybe(sample),
        .gain = {(int16_t)sample_random(sample), -700, CATALOG_NO_GAIN,
                 (int16_t)sample_random(sample), 988553, 1},
    };
}

static inline void sample_make(struct sample *sample, uint64_t seed, uint32_t tracks)
{
    *sample = (struct sample){.arena = arena_new(256U << 20),
                              .state = seed,
                              .track_count = tracks,
                              .album_count = tracks / 8 + 1,
                              .artist_count = tracks / 10 + 1,
                              .folder_count = tracks / 8 + 1};
    sample->tracks = arena_zalloc(sample->arena, (tracks + 1) * sizeof *sample->tracks);
    sample->albums = arena_zalloc(sample->arena, sample->album_count * sizeof *sample->albums);
    sample->artists = arena_zalloc(sample->arena, sample->artist_count * sizeof *sample->artists);
    sample->folders = arena_zalloc(sample->arena, sample->folder_count * sizeof *sample->folders);
    for (uint32_t i = 0; i < sample->artist_count; i++)
        sample->artists[i] = (struct artist_row){.id = sample_id(CATALOG_ARTIST, i),
                                                 .artwork = sample_artwork(sample),
                                                 .name = sample_name(sample),
                                                 .sort_name = sample_maybe(sample),
                                                 .musicbrainz_id = sample_maybe(sample),
                                                 .disambiguation = sample_maybe(sample)};
    for (uint32_t i = 0; i < sample->folder_count; i++) {
        sample->folders[i] = (struct folder_row){.id = sample_id(CATALOG_FOLDER, i),
                                                 .artwork = sample_artwork(sample),
                                                 .name = sample_name(sample)};
        if (i > 0)
            sample->folders[i].parent = sample->folders[sample_below(sample, i)].id;
    }
    for (uint32_t i = 0; i < sample->album_count; i++)
        sample->albums[i] = sample_album(sample, i);
    for (uint32_t i = 0; i < tracks; i++)
        sample->tracks[i] = sample_track(sample, i);
}

static inline void sample_free(struct sample *sample) { arena_free(&sample->arena); }

/* All albums, artists and folders, and the tracks [from, to). */
static inline void sample_give(const struct sample *sample, struct build *build, uint32_t from,
                               uint32_t to)
{
    for (uint32_t i = 0; i < sample->folder_count; i++)
        build_folder(build, &sample->folders[i]);
    for (uint32_t i = 0; i < sample->artist_count; i++)
        build_artist(build, &sample->artists[i]);
    for (uint32_t i = 0; i < sample->album_count; i++)
        build_album(build, &sample->albums[i]);
    for (uint32_t i = from; i < to; i++)
        build_track(build, &sample->tracks[i]);
}

static inline struct build *sample_build(const struct sample *sample, uint8_t library,
                                         uint64_t number)
{
    struct build *build = build_new(&(struct build_config){.library = library, .number = number});
    sample_give(sample, build, 0, sample->track_count);
    return build;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/hash.h"
#include "base/mem.h"
#include "catalog/build.h"
#include <stdio.h>

/* tsv: library.tsv (see make_library.py) as rows for a build.  Ids are hashes of names, so they are
 * the same anywhere. */
enum { TSV_COLUMNS = 9 };

static inline struct catalog_id tsv_id(const char *kind, struct text a, struct text b)
{
    struct catalog_id id;
    struct hash_key key = {hash_bytes((struct hash_key){1, 2}, kind, strlen(kind)),
                           hash_bytes((struct hash_key){3, 4}, b.data, b.size)};
    uint64_t halves[2] = {hash_bytes(key, a.data, a.size),
                          hash_bytes((struct hash_key){key.k1, key.k0}, a.data, a.size)};
    memcpy(id.bytes, halves, sizeof id.bytes);
    return id;
}

static inline struct catalog_id tsv_artist(struct build *build, struct text name,
                                           struct text sort_name)
{
    struct artist_row row = {
        .id = tsv_id("artist", name, TEXT_NONE), .name = name, .sort_name = sort_name};
    build_artist(build, &row);
    return row.id;
}

static inline void tsv_line(struct build *build, struct text column[TSV_COLUMNS], uint64_t line)
{
    uint64_t year = 0, disc = 0, number = 0;
    if (!text_to_u64(column[3], &year) || !text_to_u64(column[5], &disc) ||
        !text_to_u64(column[6], &number))
        abort();
    struct text artist = column[8].size ? column[8] : column[0];
    struct catalog_credit album_credit = {.artist = tsv_artist(build, column[0], column[1]),
                                          .role = CATALOG_ROLE_ALBUM_ARTIST};
    struct catalog_credit credit = {
        .artist = tsv_artist(build, artist, column[8].size ? TEXT_NONE : column[1])};
    struct folder_row root = {.id = tsv_id("root", TEXT_NONE, TEXT_NONE), .name = TEXT("Music")};
    struct folder_row folder = {
        .id = tsv_id("folder", column[2], column[0]), .parent = root.id, .name = column[2]};
    struct album_row album = {.id = tsv_id("album", column[2], column[0]),
                              .name = column[2],
                              .display_artist = column[0],
                              .credits = {.items = &album_credit, .count = 1},
                              .year = (uint16_t)year,
                              .created_ms = (int64_t)(line * 1000),
                              .artwork = tsv_id("art", column[2], column[0])};
    struct track_row track = {.id = tsv_id("track", column[7], column[2]),
                              .album = album.id,
                              .folder = folder.id,
                              .title = column[7],
                              .display_artist = artist,
                              .credits = {.items = &credit, .count = 1},
                              .genres = {.items = &column[4], .count = 1},
                              .track_number = (uint16_t)number,
                              .disc_number = (uint16_t)disc,
                              .year = (uint16_t)year,
                              .duration_ms = 60000 + (uint32_t)(line * 7919 % 300000),
                              .suffix = TEXT("flac"),
                              .content_type = TEXT("audio/flac"),
                              .path = column[7],
                              .created_ms = (int64_t)line};
    build_folder(build, &root);
    build_folder(build, &folder);
    build_album(build, &album);
    build_track(build, &track);
}

static inline struct build *tsv_build(const char *path)
{
    struct build *build = build_new(&(struct build_config){.library = 1, .number = 1});
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    uint64_t count = 0;
    if (!file)
        abort();
    while ((size = getline(&line, &room, file)) > 0) {
        struct text column[TSV_COLUMNS] = {TEXT_NONE}, rest = text_make(line, (size_t)size - 1);
        for (unsigned i = 0; i < TSV_COLUMNS; i++)
            (void)text_split(&rest, '\t', &column[i]);
        tsv_line(build, column, ++count);
    }
    free(line);
    (void)fclose(file);
    return build;
}

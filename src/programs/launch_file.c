// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/launch_file.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/timestamp.h"
#include "io/random.h"

#include <stdio.h>

/* Paths are gathered first, for looking at every song once. */
struct reading {
    struct catalog_view view;
    struct launch_list list;
    struct map *paths; /* to the number of its line; found: to `found` */
    uint8_t *seen;
    char *why;
    bool is_full;
};
static char found;

static void add(struct reading *reading, uint32_t track)
{
    struct track_row row;
    uint8_t bit = (uint8_t)(1u << track % 8);
    if (reading->seen[track / 8] & bit)
        return;
    reading->seen[track / 8] |= bit;
    reading->is_full |= reading->list.count == LAUNCH_MAX_TRACKS;
    if (reading->is_full)
        return;
    catalog_track(reading->view.catalog, track, &row);
    reading->list.tracks[reading->list.count++] = row.id;
}

static void add_album(struct reading *reading, uint32_t album)
{
    uint32_t tracks[64];
    size_t offset = 0, count;
    while ((count = catalog_album_tracks(reading->view, album, offset, tracks,
                                         ARRAY_SIZE(tracks))) > 0) {
        for (size_t i = 0; i < count; i++)
            add(reading, tracks[i]);
        offset += count;
    }
}

static bool fail(struct reading *reading, size_t line, const char *words, struct text name)
{
    (void)snprintf(reading->why, LAUNCH_WHY_BYTES, "line %zu: %s: %.*s", line, words,
                   (int)(name.size < 120 ? name.size : 120), name.data);
    return false;
}

static bool read_id(struct reading *reading, enum catalog_kind kind, const struct catalog_id *id,
                    size_t line, struct text name)
{
    uint32_t number = kind == CATALOG_TRACK || kind == CATALOG_ALBUM
                          ? catalog_find(reading->view, kind, id)
                          : (uint32_t)CATALOG_NONE;
    if (number == (uint32_t)CATALOG_NONE)
        return fail(reading, line, "there is no song or album of this id", name);
    if (kind == CATALOG_TRACK)
        add(reading, number);
    else
        add_album(reading, number);
    return true;
}

static bool read_line(struct reading *reading, struct text name, size_t line)
{
    struct catalog_id id;
    enum catalog_kind kind;
    int64_t at_ms;
    if (!name.size || text_starts(name, TEXT("#")))
        return true;
    if (text_starts(name, TEXT("at "))) {
        if (!timestamp_from_rfc3339(text_trim(text_from(name, 3)), &at_ms))
            return fail(reading, line, "a moment is written 2026-11-27T00:00:00Z", name);
        reading->list.at_s = at_ms / 1000;
        return true;
    }
    if (catalog_id_parse(name, &kind, &id))
        return read_id(reading, kind, &id, line, name);
    while (text_ends(name, TEXT("/")))
        name.size--;
    return map_put(reading->paths, name, (void *)(uintptr_t)line) ||
           fail(reading, line, "these are too many paths", name);
}

/* It, or a folder above it, was named. */
static void look_at(struct reading *reading, uint32_t track)
{
    struct track_row row;
    catalog_track(reading->view.catalog, track, &row);
    for (size_t size = row.path.size; size > 0; size--) {
        struct text part = text_make(row.path.data, size);
        bool is_end = size == row.path.size || row.path.data[size] == '/';
        if (!is_end || !map_get(reading->paths, part))
            continue;
        (void)!map_put(reading->paths, part, &found); /* it is there: no new key */
        add(reading, track);
    }
}

static bool find_paths(struct reading *reading)
{
    uint32_t total = catalog_count(reading->view, CATALOG_TRACK);
    struct text path;
    void *line;
    for (uint32_t i = 0; map_count(reading->paths) && i < total; i++)
        look_at(reading, i);
    size_t first = SIZE_MAX;
    struct text lost = TEXT_NONE;
    for (size_t cursor = 0; map_next(reading->paths, &cursor, &path, &line);) {
        if (line == &found || (size_t)(uintptr_t)line >= first)
            continue;
        first = (size_t)(uintptr_t)line;
        lost = path;
    }
    return first == SIZE_MAX ||
           fail(reading, first, "no song lies there, beneath a music folder", lost);
}

bool launch_file_read(struct text file, struct catalog_view view, struct launch_list *ret,
                      char ret_why[LAUNCH_WHY_BYTES])
{
    struct text rest = file, line;
    size_t number = 0;
    struct reading reading = {.view = view, .why = ret_why};
    reading.paths = map_new(random_u64(), LAUNCH_MAX_TRACKS);
    reading.list.tracks = mem_zalloc(LAUNCH_MAX_TRACKS * sizeof *reading.list.tracks);
    reading.seen = mem_zalloc(catalog_count(view, CATALOG_TRACK) / 8 + 1);
    bool is_good = true;
    while (is_good && rest.size > 0 && text_split(&rest, '\n', &line))
        is_good = read_line(&reading, text_trim(line), ++number);
    is_good = is_good && find_paths(&reading);
    if (is_good && (reading.is_full || reading.list.count == 0)) {
        (void)snprintf(ret_why, LAUNCH_WHY_BYTES,
                       reading.is_full ? "these are more than %d songs" : "it names no song",
                       LAUNCH_MAX_TRACKS);
        is_good = false;
    }
    if (is_good)
        *ret = reading.list;
    else
        launch_list_release(&reading.list);
    map_free(&reading.paths);
    mem_free(reading.seen);
    return is_good;
}

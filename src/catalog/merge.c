// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/merge.h"
#include "base/mem.h"
#include "catalog/heap.h"

uint32_t merge_first(const struct list *list)
{
    uint32_t first = list->count - 1;
    uint64_t newer = (uint64_t)list->entries[first].tracks + list->entries[first].removals;
    while (first > 0) {
        uint64_t elder =
            (uint64_t)list->entries[first - 1].tracks + list->entries[first - 1].removals;
        if (elder > MERGE_RATIO * newer)
            break;
        newer += elder;
        first--;
    }
    return first;
}

/* Credits under the artist's own name are kept without one, so that a later change of that name
 * shows. */
static struct catalog_credits copy_credits(const struct catalog *catalog,
                                           const struct catalog_credits *credits,
                                           struct catalog_credit items[BUILD_MAX_LIST])
{
    uint32_t count = credits->count < BUILD_MAX_LIST ? credits->count : BUILD_MAX_LIST;
    for (uint32_t i = 0; i < count; i++) {
        struct artist_row artist;
        items[i] = catalog_credits_at(credits, i);
        catalog_artist(catalog, items[i].artist_number, &artist);
        if (text_equal(items[i].name, artist.name))
            items[i].name = TEXT_NONE;
    }
    return (struct catalog_credits){.items = items, .count = count};
}

static void merge_tracks(const struct catalog *catalog, struct build *build,
                         struct catalog_credit *credits)
{
    for (uint32_t i = 0; i < catalog->counts[CATALOG_TRACK]; i++) {
        struct track_row row;
        catalog_track(catalog, i, &row);
        row.credits = copy_credits(catalog, &row.credits, credits);
        if (row.folder_number != NOBODY)
            build_track(build, &row);
    }
}

static void merge_albums(const struct catalog *catalog, struct build *build,
                         struct catalog_credit *credits)
{
    for (uint32_t i = 0; i < catalog->counts[CATALOG_ALBUM]; i++) {
        struct album_row row;
        catalog_album(catalog, i, &row);
        row.credits = copy_credits(catalog, &row.credits, credits);
        build_album(build, &row);
    }
}

void merge_segments(const struct segment *const *segments, uint32_t count, bool is_all,
                    struct build *build)
{
    struct catalog *catalog = catalog_open(segments, count, is_all ? CATALOG_LIVING : CATALOG_EVERY,
                                           catalog_heap(), NULL, NULL);
    struct catalog_credit *credits = mem_alloc(BUILD_MAX_LIST * sizeof *credits);
    for (uint32_t i = 0; i < catalog->counts[CATALOG_FOLDER]; i++) {
        struct folder_row row;
        catalog_folder(catalog, i, &row);
        build_folder(build, &row);
    }
    for (uint32_t i = 0; i < catalog->counts[CATALOG_ARTIST]; i++) {
        struct artist_row row;
        catalog_artist(catalog, i, &row);
        build_artist(build, &row);
    }
    merge_albums(catalog, build, credits);
    merge_tracks(catalog, build, credits);
    for (uint32_t part = 0; part < count && !is_all; part++)
        for (uint32_t i = 0; i < segments[part]->rows[TABLE_REMOVALS]; i++)
            build_removal(build, segment_id(segments[part], COLUMN_REMOVAL_ID, i));
    mem_free(credits);
    catalog_unref(&catalog);
}

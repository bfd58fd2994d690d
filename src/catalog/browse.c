// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/fold.h"
#include "catalog/snapshot.h"

/*
 * Lists.  All have one shape: a sequence of numbers (a relation, an order, a range), filtered by
 * what the view may see and perhaps by a rule of the query, then a page of it.  Without a filter
 * the page is found at once.
 */
static bool sees(struct catalog_view view, enum catalog_kind kind, uint32_t number)
{
    return (view.catalog->seen_in[kind][number] & view.libraries) != 0;
}

static bool sees_all(struct catalog_view view)
{
    return (view.catalog->libraries & ~view.libraries) == 0;
}

bool catalog_sees(struct catalog_view view, enum catalog_kind kind, uint32_t number)
{
    return kind < CATALOG_ARTWORK && number < view.catalog->counts[kind] &&
           sees(view, kind, number);
}

/* A page being filled. */
struct page {
    size_t skip, max, count;
    uint32_t *ret;
};

/* False when the page is full. */
static bool page_take(struct page *page, uint32_t number)
{
    if (page->skip > 0) {
        page->skip--;
        return true;
    }
    if (page->count == page->max)
        return false;
    page->ret[page->count++] = number;
    return page->count < page->max;
}

/* The next of a sequence: items[i], or i itself when there are no items. */
struct sequence {
    const uint32_t *items;
    uint32_t from, to;
    bool is_backwards;
};

static uint32_t sequence_at(const struct sequence *sequence, uint32_t i)
{
    uint32_t at = sequence->is_backwards ? sequence->to - 1 - i : sequence->from + i;
    return sequence->items ? sequence->items[at] : at;
}

static size_t page_of(struct catalog_view view, enum catalog_kind kind, struct sequence sequence,
                      size_t offset, uint32_t *ret, size_t max)
{
    struct page page = {offset, max, 0, ret};
    uint32_t count = sequence.to - sequence.from, i = 0;
    if (max == 0)
        return 0;
    if (sees_all(view)) {
        i = offset < count ? (uint32_t)offset : count;
        page.skip = 0;
    }
    for (; i < count; i++) {
        uint32_t number = sequence_at(&sequence, i);
        if (sees(view, kind, number) && !page_take(&page, number))
            break;
    }
    return page.count;
}

static struct sequence related(const struct relation *relation, uint32_t owner)
{
    return (struct sequence){relation->items, relation->start[owner], relation->start[owner + 1],
                             false};
}

/* --- everything --- */

uint32_t catalog_count(struct catalog_view view, enum catalog_kind kind)
{
    if (sees_all(view) || view.libraries == 0)
        return view.libraries ? view.catalog->counts[kind] : 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < view.catalog->counts[kind]; i++)
        count += sees(view, kind, i);
    return count;
}

size_t catalog_all(struct catalog_view view, enum catalog_kind kind, size_t offset, uint32_t *ret,
                   size_t max)
{
    return page_of(view, kind, (struct sequence){NULL, 0, view.catalog->counts[kind], false},
                   offset, ret, max);
}

/* --- relations --- */

size_t catalog_album_tracks(struct catalog_view view, uint32_t album, size_t offset, uint32_t *ret,
                            size_t max)
{
    CATALOG_ASSERT(album < view.catalog->counts[CATALOG_ALBUM]);
    const uint32_t *first = view.catalog->album_first + album;
    return page_of(view, CATALOG_TRACK, (struct sequence){NULL, first[0], first[1], false}, offset,
                   ret, max);
}

size_t catalog_artist_albums(struct catalog_view view, uint32_t artist, size_t offset,
                             uint32_t *ret, size_t max)
{
    CATALOG_ASSERT(artist < view.catalog->counts[CATALOG_ARTIST]);
    return page_of(view, CATALOG_ALBUM, related(&view.catalog->artist_albums, artist), offset, ret,
                   max);
}

size_t catalog_artist_appearances(struct catalog_view view, uint32_t artist, size_t offset,
                                  uint32_t *ret, size_t max)
{
    CATALOG_ASSERT(artist < view.catalog->counts[CATALOG_ARTIST]);
    return page_of(view, CATALOG_ALBUM, related(&view.catalog->artist_appearances, artist), offset,
                   ret, max);
}

size_t catalog_artist_tracks(struct catalog_view view, uint32_t artist, size_t offset,
                             uint32_t *ret, size_t max)
{
    CATALOG_ASSERT(artist < view.catalog->counts[CATALOG_ARTIST]);
    return page_of(view, CATALOG_TRACK, related(&view.catalog->artist_tracks, artist), offset, ret,
                   max);
}

size_t catalog_artists(struct catalog_view view, uint32_t roles, size_t offset, uint32_t *ret,
                       size_t max)
{
    if (roles == 0)
        return catalog_all(view, CATALOG_ARTIST, offset, ret, max);
    struct page page = {offset, max, 0, ret};
    for (uint32_t i = 0; max && i < view.catalog->counts[CATALOG_ARTIST]; i++)
        if ((view.catalog->artist_roles[i] & roles) && sees(view, CATALOG_ARTIST, i) &&
            !page_take(&page, i))
            break;
    return page.count;
}

size_t catalog_folder_children(struct catalog_view view, uint32_t folder, size_t offset,
                               uint32_t *ret, size_t max)
{
    CATALOG_ASSERT(folder < view.catalog->counts[CATALOG_FOLDER]);
    return page_of(view, CATALOG_FOLDER, related(&view.catalog->folder_children, folder), offset,
                   ret, max);
}

size_t catalog_folder_tracks(struct catalog_view view, uint32_t folder, size_t offset,
                             uint32_t *ret, size_t max)
{
    CATALOG_ASSERT(folder < view.catalog->counts[CATALOG_FOLDER]);
    return page_of(view, CATALOG_TRACK, related(&view.catalog->folder_tracks, folder), offset, ret,
                   max);
}

size_t catalog_folder_roots(struct catalog_view view, size_t offset, uint32_t *ret, size_t max)
{
    return page_of(view, CATALOG_FOLDER, related(&view.catalog->roots, 0), offset, ret, max);
}

/* --- genres --- */

uint32_t catalog_genres(const struct catalog *catalog) { return catalog->genres; }

static uint32_t count_seen(struct catalog_view view, enum catalog_kind kind,
                           struct sequence sequence)
{
    uint32_t count = 0;
    if (sees_all(view))
        return sequence.to - sequence.from;
    for (uint32_t i = sequence.from; i < sequence.to; i++)
        count += sees(view, kind, sequence.items[i]);
    return count;
}

void catalog_genre(struct catalog_view view, uint32_t genre, struct catalog_genre *ret)
{
    CATALOG_ASSERT(genre < view.catalog->genres);
    ret->name = snapshot_text(view.catalog, COLUMN_GENRE_NAME, view.catalog->genre_refs[genre]);
    ret->songs = count_seen(view, CATALOG_TRACK, related(&view.catalog->genre_tracks, genre));
    ret->albums = count_seen(view, CATALOG_ALBUM, related(&view.catalog->genre_albums, genre));
}

uint32_t catalog_find_genre(const struct catalog *catalog, struct text name)
{
    char bytes[FOLD_MAX];
    struct text folded = text_make(bytes, fold(name, FOLD_NAME, bytes, sizeof bytes));
    uint32_t low = 0, high = catalog->genres;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = bytes_compare(
            snapshot_text(catalog, COLUMN_GENRE_FOLDED, catalog->genre_refs[middle]), folded);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NOBODY;
}

size_t catalog_genre_tracks(struct catalog_view view, uint32_t genre, size_t offset, uint32_t *ret,
                            size_t max)
{
    CATALOG_ASSERT(genre < view.catalog->genres);
    return page_of(view, CATALOG_TRACK, related(&view.catalog->genre_tracks, genre), offset, ret,
                   max);
}

/* --- shuffles --- */

static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9U;
    value = (value ^ value >> 27) * 0x94d049bb133111ebU;
    return value ^ value >> 31;
}

/*
 * Place i of a permutation of 0 … count - 1 that `seed` picks: a four-round Feistel network over
 * the next even power of two, walked on until it lands inside.  Any page is found without making
 * the pages before it.
 */
static uint32_t shuffled(uint64_t seed, uint32_t i, uint32_t count)
{
    unsigned half = 1;
    while (half < 16 && (UINT64_C(1) << (2 * half)) < count)
        half++;
    uint32_t mask = (UINT32_C(1) << half) - 1;
    do {
        uint32_t left = i >> half & mask, right = i & mask;
        for (unsigned round = 0; round < 4; round++) {
            uint32_t next =
                left ^ ((uint32_t)mix(seed + round * 0x9e3779b97f4a7c15U + right) & mask);
            left = right;
            right = next;
        }
        i = left << half | right;
    } while (i >= count);
    return i;
}

/* --- albums --- */

static bool holds(const struct relation *relation, uint32_t owner, uint32_t item)
{
    uint32_t low = relation->start[owner], high = relation->start[owner + 1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (relation->items[middle] == item)
            return true;
        if (relation->items[middle] < item)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* First place in the order by year whose year is at least `year`. */
static uint32_t year_place(const struct catalog *catalog, uint32_t year)
{
    uint32_t low = 0, high = catalog->known_years;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (snapshot_album_year(catalog, catalog->album_order_year[middle]) < year)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct sequence albums_by_year(const struct catalog *catalog, uint16_t from, uint16_t to)
{
    struct sequence sequence = {catalog->album_order_year, 0, catalog->known_years, from > to};
    uint32_t first = from < to ? from : to, last = from < to ? to : from;
    if (from || to) {
        sequence.from = year_place(catalog, first);
        sequence.to = year_place(catalog, last + 1);
    }
    return sequence;
}

static bool year_fits(uint16_t year, uint16_t from, uint16_t to)
{
    uint16_t first = from < to ? from : to, last = from < to ? to : from;
    return (!from && !to) || (year >= first && year <= last && year);
}

static struct sequence album_sequence(const struct catalog *catalog,
                                      const struct catalog_album_query *query)
{
    struct sequence all = {NULL, 0, catalog->counts[CATALOG_ALBUM], false};
    switch (query->order) {
    case CATALOG_BY_ARTIST:
        all.items = catalog->album_order_artist;
        return all;
    case CATALOG_NEWEST:
        all.items = catalog->album_order_newest;
        return all;
    case CATALOG_BY_YEAR:
        return albums_by_year(catalog, query->from_year, query->to_year);
    case CATALOG_BY_NAME:
    case CATALOG_RANDOM:
        break;
    }
    return query->genre == NOBODY ? all : related(&catalog->genre_albums, query->genre);
}

size_t catalog_albums(struct catalog_view view, const struct catalog_album_query *query,
                      size_t offset, uint32_t *ret, size_t max)
{
    const struct catalog *catalog = view.catalog;
    if (query->genre != NOBODY && query->genre >= catalog->genres)
        return 0;
    struct sequence sequence = album_sequence(catalog, query);
    bool is_random = query->order == CATALOG_RANDOM, by_year = query->order == CATALOG_BY_YEAR;
    bool genre_is_done = query->genre == NOBODY || query->order == CATALOG_BY_NAME || is_random;
    bool year_is_done = by_year || (!query->from_year && !query->to_year);
    if (!is_random && genre_is_done && year_is_done)
        return page_of(view, CATALOG_ALBUM, sequence, offset, ret, max);
    struct page page = {offset, max, 0, ret};
    uint32_t count = sequence.to - sequence.from, i = 0;
    if (genre_is_done && year_is_done &&
        sees_all(view)) { /* nothing is left out: the page is found at once */
        i = offset < count ? (uint32_t)offset : count;
        page.skip = 0;
    }
    for (; max && i < count; i++) {
        uint32_t album = sequence_at(&sequence, is_random ? shuffled(query->seed, i, count) : i);
        if (sees(view, CATALOG_ALBUM, album) &&
            (year_is_done ||
             year_fits(snapshot_album_year(catalog, album), query->from_year, query->to_year)) &&
            (genre_is_done || holds(&catalog->genre_albums, query->genre, album)) &&
            !page_take(&page, album))
            break;
    }
    return page.count;
}

size_t catalog_random_songs(struct catalog_view view, const struct catalog_song_query *query,
                            size_t offset, uint32_t *ret, size_t max)
{
    const struct catalog *catalog = view.catalog;
    struct sequence sequence = {NULL, 0, catalog->counts[CATALOG_TRACK], false};
    if (query->genre != NOBODY) {
        if (query->genre >= catalog->genres)
            return 0;
        sequence = related(&catalog->genre_tracks, query->genre);
    }
    uint16_t to_year = query->to_year ? query->to_year : UINT16_MAX;
    bool any_year = !query->from_year && !query->to_year;
    struct page page = {offset, max, 0, ret};
    uint32_t count = sequence.to - sequence.from;
    for (uint32_t i = 0; max && i < count; i++) {
        uint32_t track = sequence_at(&sequence, shuffled(query->seed, i, count));
        uint16_t year = any_year ? 0 : snapshot_track_year(catalog, track);
        if (sees(view, CATALOG_TRACK, track) &&
            (any_year || (year && year >= query->from_year && year <= to_year)) &&
            !page_take(&page, track))
            break;
    }
    return page.count;
}

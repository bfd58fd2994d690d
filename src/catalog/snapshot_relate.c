// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/snapshot.h"

/*
 * Who belongs to whom: every relation and order of a snapshot, from the numbers that
 * snapshot_resolve.c gave. A relation is made in two rounds of the same walk: the first counts, the
 * second fills.
 */
struct pairs {
    struct relation relation;
    uint32_t owners;
    bool is_filling;
};

static void pairs_begin(struct catalog *catalog, struct pairs *pairs, uint32_t owners)
{
    *pairs = (struct pairs){.owners = owners};
    pairs->relation.start = snapshot_alloc(catalog, (owners + (size_t)2) * sizeof(uint32_t));
    bytes_fill(pairs->relation.start, 0, (owners + (size_t)2) * sizeof(uint32_t));
}

/* After the counting round: start[i + 1] is where owner i is filled, and ends up where owner i + 1
 * begins. */
static void pairs_counted(struct catalog *catalog, struct pairs *pairs)
{
    uint32_t *start = pairs->relation.start;
    for (uint32_t i = 2; i < pairs->owners + 2; i++)
        start[i] += start[i - 1];
    pairs->relation.items = snapshot_alloc(catalog, start[pairs->owners + 1] * sizeof(uint32_t));
    pairs->is_filling = true;
}

static inline void pair(struct pairs *pairs, uint32_t owner, uint32_t item)
{
    if (pairs->is_filling)
        pairs->relation.items[pairs->relation.start[owner + 1]++] = item;
    else
        pairs->relation.start[owner + 2]++;
}

typedef void walk_pairs(const struct catalog *catalog, struct pairs *pairs);

static struct relation relate(struct catalog *catalog, uint32_t owners, walk_pairs *walk)
{
    struct pairs pairs;
    pairs_begin(catalog, &pairs, owners);
    walk(catalog, &pairs);
    pairs_counted(catalog, &pairs);
    walk(catalog, &pairs);
    return pairs.relation;
}

/* Whether `item` was the last thing said of `owner`; walks go through items in order, so this keeps
 * lists distinct. */
static bool is_repeated(uint32_t *last, uint32_t owner, uint32_t item)
{
    bool is_same = last[owner] == item;
    last[owner] = item;
    return is_same;
}

static uint32_t *new_marks(const struct catalog *catalog, uint32_t count)
{
    uint32_t *last = scratch_alloc(catalog, count * sizeof *last);
    bytes_fill(last, 0xff, count * sizeof *last);
    return last;
}

/* --- tracks: album, folder, libraries, lengths --- */

static void walk_folder_tracks(const struct catalog *catalog, struct pairs *pairs)
{
    for (uint32_t track = 0; track < catalog->counts[CATALOG_TRACK]; track++)
        if (catalog->track_folder[track] != NOBODY)
            pair(pairs, catalog->track_folder[track], track);
}

static uint32_t album_row_of(const struct segment *segment, uint32_t row)
{
    const uint32_t *starts = segment_u32s(segment, COLUMN_ALBUM_TRACK);
    uint32_t low = 0, high = segment->rows[TABLE_ALBUMS];
    while (high - low > 1) { /* starts[low] <= row < starts[high] */
        uint32_t middle = low + (high - low) / 2;
        if (starts[middle] <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void place_tracks(struct catalog *catalog)
{
    uint32_t count = catalog->counts[CATALOG_TRACK], last_ref = NOBODY, album = 0;
    for (uint32_t track = 0; track < count; track++) {
        uint32_t ref = catalog->refs[CATALOG_TRACK][track], row = snapshot_row(ref);
        const struct catalog_part *part = &catalog->parts[ref >> 24];
        const uint32_t *starts = segment_u32s(part->segment, COLUMN_ALBUM_TRACK);
        bool is_next = ref == last_ref + 1 && last_ref != NOBODY && row < starts[album + 1];
        album = is_next ? album : album_row_of(part->segment, row);
        last_ref = ref;
        uint32_t number = part->album_number[album];
        uint32_t folder = part->folder_number[segment_u32(part->segment, COLUMN_TRACK_FOLDER, row)];
        catalog->track_album[track] = number;
        catalog->track_folder[track] = folder;
        catalog->album_first[number + 1]++;
        catalog->album_duration_ms[number] +=
            segment_u32(part->segment, COLUMN_TRACK_DURATION_MS, row);
        uint32_t library = catalog_library_bit(part->segment->library);
        catalog->seen_in[CATALOG_TRACK][track] = library;
        catalog->seen_in[CATALOG_ALBUM][number] |= library;
        if (folder != NOBODY)
            catalog->seen_in[CATALOG_FOLDER][folder] |= library;
        catalog->libraries |= library;
    }
    for (uint32_t i = 0; i < catalog->counts[CATALOG_ALBUM]; i++)
        catalog->album_first[i + 1] += catalog->album_first[i];
}

/* --- artists --- */

struct credits {
    const uint32_t *artist_number; /* of the part, by row */
    const struct segment *segment;
    enum segment_column artist, role;
    uint32_t from, to;
};

static struct credits credits_of(const struct catalog *catalog, enum catalog_kind kind,
                                 uint32_t number)
{
    uint32_t ref = catalog->refs[kind][number], row = snapshot_row(ref);
    const struct catalog_part *part = &catalog->parts[ref >> 24];
    bool is_track = kind == CATALOG_TRACK;
    const uint32_t *starts =
        segment_u32s(part->segment, is_track ? COLUMN_TRACK_CREDIT : COLUMN_ALBUM_CREDIT);
    return (struct credits){
        part->artist_number,
        part->segment,
        is_track ? COLUMN_TRACK_CREDIT_ARTIST : COLUMN_ALBUM_CREDIT_ARTIST,
        is_track ? COLUMN_TRACK_CREDIT_ROLE : COLUMN_ALBUM_CREDIT_ROLE,
        starts[row],
        starts[row + 1],
    };
}

static uint32_t credited(const struct credits *credits, uint32_t credit)
{
    return credits->artist_number[segment_u32(credits->segment, credits->artist, credit)];
}

/* Albums by year then number: their order was made before. */
static void walk_artist_albums(const struct catalog *catalog, struct pairs *pairs)
{
    uint32_t *last = new_marks(catalog, catalog->counts[CATALOG_ARTIST]);
    for (uint32_t i = 0; i < catalog->counts[CATALOG_ALBUM]; i++) {
        uint32_t album = catalog->album_order_year[i];
        struct credits credits = credits_of(catalog, CATALOG_ALBUM, album);
        for (uint32_t credit = credits.from; credit < credits.to; credit++)
            if (!is_repeated(last, credited(&credits, credit), album))
                pair(pairs, credited(&credits, credit), album);
    }
    scratch_free(catalog, last);
}

static bool is_album_artist(const struct catalog *catalog, uint32_t album, uint32_t artist)
{
    struct credits credits = credits_of(catalog, CATALOG_ALBUM, album);
    for (uint32_t credit = credits.from; credit < credits.to; credit++)
        if (credited(&credits, credit) == artist)
            return true;
    return false;
}

static void walk_artist_appearances(const struct catalog *catalog, struct pairs *pairs)
{
    uint32_t *last = new_marks(catalog, catalog->counts[CATALOG_ARTIST]);
    for (uint32_t i = 0; i < catalog->counts[CATALOG_ALBUM]; i++) {
        uint32_t album = catalog->album_order_year[i];
        for (uint32_t track = catalog->album_first[album]; track < catalog->album_first[album + 1];
             track++) {
            struct credits credits = credits_of(catalog, CATALOG_TRACK, track);
            for (uint32_t credit = credits.from; credit < credits.to; credit++) {
                uint32_t artist = credited(&credits, credit);
                if (!is_repeated(last, artist, album) && !is_album_artist(catalog, album, artist))
                    pair(pairs, artist, album);
            }
        }
    }
    scratch_free(catalog, last);
}

static void walk_artist_tracks(const struct catalog *catalog, struct pairs *pairs)
{
    uint32_t *last = new_marks(catalog, catalog->counts[CATALOG_ARTIST]);
    for (uint32_t track = 0; track < catalog->counts[CATALOG_TRACK]; track++) {
        const struct credits both[2] = {
            credits_of(catalog, CATALOG_TRACK, track),
            credits_of(catalog, CATALOG_ALBUM, catalog->track_album[track])};
        for (unsigned which = 0; which < 2; which++)
            for (uint32_t credit = both[which].from; credit < both[which].to; credit++)
                if (!is_repeated(last, credited(&both[which], credit), track))
                    pair(pairs, credited(&both[which], credit), track);
    }
    scratch_free(catalog, last);
}

static void note_roles(struct catalog *catalog, enum catalog_kind kind)
{
    for (uint32_t i = 0; i < catalog->counts[kind]; i++) {
        struct credits credits = credits_of(catalog, kind, i);
        for (uint32_t credit = credits.from; credit < credits.to; credit++) {
            uint32_t artist = credited(&credits, credit);
            uint8_t role = kind == CATALOG_ALBUM
                               ? (uint8_t)CATALOG_ROLE_ALBUM_ARTIST
                               : segment_u8(credits.segment, credits.role, credit);
            catalog->artist_roles[artist] |=
                UINT32_C(1) << (role < CATALOG_ROLES ? role : CATALOG_ROLE_PERFORMER);
            catalog->seen_in[CATALOG_ARTIST][artist] |= catalog->seen_in[kind][i];
        }
    }
}

/* --- folders --- */

static void find_parents(struct catalog *catalog)
{
    uint32_t count = catalog->counts[CATALOG_FOLDER];
    for (uint32_t folder = 0; folder < count; folder++) {
        uint32_t ref = catalog->refs[CATALOG_FOLDER][folder];
        const struct catalog_part *part = &catalog->parts[ref >> 24];
        uint32_t parent = segment_u32(part->segment, COLUMN_FOLDER_PARENT, snapshot_row(ref));
        catalog->folder_parent[folder] = parent == NOBODY ? NOBODY : part->folder_number[parent];
    }
    for (uint32_t folder = count; folder-- > 0;) /* parents come before their children */
        if (catalog->folder_parent[folder] != NOBODY)
            catalog->seen_in[CATALOG_FOLDER][catalog->folder_parent[folder]] |=
                catalog->seen_in[CATALOG_FOLDER][folder];
}

static void walk_folder_children(const struct catalog *catalog, struct pairs *pairs)
{
    for (uint32_t folder = 0; folder < catalog->counts[CATALOG_FOLDER]; folder++)
        if (catalog->folder_parent[folder] != NOBODY)
            pair(pairs, catalog->folder_parent[folder], folder);
}

static void walk_roots(const struct catalog *catalog, struct pairs *pairs)
{
    for (unsigned library = 1; library <= 32; library++)
        for (uint32_t folder = 0; folder < catalog->counts[CATALOG_FOLDER]; folder++) {
            uint32_t ref = catalog->refs[CATALOG_FOLDER][folder];
            if (catalog->folder_parent[folder] == NOBODY &&
                snapshot_segment(catalog, ref)->library == library)
                pair(pairs, 0, folder);
        }
}

/* --- genres --- */

static void walk_genres_of(const struct catalog *catalog, struct pairs *pairs, bool wants_albums)
{
    uint32_t *last = new_marks(catalog, catalog->genres);
    for (uint32_t track = 0; track < catalog->counts[CATALOG_TRACK]; track++) {
        uint32_t ref = catalog->refs[CATALOG_TRACK][track], row = snapshot_row(ref);
        const struct catalog_part *part = &catalog->parts[ref >> 24];
        const uint32_t *starts = segment_u32s(part->segment, COLUMN_TRACK_GENRE);
        uint32_t item = wants_albums ? catalog->track_album[track] : track;
        for (uint32_t i = starts[row]; i < starts[row + 1]; i++) {
            uint32_t genre =
                part->genre_number[segment_u32(part->segment, COLUMN_TRACK_GENRE_ROW, i)];
            if (!is_repeated(last, genre, item))
                pair(pairs, genre, item);
        }
    }
    scratch_free(catalog, last);
}

static void walk_genre_tracks(const struct catalog *catalog, struct pairs *pairs)
{
    walk_genres_of(catalog, pairs, false);
}

static void walk_genre_albums(const struct catalog *catalog, struct pairs *pairs)
{
    walk_genres_of(catalog, pairs, true);
}

/* --- orders of albums --- */

static uint64_t key_artist(const struct catalog *catalog, uint32_t album)
{
    struct credits credits = credits_of(catalog, CATALOG_ALBUM, album);
    uint64_t artist = credits.from < credits.to ? credited(&credits, credits.from) : NOBODY;
    return artist << 16 | snapshot_album_year(catalog, album);
}

static uint64_t key_year(const struct catalog *catalog, uint32_t album)
{
    uint16_t year = snapshot_album_year(catalog, album);
    return year ? year : UINT64_C(1) << 16; /* unknown ones last */
}

static uint64_t key_newest(const struct catalog *catalog, uint32_t album)
{
    uint32_t ref = catalog->refs[CATALOG_ALBUM][album];
    return ~(
        segment_u64(snapshot_segment(catalog, ref), COLUMN_ALBUM_CREATED_MS, snapshot_row(ref)) ^
        UINT64_C(1) << 63);
}

static uint32_t *order_albums(struct catalog *catalog,
                              uint64_t key(const struct catalog *, uint32_t))
{
    uint32_t count = catalog->counts[CATALOG_ALBUM];
    uint32_t *order = snapshot_alloc(catalog, count * sizeof *order);
    uint64_t *keys = scratch_alloc(catalog, count * sizeof *keys);
    for (uint32_t album = 0; album < count; album++) {
        order[album] = album;
        keys[album] = key(catalog, album);
    }
    sort_by_key(catalog, keys, order, count);
    scratch_free(catalog, keys);
    return order;
}

/* --- all of it --- */

static void *zeroed(struct catalog *catalog, size_t count, size_t size)
{
    void *block = snapshot_alloc(catalog, count * size);
    bytes_fill(block, 0, count * size);
    return block;
}

static void make_arrays(struct catalog *catalog)
{
    const uint32_t *counts = catalog->counts;
    for (unsigned kind = 0; kind < CATALOG_ARTWORK; kind++)
        catalog->seen_in[kind] = zeroed(catalog, counts[kind], sizeof(uint32_t));
    catalog->track_album = snapshot_alloc(catalog, counts[CATALOG_TRACK] * sizeof(uint32_t));
    catalog->track_folder = snapshot_alloc(catalog, counts[CATALOG_TRACK] * sizeof(uint32_t));
    catalog->album_first = zeroed(catalog, counts[CATALOG_ALBUM] + (size_t)1, sizeof(uint32_t));
    catalog->album_duration_ms = zeroed(catalog, counts[CATALOG_ALBUM], sizeof(uint64_t));
    catalog->artist_roles = zeroed(catalog, counts[CATALOG_ARTIST], sizeof(uint32_t));
    catalog->folder_parent = snapshot_alloc(catalog, counts[CATALOG_FOLDER] * sizeof(uint32_t));
}

void snapshot_relate(struct catalog *catalog)
{
    const uint32_t *counts = catalog->counts;
    make_arrays(catalog);
    place_tracks(catalog);
    find_parents(catalog);
    note_roles(catalog, CATALOG_ALBUM);
    note_roles(catalog, CATALOG_TRACK);
    catalog->album_order_artist = order_albums(catalog, key_artist);
    catalog->album_order_year = order_albums(catalog, key_year);
    catalog->album_order_newest = order_albums(catalog, key_newest);
    while (catalog->known_years < counts[CATALOG_ALBUM] &&
           snapshot_album_year(catalog, catalog->album_order_year[catalog->known_years]))
        catalog->known_years++;
    catalog->artist_albums = relate(catalog, counts[CATALOG_ARTIST], walk_artist_albums);
    catalog->artist_appearances = relate(catalog, counts[CATALOG_ARTIST], walk_artist_appearances);
    catalog->artist_tracks = relate(catalog, counts[CATALOG_ARTIST], walk_artist_tracks);
    catalog->folder_children = relate(catalog, counts[CATALOG_FOLDER], walk_folder_children);
    catalog->folder_tracks = relate(catalog, counts[CATALOG_FOLDER], walk_folder_tracks);
    catalog->roots = relate(catalog, 1, walk_roots);
    catalog->genre_tracks = relate(catalog, catalog->genres, walk_genre_tracks);
    catalog->genre_albums = relate(catalog, catalog->genres, walk_genre_albums);
}

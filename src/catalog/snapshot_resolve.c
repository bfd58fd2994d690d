// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/snapshot.h"

/*
 * Who is who: rows of all parts become entities.  1. rows with the same id meet in a hash table and
 * the last part's row wins; 2. removed tracks die; 3. albums, artists and folders live when a
 * living track leads to them; 4. the living are put in order and numbered.
 */

/* Entities of one kind before they are numbered, in order of first appearance. */
struct crowd {
    enum catalog_kind kind;
    uint32_t count;
    uint32_t *refs;       /* winning row */
    uint32_t **entity_of; /* by part and row */
    uint8_t *is_alive;
};

struct kind_columns {
    enum segment_table table;
    enum segment_column id, order;
};

static const struct kind_columns kinds[CATALOG_KINDS] = {
    [CATALOG_TRACK] = {TABLE_TRACKS, COLUMN_TRACK_ID, COLUMN_TRACK_TITLE},
    [CATALOG_ALBUM] = {TABLE_ALBUMS, COLUMN_ALBUM_ID, COLUMN_ALBUM_ORDER},
    [CATALOG_ARTIST] = {TABLE_ARTISTS, COLUMN_ARTIST_ID, COLUMN_ARTIST_ORDER},
    [CATALOG_FOLDER] = {TABLE_FOLDERS, COLUMN_FOLDER_ID, COLUMN_FOLDER_ORDER},
};

static uint32_t id_hash(const struct catalog_id *id)
{
    uint64_t value = bytes_le(id->bytes, 8) ^ bytes_le(id->bytes + 8, 8) * 0x9e3779b97f4a7c15U;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9U;
    return (uint32_t)(value ^ value >> 29);
}

static const struct catalog_id *id_of_ref(const struct catalog *catalog, enum catalog_kind kind,
                                          uint32_t ref)
{
    return segment_id(snapshot_segment(catalog, ref), kinds[kind].id, snapshot_row(ref));
}

/* --- 1. rows with one id are one entity --- */

static uint32_t rows_in_all(const struct catalog *catalog, enum segment_table table)
{
    uint32_t rows = 0;
    for (uint32_t part = 0; part < catalog->part_count; part++)
        rows += catalog->parts[part].segment->rows[table];
    return rows;
}

static void make_slots(struct catalog *catalog, enum catalog_kind kind, uint32_t rows)
{
    uint32_t slots = 16;
    while (slots < rows * 2)
        slots *= 2;
    catalog->slots[kind] = snapshot_alloc(catalog, slots * sizeof(uint32_t));
    catalog->slot_mask[kind] = slots - 1;
    bytes_fill(catalog->slots[kind], 0, slots * sizeof(uint32_t));
}

uint32_t snapshot_id_slot(const struct catalog *catalog, enum catalog_kind kind,
                          const uint32_t *refs, const struct catalog_id *id)
{
    uint32_t slot = id_hash(id) & catalog->slot_mask[kind];
    for (; catalog->slots[kind][slot]; slot = (slot + 1) & catalog->slot_mask[kind])
        if (bytes_same(id_of_ref(catalog, kind, refs[catalog->slots[kind][slot] - 1])->bytes,
                       id->bytes, 16))
            break;
    return slot;
}

static void gather(struct catalog *catalog, struct crowd *crowd)
{
    enum catalog_kind kind = crowd->kind;
    uint32_t rows = rows_in_all(catalog, kinds[kind].table);
    make_slots(catalog, kind, rows);
    crowd->refs = scratch_alloc(catalog, rows * sizeof *crowd->refs);
    crowd->is_alive = scratch_alloc(catalog, rows);
    for (uint32_t part = 0; part < catalog->part_count; part++) {
        const struct segment *segment = catalog->parts[part].segment;
        for (uint32_t row = 0; row < segment->rows[kinds[kind].table]; row++) {
            uint32_t ref = part << 24 | row;
            uint32_t *slot = &catalog->slots[kind][snapshot_id_slot(
                catalog, kind, crowd->refs, segment_id(segment, kinds[kind].id, row))];
            if (*slot == 0)
                *slot = ++crowd->count;
            crowd->refs[*slot - 1] = ref;
            // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): snapshot_resolve() has made it
            crowd->entity_of[part][row] = *slot - 1;
        }
    }
    bytes_fill(crowd->is_alive, kind == CATALOG_TRACK || catalog->extent == CATALOG_EVERY,
               crowd->count);
}

/* --- 2. removals: of tracks whose winning row is in an older part of the same library --- */

static void remove_tracks(struct catalog *catalog, struct crowd *tracks)
{
    for (uint32_t part = 0; part < catalog->part_count; part++) {
        const struct segment *segment = catalog->parts[part].segment;
        for (uint32_t row = 0; row < segment->rows[TABLE_REMOVALS]; row++) {
            uint32_t slot = snapshot_id_slot(catalog, CATALOG_TRACK, tracks->refs,
                                             segment_id(segment, COLUMN_REMOVAL_ID, row));
            uint32_t found = catalog->slots[CATALOG_TRACK][slot];
            if (found && tracks->refs[found - 1] >> 24 < part &&
                snapshot_segment(catalog, tracks->refs[found - 1])->library == segment->library)
                tracks->is_alive[found - 1] = 0;
        }
    }
}

/* --- 3. who has a living track --- */

struct census {
    struct catalog *catalog;
    struct crowd crowds[CATALOG_ARTWORK];
};

static void revive_folder(struct census *census, uint32_t part, uint32_t row)
{
    struct crowd *folders = &census->crowds[CATALOG_FOLDER];
    uint32_t entity = folders->entity_of[part][row];
    while (!folders->is_alive[entity]) { /* ends: each step revives one more */
        folders->is_alive[entity] = 1;
        uint32_t ref = folders->refs[entity];
        uint32_t parent = segment_u32(snapshot_segment(census->catalog, ref), COLUMN_FOLDER_PARENT,
                                      snapshot_row(ref));
        if (parent == NOBODY)
            return;
        entity = folders->entity_of[ref >> 24][parent];
    }
}

static void revive_credits(struct census *census, uint32_t part, enum segment_column start,
                           enum segment_column artist, uint32_t row)
{
    const struct segment *segment = census->catalog->parts[part].segment;
    struct crowd *artists = &census->crowds[CATALOG_ARTIST];
    const uint32_t *starts = segment_u32s(segment, start);
    for (uint32_t credit = starts[row]; credit < starts[row + 1]; credit++)
        artists->is_alive[artists->entity_of[part][segment_u32(segment, artist, credit)]] = 1;
}

static bool track_row_lives(const struct census *census, uint32_t part, uint32_t row)
{
    const struct crowd *tracks = &census->crowds[CATALOG_TRACK];
    uint32_t entity = tracks->entity_of[part][row];
    return tracks->is_alive[entity] && tracks->refs[entity] == (part << 24 | row);
}

static void revive_from_tracks(struct census *census, uint32_t part)
{
    const struct segment *segment = census->catalog->parts[part].segment;
    const uint32_t *tracks = segment_u32s(segment, COLUMN_ALBUM_TRACK);
    struct crowd *albums = &census->crowds[CATALOG_ALBUM];
    for (uint32_t album = 0; album < segment->rows[TABLE_ALBUMS]; album++)
        for (uint32_t track = tracks[album]; track < tracks[album + 1]; track++) {
            if (!track_row_lives(census, part, track))
                continue;
            albums->is_alive[albums->entity_of[part][album]] = 1;
            revive_credits(census, part, COLUMN_TRACK_CREDIT, COLUMN_TRACK_CREDIT_ARTIST, track);
            revive_folder(census, part, segment_u32(segment, COLUMN_TRACK_FOLDER, track));
        }
}

static void revive_album_artists(struct census *census)
{
    const struct crowd *albums = &census->crowds[CATALOG_ALBUM];
    for (uint32_t entity = 0; entity < albums->count; entity++)
        if (albums->is_alive[entity])
            revive_credits(census, albums->refs[entity] >> 24, COLUMN_ALBUM_CREDIT,
                           COLUMN_ALBUM_CREDIT_ARTIST, snapshot_row(albums->refs[entity]));
}

/* --- 4. numbers --- */

static bool name_before(const void *context, uint32_t a, uint32_t b)
{
    const struct crowd *crowd = ((const void *const *)context)[0];
    const struct catalog *catalog = ((const void *const *)context)[1];
    uint32_t x = crowd->refs[a], y = crowd->refs[b];
    if (x >> 24 == y >> 24)
        return snapshot_row(x) < snapshot_row(y); /* within a segment rows are in order */
    int order = bytes_compare(snapshot_text(catalog, kinds[crowd->kind].order, x),
                              snapshot_text(catalog, kinds[crowd->kind].order, y));
    return order ? order < 0
                 : catalog_id_compare(id_of_ref(catalog, crowd->kind, x),
                                      id_of_ref(catalog, crowd->kind, y)) < 0;
}

/* Living entities, part by part in order of row: a few ascending runs. */
static uint32_t *living(const struct catalog *catalog, const struct crowd *crowd,
                        uint32_t *ret_count)
{
    uint32_t *entities = scratch_alloc(catalog, crowd->count * sizeof *entities), count = 0;
    for (uint32_t part = 0; part < catalog->part_count; part++)
        for (uint32_t row = 0; row < catalog->parts[part].segment->rows[kinds[crowd->kind].table];
             row++) {
            uint32_t entity = crowd->entity_of[part][row];
            if (crowd->is_alive[entity] && crowd->refs[entity] == (part << 24 | row))
                entities[count++] = entity;
        }
    *ret_count = count;
    return entities;
}

static uint32_t **numbers_of(struct catalog_part *part, enum catalog_kind kind)
{
    switch (kind) {
    case CATALOG_TRACK:
        return &part->track_number;
    case CATALOG_ALBUM:
        return &part->album_number;
    case CATALOG_ARTIST:
        return &part->artist_number;
    default:
        return &part->folder_number;
    }
}

/* The order is final: refs, rows and slots speak of numbers from now on. */
static void number(struct catalog *catalog, struct crowd *crowd, const uint32_t *entities,
                   uint32_t count)
{
    enum catalog_kind kind = crowd->kind;
    uint32_t *number_of = scratch_alloc(catalog, crowd->count * sizeof *number_of);
    bytes_fill(number_of, 0xff, crowd->count * sizeof *number_of);
    catalog->counts[kind] = count;
    catalog->refs[kind] = snapshot_alloc(catalog, count * sizeof(uint32_t));
    for (uint32_t i = 0; i < count; i++) {
        catalog->refs[kind][i] = crowd->refs[entities[i]];
        number_of[entities[i]] = i;
    }
    for (uint32_t part = 0; part < catalog->part_count; part++) {
        uint32_t *numbers = *numbers_of(&catalog->parts[part], kind);
        for (uint32_t row = 0; row < catalog->parts[part].segment->rows[kinds[kind].table]; row++)
            numbers[row] = number_of[numbers[row]]; /* they were entities */
    }
    /* The dead keep no slot: the table is filled anew. */
    bytes_fill(catalog->slots[kind], 0, (catalog->slot_mask[kind] + (size_t)1) * sizeof(uint32_t));
    for (uint32_t i = 0; i < count; i++)
        catalog->slots[kind][snapshot_id_slot(catalog, kind, catalog->refs[kind],
                                              snapshot_id(catalog, kind, i))] = i + 1;
    scratch_free(catalog, number_of);
}

static void number_by_name(struct census *census, enum catalog_kind kind)
{
    struct crowd *crowd = &census->crowds[kind];
    const void *context[2] = {crowd, census->catalog};
    uint32_t count, *entities = living(census->catalog, crowd, &count);
    sort_by_rule(census->catalog, entities, count, name_before, context);
    number(census->catalog, crowd, entities, count);
    scratch_free(census->catalog, entities);
}

/* Parents before children, siblings by name; folders on a ring, which nobody can reach, get no
 * number. */
static void number_folders(struct census *census)
{
    struct catalog *catalog = census->catalog;
    struct crowd *folders = &census->crowds[CATALOG_FOLDER];
    const void *context[2] = {folders, catalog};
    uint32_t count, found = 0, *by_name = living(catalog, folders, &count);
    sort_by_rule(catalog, by_name, count, name_before, context);
    /* children of an entity as a chain: last child first, so that a stack gives them in order */
    uint32_t *child = scratch_alloc(catalog, folders->count * sizeof *child);
    uint32_t *sibling = scratch_alloc(catalog, folders->count * sizeof *sibling);
    uint32_t *stack = scratch_alloc(catalog, count * sizeof *stack), depth = 0;
    bytes_fill(child, 0xff, folders->count * sizeof *child);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t ref = folders->refs[by_name[i]];
        uint32_t parent =
            segment_u32(snapshot_segment(catalog, ref), COLUMN_FOLDER_PARENT, snapshot_row(ref));
        if (parent == NOBODY)
            continue;
        uint32_t owner = folders->entity_of[ref >> 24][parent];
        sibling[by_name[i]] = child[owner];
        child[owner] = by_name[i];
    }
    for (uint32_t i = count; i-- > 0;) {
        uint32_t ref = folders->refs[by_name[i]];
        if (segment_u32(snapshot_segment(catalog, ref), COLUMN_FOLDER_PARENT, snapshot_row(ref)) ==
            NOBODY)
            stack[depth++] = by_name[i];
    }
    for (; depth > 0;) {
        uint32_t entity = stack[--depth];
        by_name[found++] = entity; /* its place was read long ago: at most `count` are ever found */
        for (uint32_t next = child[entity]; next != NOBODY; next = sibling[next])
            stack[depth++] = next;
    }
    scratch_free(catalog, stack);
    scratch_free(catalog, sibling);
    scratch_free(catalog, child);
    number(catalog, folders, by_name, found);
    scratch_free(catalog, by_name);
}

/* By (album, disc, track), then as the segments have them. */
static void number_tracks(struct census *census)
{
    struct catalog *catalog = census->catalog;
    struct crowd *tracks = &census->crowds[CATALOG_TRACK];
    uint32_t count = 0, *entities = scratch_alloc(catalog, tracks->count * sizeof *entities);
    uint64_t *keys = scratch_alloc(catalog, tracks->count * sizeof *keys);
    for (uint32_t part = 0; part < catalog->part_count; part++) {
        const struct segment *segment = catalog->parts[part].segment;
        const uint32_t *starts = segment_u32s(segment, COLUMN_ALBUM_TRACK);
        for (uint32_t album = 0; album < segment->rows[TABLE_ALBUMS]; album++)
            for (uint32_t row = starts[album]; row < starts[album + 1]; row++) {
                if (!track_row_lives(census, part, row))
                    continue;
                keys[count] = (uint64_t)catalog->parts[part].album_number[album] << 32 |
                              (uint64_t)segment_u16(segment, COLUMN_TRACK_DISC, row) << 16 |
                              segment_u16(segment, COLUMN_TRACK_NUMBER, row);
                entities[count++] = tracks->entity_of[part][row];
            }
    }
    sort_by_key(catalog, keys, entities, count);
    scratch_free(catalog, keys);
    number(catalog, tracks, entities, count);
    scratch_free(catalog, entities);
}

/* --- genres: one entity per folded name --- */

static bool genre_before(const void *context, uint32_t a, uint32_t b)
{
    const struct catalog *catalog = context;
    return bytes_compare(snapshot_text(catalog, COLUMN_GENRE_FOLDED, a),
                         snapshot_text(catalog, COLUMN_GENRE_FOLDED, b)) < 0;
}

static void number_genres(struct catalog *catalog)
{
    uint32_t rows = rows_in_all(catalog, TABLE_GENRES), filled = 0;
    uint32_t *refs = scratch_alloc(catalog, rows * sizeof *refs);
    for (uint32_t part = 0; part < catalog->part_count; part++) {
        uint32_t own = catalog->parts[part].segment->rows[TABLE_GENRES];
        catalog->parts[part].genre_number = snapshot_alloc(catalog, own * sizeof(uint32_t));
        for (uint32_t row = 0; row < own; row++)
            refs[filled++] = part << 24 | row;
    }
    sort_by_rule(catalog, refs, rows, genre_before, catalog);
    catalog->genre_refs = snapshot_alloc(catalog, rows * sizeof(uint32_t));
    for (uint32_t i = 0; i < rows; i++) {
        if (i == 0 || genre_before(catalog, refs[i - 1], refs[i]))
            catalog->genre_refs[catalog->genres++] = refs[i];
        catalog->parts[refs[i] >> 24].genre_number[snapshot_row(refs[i])] = catalog->genres - 1;
    }
    scratch_free(catalog, refs);
}

/* The usual case; search then saves itself a look-up for each posting. */
static void find_identity(struct catalog *catalog)
{
    struct catalog_part *part = &catalog->parts[0];
    if (catalog->part_count != 1)
        return;
    uint32_t row = 0, rows = part->segment->rows[TABLE_TRACKS];
    while (row < rows && part->track_number[row] == row)
        row++;
    part->tracks_are_rows = row == rows;
}

void snapshot_resolve(struct catalog *catalog)
{
    struct census census = {.catalog = catalog};
    uint32_t *entity_of[CATALOG_ARTWORK][CATALOG_MAX_PARTS];
    for (unsigned kind = 0; kind < CATALOG_ARTWORK; kind++) {
        census.crowds[kind] =
            (struct crowd){.kind = (enum catalog_kind)kind, .entity_of = entity_of[kind]};
        for (uint32_t part = 0; part < catalog->part_count; part++) {
            uint32_t rows = catalog->parts[part].segment->rows[kinds[kind].table];
            uint32_t **numbers = numbers_of(&catalog->parts[part], (enum catalog_kind)kind);
            *numbers = entity_of[kind][part] = snapshot_alloc(catalog, rows * sizeof(uint32_t));
        }
        gather(catalog, &census.crowds[kind]);
    }
    remove_tracks(catalog, &census.crowds[CATALOG_TRACK]);
    for (uint32_t part = 0; part < catalog->part_count; part++)
        revive_from_tracks(&census, part);
    revive_album_artists(&census);
    number_folders(&census);
    number_by_name(&census, CATALOG_ARTIST);
    number_by_name(&census, CATALOG_ALBUM);
    number_tracks(&census);
    number_genres(catalog);
    find_identity(catalog);
    for (unsigned kind = CATALOG_ARTWORK; kind-- > 0;) {
        scratch_free(catalog, census.crowds[kind].is_alive);
        scratch_free(catalog, census.crowds[kind].refs);
    }
}

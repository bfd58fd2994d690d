// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/snapshot.h"
#include "catalog/utf8.h"

/* One entity: found by id, read as a row, summed up for a view. */

struct place {
    const struct segment *segment;
    const struct catalog_part *part;
    uint32_t row;
};

static struct place place_of(const struct catalog *catalog, enum catalog_kind kind, uint32_t number)
{
    CATALOG_ASSERT(number < catalog->counts[kind]);
    uint32_t ref = catalog->refs[kind][number];
    const struct catalog_part *part = &catalog->parts[ref >> 24];
    return (struct place){part->segment, part, snapshot_row(ref)};
}

uint32_t catalog_find(struct catalog_view view, enum catalog_kind kind, const struct catalog_id *id)
{
    const struct catalog *catalog = view.catalog;
    if (kind >= CATALOG_ARTWORK)
        return NOBODY;
    uint32_t slot = snapshot_id_slot(catalog, kind, catalog->refs[kind], id);
    uint32_t found = catalog->slots[kind][slot];
    return found && catalog_sees(view, kind, found - 1) ? found - 1 : NOBODY;
}

/* --- rows --- */

struct list_place {
    uint32_t first, count;
};

static struct list_place list_of(const struct segment *segment, enum segment_column starts,
                                 uint32_t row)
{
    const uint32_t *start = segment_u32s(segment, starts);
    return start ? (struct list_place){start[row], start[row + 1] - start[row]}
                 : (struct list_place){0, 0};
}

static struct catalog_texts genres_of(const struct segment *segment, enum segment_column starts,
                                      enum segment_column rows, uint32_t row)
{
    struct list_place list = list_of(segment, starts, row);
    return (struct catalog_texts){NULL, list.count, list.first, segment, (uint16_t)rows};
}

/* The part of a run of notes that has this kind; kinds ascend. */
static struct catalog_texts notes_of(const struct segment *segment, enum segment_column starts,
                                     enum segment_column kinds, enum segment_column texts,
                                     unsigned kind, uint32_t row)
{
    struct list_place list = list_of(segment, starts, row);
    uint32_t end = list.first + list.count, from = list.first;
    while (from < end && segment_u8(segment, kinds, from) < kind)
        from++;
    uint32_t to = from;
    while (to < end && segment_u8(segment, kinds, to) == kind)
        to++;
    return (struct catalog_texts){NULL, to - from, from, segment, (uint16_t)texts};
}

static struct catalog_credits credits_of(const struct catalog *catalog, const struct place *place,
                                         enum segment_column starts, enum segment_column artists)
{
    struct list_place list = list_of(place->segment, starts, place->row);
    return (struct catalog_credits){NULL,
                                    list.count,
                                    list.first,
                                    catalog,
                                    (uint8_t)(place->part - catalog->parts),
                                    (uint16_t)artists};
}

static enum catalog_explicit explicit_of(unsigned value)
{
    return value <= CATALOG_CLEAN ? (enum catalog_explicit)value : CATALOG_EXPLICIT_UNKNOWN;
}

static void read_track_core(const struct catalog *catalog, const struct place *at, uint32_t number,
                            struct track_row *ret)
{
    const struct segment *segment = at->segment;
    uint32_t row = at->row;
    ret->number = number;
    ret->album_number = catalog->track_album[number];
    ret->folder_number = catalog->track_folder[number];
    ret->library = segment->library;
    ret->id = *segment_id(segment, COLUMN_TRACK_ID, row);
    ret->album = *snapshot_id(catalog, CATALOG_ALBUM, ret->album_number);
    if (ret->folder_number != NOBODY)
        ret->folder = *snapshot_id(catalog, CATALOG_FOLDER, ret->folder_number);
    ret->artwork = segment_artwork(segment, COLUMN_TRACK_ARTWORK, row);
    ret->title = segment_text(segment, COLUMN_TRACK_TITLE, row);
    ret->display_artist = segment_text(segment, COLUMN_TRACK_DISPLAY_ARTIST, row);
    ret->credits = credits_of(catalog, at, COLUMN_TRACK_CREDIT, COLUMN_TRACK_CREDIT_ARTIST);
    ret->genres = genres_of(segment, COLUMN_TRACK_GENRE, COLUMN_TRACK_GENRE_ROW, row);
    ret->duration_ms = segment_u32(segment, COLUMN_TRACK_DURATION_MS, row);
    ret->track_number = segment_u16(segment, COLUMN_TRACK_NUMBER, row);
    ret->disc_number = segment_u16(segment, COLUMN_TRACK_DISC, row);
    ret->year = segment_u16(segment, COLUMN_TRACK_YEAR, row);
}

static struct catalog_texts track_notes(const struct segment *segment, unsigned kind, uint32_t row)
{
    return notes_of(segment, COLUMN_TRACK_NOTE, COLUMN_TRACK_NOTE_KIND, COLUMN_TRACK_NOTE_TEXT,
                    kind, row);
}

static void read_track_texts(const struct segment *segment, uint32_t row, struct track_row *ret)
{
    ret->sort_title = segment_text(segment, COLUMN_TRACK_SORT_TITLE, row);
    ret->display_composer = segment_text(segment, COLUMN_TRACK_DISPLAY_COMPOSER, row);
    ret->path = segment_text(segment, COLUMN_TRACK_PATH, row);
    ret->suffix = segment_text(segment, COLUMN_TRACK_SUFFIX, row);
    ret->content_type = segment_text(segment, COLUMN_TRACK_CONTENT_TYPE, row);
    ret->comment = segment_text(segment, COLUMN_TRACK_COMMENT, row);
    ret->musicbrainz_id = segment_text(segment, COLUMN_TRACK_MUSICBRAINZ_ID, row);
    ret->moods = track_notes(segment, TRACK_NOTE_MOOD, row);
    ret->isrcs = track_notes(segment, TRACK_NOTE_ISRC, row);
    ret->works = track_notes(segment, TRACK_NOTE_WORK, row);
    ret->movements = track_notes(segment, TRACK_NOTE_MOVEMENT, row);
}

static int16_t gain_of(const struct segment *segment, enum segment_column column, uint32_t row)
{
    return segment->has_detail ? (int16_t)segment_u16(segment, column, row)
                               : (int16_t)CATALOG_NO_GAIN;
}

static void read_track_facts(const struct segment *segment, uint32_t row, struct track_row *ret)
{
    uint8_t flags = segment_u8(segment, COLUMN_TRACK_FLAGS, row);
    ret->size_bytes = segment_u64(segment, COLUMN_TRACK_SIZE, row);
    ret->version = segment_u64(segment, COLUMN_TRACK_VERSION, row);
    ret->created_ms = (int64_t)segment_u64(segment, COLUMN_TRACK_CREATED_MS, row);
    ret->modified_ms = (int64_t)segment_u64(segment, COLUMN_TRACK_MODIFIED_MS, row);
    ret->bit_rate_kbps = segment_u32(segment, COLUMN_TRACK_BIT_RATE, row);
    ret->sampling_rate_hz = segment_u32(segment, COLUMN_TRACK_SAMPLING_RATE, row);
    ret->bpm = segment_u16(segment, COLUMN_TRACK_BPM, row);
    ret->bit_depth = segment_u8(segment, COLUMN_TRACK_BIT_DEPTH, row);
    ret->channels = segment_u8(segment, COLUMN_TRACK_CHANNELS, row);
    ret->explicit_status = explicit_of(flags & 3);
    ret->has_lyrics = flags & 4;
    ret->gain = (struct catalog_gain){
        .track_cdb = gain_of(segment, COLUMN_TRACK_GAIN, row),
        .album_cdb = gain_of(segment, COLUMN_TRACK_ALBUM_GAIN, row),
        .base_cdb = gain_of(segment, COLUMN_TRACK_BASE_GAIN, row),
        .fallback_cdb = gain_of(segment, COLUMN_TRACK_FALLBACK_GAIN, row),
        .track_peak_ppm = segment_u32(segment, COLUMN_TRACK_PEAK, row),
        .album_peak_ppm = segment_u32(segment, COLUMN_TRACK_ALBUM_PEAK, row),
    };
}

void catalog_track(const struct catalog *catalog, uint32_t number, struct track_row *ret)
{
    struct place at = place_of(catalog, CATALOG_TRACK, number);
    *ret = (struct track_row){0};
    read_track_core(catalog, &at, number, ret);
    read_track_texts(at.segment, at.row, ret);
    read_track_facts(at.segment, at.row, ret);
}

static struct catalog_date date_of(uint32_t packed)
{
    return (struct catalog_date){(uint16_t)(packed >> 16), (uint8_t)(packed >> 8), (uint8_t)packed};
}

static struct catalog_texts album_notes(const struct segment *segment, unsigned kind, uint32_t row)
{
    return notes_of(segment, COLUMN_ALBUM_NOTE, COLUMN_ALBUM_NOTE_KIND, COLUMN_ALBUM_NOTE_TEXT,
                    kind, row);
}

static void read_album_detail(const struct segment *segment, uint32_t row, struct album_row *ret)
{
    struct list_place discs = list_of(segment, COLUMN_ALBUM_DISC, row);
    ret->sort_name = segment_text(segment, COLUMN_ALBUM_SORT_NAME, row);
    ret->version = segment_text(segment, COLUMN_ALBUM_VERSION, row);
    ret->musicbrainz_id = segment_text(segment, COLUMN_ALBUM_MUSICBRAINZ_ID, row);
    ret->moods = album_notes(segment, ALBUM_NOTE_MOOD, row);
    ret->release_types = album_notes(segment, ALBUM_NOTE_RELEASE_TYPE, row);
    ret->labels = album_notes(segment, ALBUM_NOTE_LABEL, row);
    ret->disc_titles = (struct catalog_discs){NULL, discs.count, discs.first, segment};
    ret->original_date = date_of(segment_u32(segment, COLUMN_ALBUM_ORIGINAL_DATE, row));
    ret->release_date = date_of(segment_u32(segment, COLUMN_ALBUM_RELEASE_DATE, row));
    ret->explicit_status = explicit_of(segment_u8(segment, COLUMN_ALBUM_EXPLICIT, row));
}

void catalog_album(const struct catalog *catalog, uint32_t number, struct album_row *ret)
{
    struct place at = place_of(catalog, CATALOG_ALBUM, number);
    *ret = (struct album_row){
        .id = *segment_id(at.segment, COLUMN_ALBUM_ID, at.row),
        .artwork = segment_artwork(at.segment, COLUMN_ALBUM_ARTWORK, at.row),
        .name = segment_text(at.segment, COLUMN_ALBUM_NAME, at.row),
        .display_artist = segment_text(at.segment, COLUMN_ALBUM_DISPLAY_ARTIST, at.row),
        .credits = credits_of(catalog, &at, COLUMN_ALBUM_CREDIT, COLUMN_ALBUM_CREDIT_ARTIST),
        .genres = genres_of(at.segment, COLUMN_ALBUM_GENRE, COLUMN_ALBUM_GENRE_ROW, at.row),
        .year = segment_u16(at.segment, COLUMN_ALBUM_YEAR, at.row),
        .is_compilation = segment_u8(at.segment, COLUMN_ALBUM_FLAGS, at.row) & 1,
        .created_ms = (int64_t)segment_u64(at.segment, COLUMN_ALBUM_CREATED_MS, at.row),
        .number = number,
        .song_count = catalog->album_first[number + 1] - catalog->album_first[number],
        .first_track = catalog->album_first[number],
        .duration_ms = catalog->album_duration_ms[number],
        .libraries = catalog->seen_in[CATALOG_ALBUM][number],
    };
    read_album_detail(at.segment, at.row, ret);
}

static uint32_t related_count(const struct relation *relation, uint32_t owner)
{
    return relation->start[owner + 1] - relation->start[owner];
}

void catalog_artist(const struct catalog *catalog, uint32_t number, struct artist_row *ret)
{
    struct place at = place_of(catalog, CATALOG_ARTIST, number);
    *ret = (struct artist_row){
        .id = *segment_id(at.segment, COLUMN_ARTIST_ID, at.row),
        .artwork = segment_artwork(at.segment, COLUMN_ARTIST_ARTWORK, at.row),
        .name = segment_text(at.segment, COLUMN_ARTIST_NAME, at.row),
        .sort_name = segment_text(at.segment, COLUMN_ARTIST_SORT_NAME, at.row),
        .musicbrainz_id = segment_text(at.segment, COLUMN_ARTIST_MUSICBRAINZ_ID, at.row),
        .disambiguation = segment_text(at.segment, COLUMN_ARTIST_DISAMBIGUATION, at.row),
        .number = number,
        .album_count = related_count(&catalog->artist_albums, number),
        .song_count = related_count(&catalog->artist_tracks, number),
        .roles = catalog->artist_roles[number],
        .libraries = catalog->seen_in[CATALOG_ARTIST][number],
    };
}

void catalog_folder(const struct catalog *catalog, uint32_t number, struct folder_row *ret)
{
    struct place at = place_of(catalog, CATALOG_FOLDER, number);
    uint32_t parent = catalog->folder_parent[number];
    *ret = (struct folder_row){
        .id = *segment_id(at.segment, COLUMN_FOLDER_ID, at.row),
        .artwork = segment_artwork(at.segment, COLUMN_FOLDER_ARTWORK, at.row),
        .name = segment_text(at.segment, COLUMN_FOLDER_NAME, at.row),
        .library = at.segment->library,
        .number = number,
        .parent_number = parent,
    };
    if (parent != NOBODY)
        ret->parent = *snapshot_id(catalog, CATALOG_FOLDER, parent);
}

/* --- for a view --- */

static bool sees(struct catalog_view view, enum catalog_kind kind, uint32_t number)
{
    return (view.catalog->seen_in[kind][number] & view.libraries) != 0;
}

static bool sees_all_of(struct catalog_view view, enum catalog_kind kind, uint32_t number)
{
    return (view.catalog->seen_in[kind][number] & ~view.libraries) == 0;
}

static uint32_t track_ms(const struct catalog *catalog, uint32_t track)
{
    uint32_t ref = catalog->refs[CATALOG_TRACK][track];
    return segment_u32(snapshot_segment(catalog, ref), COLUMN_TRACK_DURATION_MS, snapshot_row(ref));
}

static struct catalog_figures figures_of_album(struct catalog_view view, uint32_t album)
{
    const uint32_t *first = view.catalog->album_first + album;
    struct catalog_figures figures = {0, 1, 0};
    if (sees_all_of(view, CATALOG_ALBUM, album))
        return (struct catalog_figures){first[1] - first[0], 1,
                                        view.catalog->album_duration_ms[album]};
    for (uint32_t track = first[0]; track < first[1]; track++)
        if (sees(view, CATALOG_TRACK, track)) {
            figures.songs++;
            figures.duration_ms += track_ms(view.catalog, track);
        }
    return figures;
}

static uint32_t count_seen(struct catalog_view view, enum catalog_kind kind,
                           const struct relation *relation, uint32_t owner)
{
    uint32_t count = 0;
    for (uint32_t i = relation->start[owner]; i < relation->start[owner + 1]; i++)
        count += sees(view, kind, relation->items[i]);
    return count;
}

struct catalog_figures catalog_figures(struct catalog_view view, enum catalog_kind kind,
                                       uint32_t number)
{
    const struct catalog *catalog = view.catalog;
    struct catalog_figures figures = {0, 0, 0};
    if (!catalog_sees(view, kind, number))
        return figures;
    if (kind == CATALOG_ALBUM)
        return figures_of_album(view, number);
    if (kind == CATALOG_TRACK)
        return (struct catalog_figures){1, 1, track_ms(catalog, number)};
    if (kind == CATALOG_FOLDER) {
        figures.songs = count_seen(view, CATALOG_TRACK, &catalog->folder_tracks, number);
        return figures;
    }
    figures.albums = count_seen(view, CATALOG_ALBUM, &catalog->artist_albums, number);
    const struct relation *tracks = &catalog->artist_tracks;
    for (uint32_t i = tracks->start[number]; i < tracks->start[number + 1]; i++)
        if (sees(view, CATALOG_TRACK, tracks->items[i])) {
            figures.songs++;
            figures.duration_ms += track_ms(catalog, tracks->items[i]);
        }
    return figures;
}

/* --- pictures --- */

static struct catalog_id own_artwork(const struct catalog *catalog, enum catalog_kind kind,
                                     uint32_t number)
{
    static const enum segment_column columns[] = {COLUMN_TRACK_ARTWORK, COLUMN_ALBUM_ARTWORK,
                                                  COLUMN_ARTIST_ARTWORK, COLUMN_FOLDER_ARTWORK};
    struct place at = place_of(catalog, kind, number);
    return segment_artwork(at.segment, columns[kind], at.row);
}

/* Of its own, or of its first track that the view sees and that has one. */
static struct catalog_id album_artwork(struct catalog_view view, uint32_t album)
{
    struct catalog_id artwork = own_artwork(view.catalog, CATALOG_ALBUM, album);
    const uint32_t *first = view.catalog->album_first + album;
    for (uint32_t track = first[0]; track < first[1] && catalog_id_is_none(&artwork); track++)
        if (sees(view, CATALOG_TRACK, track))
            artwork = own_artwork(view.catalog, CATALOG_TRACK, track);
    return artwork;
}

/* Of the first few albums of a relation that the view sees. */
static struct catalog_id related_artwork(struct catalog_view view, const struct relation *relation,
                                         uint32_t owner)
{
    struct catalog_id artwork = {{0}};
    uint32_t end = relation->start[owner + 1], from = relation->start[owner];
    for (uint32_t i = from; i < end && i < from + 64 && catalog_id_is_none(&artwork); i++)
        if (sees(view, CATALOG_ALBUM, relation->items[i]))
            artwork = album_artwork(view, relation->items[i]);
    return artwork;
}

struct catalog_id catalog_artwork(struct catalog_view view, enum catalog_kind kind, uint32_t number)
{
    const struct catalog *catalog = view.catalog;
    if (!catalog_sees(view, kind, number))
        return (struct catalog_id){{0}};
    if (kind == CATALOG_ALBUM)
        return album_artwork(view, number);
    struct catalog_id artwork = own_artwork(catalog, kind, number);
    if (!catalog_id_is_none(&artwork))
        return artwork;
    if (kind == CATALOG_TRACK)
        return album_artwork(view, catalog->track_album[number]);
    if (kind == CATALOG_ARTIST) {
        artwork = related_artwork(view, &catalog->artist_albums, number);
        return catalog_id_is_none(&artwork)
                   ? related_artwork(view, &catalog->artist_appearances, number)
                   : artwork;
    }
    const struct relation *tracks = &catalog->folder_tracks;
    for (uint32_t i = tracks->start[number]; i < tracks->start[number + 1]; i++)
        if (sees(view, CATALOG_TRACK, tracks->items[i]))
            return album_artwork(view, catalog->track_album[tracks->items[i]]);
    return artwork;
}

/* --- headings --- */

static uint32_t capital(uint32_t point)
{
    if ((point >= 'a' && point <= 'z') || (point >= 0x3b1 && point <= 0x3c9) ||
        (point >= 0x430 && point <= 0x44f))
        return point - 0x20;
    if (point >= 0x450 && point <= 0x45f)
        return point - 0x50;
    return point;
}

/* Letters that lists of names have headings for: Latin, Greek, Cyrillic, Hebrew, Arabic, kana. */
static bool is_heading(uint32_t point)
{
    return (point >= 'A' && point <= 'Z') || (point >= 0x370 && point <= 0x52f) ||
           (point >= 0x531 && point <= 0x556) || (point >= 0x5d0 && point <= 0x5ea) ||
           (point >= 0x620 && point <= 0x64a) || (point >= 0x3041 && point <= 0x3096);
}

struct text catalog_artist_heading(const struct catalog *catalog, uint32_t artist,
                                   struct catalog_heading *storage)
{
    struct place at = place_of(catalog, CATALOG_ARTIST, artist);
    struct text order = segment_text(at.segment, COLUMN_ARTIST_ORDER, at.row);
    size_t offset = 0;
    uint32_t point = order.size ? capital(utf8_next(order, &offset)) : '#';
    return text_make(storage->digits, utf8_put(is_heading(point) ? point : '#', storage->digits));
}

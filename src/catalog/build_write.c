// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "catalog/build_rows.h"
#include "catalog/build_words.h"
#include "catalog/bytes.h"
#include "catalog/fold.h"
#include "catalog/segment_writer.h"
#include <stddef.h>

/*
 * How a build becomes a segment: 1. every table gets its order (final row -> kept row); 2. every
 * column gets a source, which says where its values lie in the kept rows; then segment_writer
 * writes them.
 */
struct writing {
    struct build *build;
    struct dictionary dictionary;
    struct segment_source segment;
    uint32_t *order[TABLE_COUNT]; /* owned; NULL: as kept */
    uint32_t *map[TABLE_COUNT];   /* kept row -> final row, of tables that others refer to; owned */
};

/* --- 1. orders --- */

static const void *kept_row(const struct rows *rows, uint32_t number, size_t row_size)
{
    return (const char *)rows->data + number * row_size;
}
#define KEPT(rows, type, number) \
    ((const struct type *)kept_row(&(rows), number, sizeof(struct type)))

struct text_order {
    const struct build *build;
    const struct rows *rows;
    size_t row_size, text_at;
    const struct id_pool *ids;
};

static int compare_by_text(const void *a_p, const void *b_p, void *context)
{
    const struct text_order *by = context;
    uint32_t a = *(const uint32_t *)a_p, b = *(const uint32_t *)b_p, a_text, b_text;
    memcpy(&a_text, (const char *)kept_row(by->rows, a, by->row_size) + by->text_at, sizeof a_text);
    memcpy(&b_text, (const char *)kept_row(by->rows, b, by->row_size) + by->text_at, sizeof b_text);
    const struct string_pool *pool = &by->build->strings;
    int order = a_text == b_text
                    ? 0
                    : bytes_compare(string_pool_at(pool, a_text), string_pool_at(pool, b_text));
    return order ? order : catalog_id_compare(&by->ids->ids[a], &by->ids->ids[b]);
}

static void set_order(struct writing *w, enum segment_table table, uint32_t count,
                      int compare(const void *, const void *, void *), void *context)
{
    uint32_t *order = mem_alloc((count + 1) * sizeof *order);
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof *order, compare, context);
    w->segment.rows[table] = count;
    w->order[table] = order;
    w->map[table] = mem_alloc((count + 1) * sizeof *order);
    for (uint32_t i = 0; i < count; i++)
        w->map[table][order[i]] = i;
}

static void order_by_text(struct writing *w, enum segment_table table, const struct rows *rows,
                          size_t row_size, size_t text_at, enum catalog_kind kind)
{
    struct text_order by = {w->build, rows, row_size, text_at, &w->build->ids[kind]};
    set_order(w, table, rows->count, compare_by_text, &by);
}

static int compare_genres(const void *a, const void *b, void *context)
{
    const struct text *folded = context;
    return bytes_compare(folded[*(const uint32_t *)a], folded[*(const uint32_t *)b]);
}

static int compare_tracks(const void *a_p, const void *b_p, void *context)
{
    const struct writing *w = context;
    uint32_t a = *(const uint32_t *)a_p, b = *(const uint32_t *)b_p;
    const struct kept_track *x = KEPT(w->build->tracks, kept_track, a),
                            *y = KEPT(w->build->tracks, kept_track, b);
    uint32_t album_x = w->map[TABLE_ALBUMS][x->album], album_y = w->map[TABLE_ALBUMS][y->album];
    if (album_x != album_y)
        return album_x < album_y ? -1 : 1;
    if (x->disc != y->disc)
        return x->disc < y->disc ? -1 : 1;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    const struct string_pool *pool = &w->build->strings;
    int order = bytes_compare(string_pool_at(pool, x->folded), string_pool_at(pool, y->folded));
    const struct catalog_id *ids = w->build->ids[CATALOG_TRACK].ids;
    return order ? order : catalog_id_compare(&ids[a], &ids[b]);
}

static int compare_removals(const void *a, const void *b, void *context)
{
    const struct catalog_id *ids = context;
    return catalog_id_compare(&ids[*(const uint32_t *)a], &ids[*(const uint32_t *)b]);
}

/* The rows of a list table, in order of the rows that own them. */
static void order_list(struct writing *w, enum segment_table table, enum segment_table owners,
                       const struct rows *rows, size_t row_size, size_t list_at)
{
    uint64_t count = 0;
    uint32_t capacity = 0;
    for (uint32_t row = 0; row < w->segment.rows[owners]; row++) {
        struct kept_list list;
        memcpy(&list, (const char *)kept_row(rows, row, row_size) + list_at, sizeof list);
        capacity += list.count;
    }
    uint32_t *order = mem_alloc((capacity + 1) * sizeof *order);
    for (uint32_t row = 0; row < w->segment.rows[owners]; row++) {
        struct kept_list list;
        memcpy(&list, (const char *)kept_row(rows, w->order[owners][row], row_size) + list_at,
               sizeof list);
        for (uint32_t i = 0; i < list.count; i++)
            order[count++] = list.first + i;
    }
    w->segment.rows[table] = capacity;
    w->order[table] = order;
}

static void set_orders(struct writing *w, const struct text *folded_genres)
{
    const struct build *build = w->build;
    order_by_text(w, TABLE_ALBUMS, &build->albums, sizeof(struct kept_album),
                  offsetof(struct kept_album, order), CATALOG_ALBUM);
    order_by_text(w, TABLE_ARTISTS, &build->artists, sizeof(struct kept_artist),
                  offsetof(struct kept_artist, order), CATALOG_ARTIST);
    order_by_text(w, TABLE_FOLDERS, &build->folders, sizeof(struct kept_folder),
                  offsetof(struct kept_folder, order), CATALOG_FOLDER);
    set_order(w, TABLE_GENRES, build->genres.count - 1, compare_genres,
              (void *)(uintptr_t)folded_genres);
    set_order(w, TABLE_TRACKS, build->tracks.count, compare_tracks, w);
    set_order(w, TABLE_REMOVALS, build->removals.count, compare_removals, build->removals.ids);
    w->segment.rows[TABLE_ARTWORKS] = build->ids[CATALOG_ARTWORK].count;
#define LIST(TABLE, OWNERS, rows, type, list)                                       \
    order_list(w, TABLE_##TABLE, TABLE_##OWNERS, &build->rows, sizeof(struct type), \
               offsetof(struct type, list))
    LIST(TRACK_CREDITS, TRACKS, tracks, kept_track, credits);
    LIST(ALBUM_CREDITS, ALBUMS, albums, kept_album, credits);
    LIST(TRACK_GENRES, TRACKS, tracks, kept_track, genres);
    LIST(ALBUM_GENRES, ALBUMS, albums, kept_album, genres);
    LIST(TRACK_NOTES, TRACKS, tracks, kept_track, notes);
    LIST(ALBUM_NOTES, ALBUMS, albums, kept_album, notes);
    LIST(DISCS, ALBUMS, albums, kept_album, discs);
#undef LIST
}

/* Tracks per album; the tracks of an album stand together. */
static void count_album_tracks(const struct build *build)
{
    struct kept_album *albums = build->albums.data;
    for (uint32_t i = 0; i < build->tracks.count; i++)
        albums[KEPT(build->tracks, kept_track, i)->album].track_count++;
}

/* --- the dictionary --- */

static void add_names(struct writing *w, enum dictionary_kind kind, enum segment_table table,
                      const struct rows *rows, size_t row_size, size_t name_at, size_t sort_at)
{
    for (uint32_t row = 0; row < w->segment.rows[table]; row++) {
        const char *kept = kept_row(rows, w->order[table][row], row_size);
        uint32_t name, sort_name;
        memcpy(&name, kept + name_at, sizeof name);
        memcpy(&sort_name, kept + sort_at, sizeof sort_name);
        dictionary_name(&w->dictionary, kind, row, string_pool_at(&w->build->strings, name), false);
        if (sort_name)
            dictionary_name(&w->dictionary, kind, row, string_pool_at(&w->build->notes, sort_name),
                            true);
    }
}

static void fill_dictionary(struct writing *w)
{
    const struct build *build = w->build;
    dictionary_init(&w->dictionary);
    add_names(w, DICTIONARY_TRACKS, TABLE_TRACKS, &build->tracks, sizeof(struct kept_track),
              offsetof(struct kept_track, title), offsetof(struct kept_track, sort_title));
    add_names(w, DICTIONARY_ALBUMS, TABLE_ALBUMS, &build->albums, sizeof(struct kept_album),
              offsetof(struct kept_album, name), offsetof(struct kept_album, sort_name));
    add_names(w, DICTIONARY_ARTISTS, TABLE_ARTISTS, &build->artists, sizeof(struct kept_artist),
              offsetof(struct kept_artist, name), offsetof(struct kept_artist, sort_name));
    dictionary_finish(&w->dictionary);
    w->segment.rows[TABLE_WORDS] = w->dictionary.count;
    w->segment.rows[TABLE_WORD_BYTES] = w->dictionary.size;
    w->segment.rows[TABLE_TRACK_POSTINGS] = w->dictionary.posting_counts[DICTIONARY_TRACKS];
    w->segment.rows[TABLE_ALBUM_POSTINGS] = w->dictionary.posting_counts[DICTIONARY_ALBUMS];
    w->segment.rows[TABLE_ARTIST_POSTINGS] = w->dictionary.posting_counts[DICTIONARY_ARTISTS];
}

/* --- 2. sources --- */

static void field(struct writing *w, enum segment_column column, const struct rows *rows,
                  size_t row_size, size_t at)
{
    const struct column_spec *spec = &column_specs[column];
    bool is_ref = spec->kind == KIND_REF || spec->kind == KIND_OPTION;
    w->segment.columns[column] = (struct column_source){
        .base = rows->data ? (const char *)rows->data + at : NULL, /* no rows: never looked at */
        .stride = row_size,
        .order = w->order[spec->table],
        .map = is_ref ? w->map[spec->target] : NULL,
        .is_count = spec->kind == KIND_START,
    };
}

static void array(struct writing *w, enum segment_column column, const void *base)
{
    w->segment.columns[column] =
        (struct column_source){.base = base,
                               .stride = column_specs[column].width,
                               .order = w->order[column_specs[column].table]};
}

#define FIELD(COLUMN, rows, type, member) \
    field(w, COLUMN_##COLUMN, &w->build->rows, sizeof(struct type), offsetof(struct type, member))
#define TRACK(COLUMN, member) FIELD(TRACK_##COLUMN, tracks, kept_track, member)
#define ALBUM(COLUMN, member) FIELD(ALBUM_##COLUMN, albums, kept_album, member)
#define ARTIST(COLUMN, member) FIELD(ARTIST_##COLUMN, artists, kept_artist, member)
#define FOLDER(COLUMN, member) FIELD(FOLDER_##COLUMN, folders, kept_folder, member)

static void track_sources(struct writing *w)
{
    TRACK(TITLE, title), TRACK(FOLDED, folded), TRACK(DISPLAY_ARTIST, display_artist),
        TRACK(FOLDER, folder);
    TRACK(ARTWORK, artwork), TRACK(CREDIT, credits.count), TRACK(GENRE, genres.count),
        TRACK(NOTE, notes.count);
    TRACK(DURATION_MS, duration_ms), TRACK(NUMBER, number), TRACK(DISC, disc), TRACK(YEAR, year);
    TRACK(SORT_TITLE, sort_title), TRACK(DISPLAY_COMPOSER, display_composer), TRACK(PATH, path);
    TRACK(SUFFIX, suffix), TRACK(CONTENT_TYPE, content_type), TRACK(COMMENT, comment);
    TRACK(MUSICBRAINZ_ID, musicbrainz_id), TRACK(SIZE, size), TRACK(VERSION, version),
        TRACK(CREATED_MS, created_ms);
    TRACK(MODIFIED_MS, modified_ms), TRACK(BIT_RATE, bit_rate), TRACK(SAMPLING_RATE, sampling_rate);
    TRACK(PEAK, peak), TRACK(ALBUM_PEAK, album_peak), TRACK(GAIN, gain),
        TRACK(ALBUM_GAIN, album_gain);
    TRACK(BASE_GAIN, base_gain), TRACK(FALLBACK_GAIN, fallback_gain), TRACK(BPM, bpm),
        TRACK(BIT_DEPTH, bit_depth);
    TRACK(CHANNELS, channels), TRACK(FLAGS, flags);
    array(w, COLUMN_TRACK_ID, w->build->ids[CATALOG_TRACK].ids);
}

static void album_sources(struct writing *w)
{
    ALBUM(NAME, name), ALBUM(FOLDED, folded), ALBUM(ORDER, order),
        ALBUM(DISPLAY_ARTIST, display_artist);
    ALBUM(ARTWORK, artwork), ALBUM(CREDIT, credits.count), ALBUM(GENRE, genres.count),
        ALBUM(TRACK, track_count);
    ALBUM(CREATED_MS, created_ms), ALBUM(YEAR, year), ALBUM(FLAGS, flags),
        ALBUM(SORT_NAME, sort_name);
    ALBUM(VERSION, version), ALBUM(MUSICBRAINZ_ID, musicbrainz_id),
        ALBUM(ORIGINAL_DATE, original_date);
    ALBUM(RELEASE_DATE, release_date), ALBUM(EXPLICIT, explicit_status), ALBUM(NOTE, notes.count);
    ALBUM(DISC, discs.count);
    array(w, COLUMN_ALBUM_ID, w->build->ids[CATALOG_ALBUM].ids);
}

static void artist_and_folder_sources(struct writing *w)
{
    ARTIST(NAME, name), ARTIST(FOLDED, folded), ARTIST(ORDER, order), ARTIST(ARTWORK, artwork);
    ARTIST(SORT_NAME, sort_name), ARTIST(MUSICBRAINZ_ID, musicbrainz_id),
        ARTIST(DISAMBIGUATION, disambiguation);
    FOLDER(NAME, name), FOLDER(ORDER, order), FOLDER(PARENT, parent), FOLDER(ARTWORK, artwork);
    array(w, COLUMN_ARTIST_ID, w->build->ids[CATALOG_ARTIST].ids);
    array(w, COLUMN_FOLDER_ID, w->build->ids[CATALOG_FOLDER].ids);
    array(w, COLUMN_ARTWORK_ID, w->build->ids[CATALOG_ARTWORK].ids);
    array(w, COLUMN_REMOVAL_ID, w->build->removals.ids);
}

static void list_sources(struct writing *w)
{
    FIELD(TRACK_CREDIT_ARTIST, track_credits, kept_credit, artist),
        FIELD(TRACK_CREDIT_ROLE, track_credits, kept_credit, role);
    FIELD(TRACK_CREDIT_NAME, track_credits, kept_credit, name),
        FIELD(TRACK_CREDIT_SUB_ROLE, track_credits, kept_credit, sub_role);
    FIELD(ALBUM_CREDIT_ARTIST, album_credits, kept_credit, artist),
        FIELD(ALBUM_CREDIT_ROLE, album_credits, kept_credit, role);
    FIELD(ALBUM_CREDIT_NAME, album_credits, kept_credit, name),
        FIELD(ALBUM_CREDIT_SUB_ROLE, album_credits, kept_credit, sub_role);
    FIELD(TRACK_NOTE_KIND, track_notes, kept_note, kind),
        FIELD(TRACK_NOTE_TEXT, track_notes, kept_note, text);
    FIELD(ALBUM_NOTE_KIND, album_notes, kept_note, kind),
        FIELD(ALBUM_NOTE_TEXT, album_notes, kept_note, text);
    FIELD(DISC_NUMBER, discs, kept_disc, number), FIELD(DISC_TITLE, discs, kept_disc, title);
    field(w, COLUMN_TRACK_GENRE_ROW, &w->build->track_genres, sizeof(uint32_t), 0);
    field(w, COLUMN_ALBUM_GENRE_ROW, &w->build->album_genres, sizeof(uint32_t), 0);
}

static void dictionary_sources(struct writing *w)
{
    const struct dictionary *d = &w->dictionary;
    array(w, COLUMN_WORD, d->starts), array(w, COLUMN_WORD_BYTE, d->bytes),
        array(w, COLUMN_WORD_LETTERS, d->letters);
    array(w, COLUMN_WORD_TRACKS, d->posting_starts[DICTIONARY_TRACKS]);
    array(w, COLUMN_WORD_ALBUMS, d->posting_starts[DICTIONARY_ALBUMS]);
    array(w, COLUMN_WORD_ARTISTS, d->posting_starts[DICTIONARY_ARTISTS]);
    array(w, COLUMN_TRACK_POSTING, d->postings[DICTIONARY_TRACKS]);
    array(w, COLUMN_ALBUM_POSTING, d->postings[DICTIONARY_ALBUMS]);
    array(w, COLUMN_ARTIST_POSTING, d->postings[DICTIONARY_ARTISTS]);
}

/* After this the pools are not written to, so their arrays stay where they are. */
static void string_sources(struct writing *w, const uint32_t *genre_names,
                           const uint32_t *genre_folded)
{
    const struct build *build = w->build;
    array(w, COLUMN_GENRE_NAME, genre_names), array(w, COLUMN_GENRE_FOLDED, genre_folded);
    array(w, COLUMN_STRING, build->strings.starts),
        array(w, COLUMN_STRING_BYTE, build->strings.bytes);
    array(w, COLUMN_NOTE_STRING, build->notes.starts),
        array(w, COLUMN_NOTE_BYTE, build->notes.bytes);
    w->segment.rows[TABLE_STRINGS] = build->strings.count;
    w->segment.rows[TABLE_STRING_BYTES] = build->strings.size;
    w->segment.rows[TABLE_NOTE_STRINGS] = build->notes.count;
    w->segment.rows[TABLE_NOTE_BYTES] = build->notes.size;
}

/* --- finishing --- */

static bool kind_dangles(const struct build *build, enum catalog_kind kind, const struct rows *rows,
                         size_t row_size, size_t given_at, struct catalog_id *ret_id)
{
    for (uint32_t i = 0; i < build->ids[kind].count; i++)
        if (i >= rows->count || !*((const char *)kept_row(rows, i, row_size) + given_at)) {
            *ret_id = build->ids[kind].ids[i];
            return true;
        }
    return false;
}

static enum build_result check(const struct build *build, struct catalog_id *ret_id)
{
    if (kind_dangles(build, CATALOG_ALBUM, &build->albums, sizeof(struct kept_album),
                     offsetof(struct kept_album, is_given), ret_id) ||
        kind_dangles(build, CATALOG_ARTIST, &build->artists, sizeof(struct kept_artist),
                     offsetof(struct kept_artist, is_given), ret_id) ||
        kind_dangles(build, CATALOG_FOLDER, &build->folders, sizeof(struct kept_folder),
                     offsetof(struct kept_folder, is_given), ret_id))
        return BUILD_DANGLING;
    bool is_big =
        build->strings.is_full || build->notes.is_full || build->genres.is_full ||
        build->tracks.count > BUILD_MAX_TRACKS || build->albums.count > BUILD_MAX_TRACKS ||
        build->artists.count > BUILD_MAX_TRACKS || build->folders.count > BUILD_MAX_TRACKS;
    return is_big ? BUILD_TOO_BIG : BUILD_DONE;
}

/* Genre names join the strings; their folded forms decide the order. */
static void prepare_genres(struct build *build, uint32_t *names, uint32_t *folded,
                           struct text *folded_texts)
{
    uint32_t count = build->genres.count - 1;
    for (uint32_t i = 0; i < count; i++) {
        char bytes[FOLD_MAX];
        struct text name = string_pool_at(&build->genres, i + 1);
        names[i] = string_pool_put(&build->strings, name);
        folded[i] = string_pool_put(&build->strings,
                                    text_make(bytes, fold(name, FOLD_NAME, bytes, sizeof bytes)));
    }
    for (uint32_t i = 0; i < count; i++)
        folded_texts[i] = string_pool_at(&build->strings, folded[i]);
}

static void release(struct writing *w)
{
    for (unsigned table = 0; table < TABLE_COUNT; table++) {
        mem_free_p(&w->order[table]);
        mem_free_p(&w->map[table]);
    }
    dictionary_release(&w->dictionary);
}

static void set_totals(const struct segment_source *segment, struct build_totals *ret)
{
    ret->tracks = segment->rows[TABLE_TRACKS];
    ret->albums = segment->rows[TABLE_ALBUMS];
    ret->artists = segment->rows[TABLE_ARTISTS];
    ret->folders = segment->rows[TABLE_FOLDERS];
    ret->removals = segment->rows[TABLE_REMOVALS];
}

enum build_result build_finish(struct build *build, build_sink *sink, void *context,
                               struct build_totals *ret_totals, struct catalog_id *ret_id)
{
    enum build_result result = check(build, ret_id);
    if (result != BUILD_DONE)
        return result;
    uint32_t genres = build->genres.count;
    uint32_t *names = mem_alloc(genres * sizeof *names),
             *folded = mem_alloc(genres * sizeof *folded);
    struct text *folded_texts = mem_alloc(genres * sizeof *folded_texts);
    struct writing *w = MEM_NEW(struct writing);
    struct build_totals totals = {0};
    w->build = build;
    w->segment.library = build->library;
    w->segment.number = build->number;
    prepare_genres(build, names, folded, folded_texts);
    count_album_tracks(build);
    set_orders(w, folded_texts);
    fill_dictionary(w);
    track_sources(w), album_sources(w), artist_and_folder_sources(w);
    list_sources(w), dictionary_sources(w), string_sources(w, names, folded);
    set_totals(&w->segment, &totals);
    result = segment_write(&w->segment, sink, context, &totals) ? BUILD_DONE : BUILD_SINK;
    release(w);
    mem_free(w), mem_free(names), mem_free(folded), mem_free(folded_texts);
    if (result == BUILD_DONE)
        *ret_totals = totals;
    return result;
}

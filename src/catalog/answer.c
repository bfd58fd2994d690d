// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/answer.h"
#include "base/reader.h"
#include "catalog/search.h"
#include "catalog/snapshot.h"

struct answer {
    uint8_t *bytes;
    size_t size;
};

static void put_bytes(struct answer *answer, const void *bytes, size_t size)
{
    size_t room = ANSWER_MAX_BYTES - answer->size;
    bytes_copy(answer->bytes + answer->size, bytes, size < room ? size : room);
    answer->size += size < room ? size : room;
}

static void put_u32(struct answer *answer, uint32_t value)
{
    put_bytes(answer, &value, sizeof value);
}

static void put_text(struct answer *answer, struct text t)
{
    put_u32(answer, (uint32_t)t.size);
    put_bytes(answer, t.data, t.size);
}

static uint32_t numbers_wanted(uint32_t max)
{
    return max < ANSWER_MAX_NUMBERS ? max : ANSWER_MAX_NUMBERS;
}

static void answer_search(struct catalog_view view, struct reader *question, struct answer *answer)
{
    uint32_t numbers[SEARCH_KINDS][ANSWER_MAX_NUMBERS];
    struct search_query query = {.words = TEXT_NONE};
    for (unsigned kind = 0; kind < SEARCH_KINDS; kind++) {
        query.pages[kind].offset = reader_u32(question);
        query.pages[kind].max = numbers_wanted(reader_u32(question));
        query.pages[kind].ret = numbers[kind];
    }
    query.words = reader_bytes(question, question->left);
    if (question->failed)
        return;
    catalog_search(view, &query);
    for (unsigned kind = 0; kind < SEARCH_KINDS; kind++) {
        put_u32(answer, (uint32_t)query.pages[kind].total);
        put_u32(answer, (uint32_t)query.pages[kind].count);
        put_bytes(answer, numbers[kind], query.pages[kind].count * sizeof(uint32_t));
    }
}

struct list_question {
    uint32_t owner, offset, max;
    uint64_t detail;
    uint32_t *ret;
};

static size_t list_albums(struct catalog_view view, const struct list_question *q,
                          enum catalog_order order, uint32_t genre)
{
    struct catalog_album_query query = {.order = order, .genre = genre, .seed = q->detail};
    if (order == CATALOG_BY_YEAR) {
        query.from_year = (uint16_t)q->detail;
        query.to_year = (uint16_t)(q->detail >> 16);
    }
    return catalog_albums(view, &query, q->offset, q->ret, q->max);
}

static size_t list_owned(struct catalog_view view, enum answer_list list,
                         const struct list_question *q)
{
    switch (list) {
    case ANSWER_ALBUM_TRACKS:
        return catalog_album_tracks(view, q->owner, q->offset, q->ret, q->max);
    case ANSWER_ARTIST_ALBUMS:
        return catalog_artist_albums(view, q->owner, q->offset, q->ret, q->max);
    case ANSWER_ARTIST_APPEARANCES:
        return catalog_artist_appearances(view, q->owner, q->offset, q->ret, q->max);
    case ANSWER_ARTIST_TRACKS:
        return catalog_artist_tracks(view, q->owner, q->offset, q->ret, q->max);
    case ANSWER_FOLDER_CHILDREN:
        return catalog_folder_children(view, q->owner, q->offset, q->ret, q->max);
    case ANSWER_FOLDER_TRACKS:
        return catalog_folder_tracks(view, q->owner, q->offset, q->ret, q->max);
    case ANSWER_GENRE_TRACKS:
        return catalog_genre_tracks(view, q->owner, q->offset, q->ret, q->max);
    default:
        return list_albums(view, q, CATALOG_BY_NAME, q->owner);
    }
}

static size_t list_whole(struct catalog_view view, enum answer_list list,
                         const struct list_question *q)
{
    struct catalog_song_query songs = {.genre = NOBODY, .seed = q->detail};
    switch (list) {
    case ANSWER_ALL_TRACKS:
        return catalog_all(view, CATALOG_TRACK, q->offset, q->ret, q->max);
    case ANSWER_ALL_ALBUMS:
        return catalog_all(view, CATALOG_ALBUM, q->offset, q->ret, q->max);
    case ANSWER_FOLDER_ROOTS:
        return catalog_folder_roots(view, q->offset, q->ret, q->max);
    case ANSWER_ALBUMS_BY_ARTIST:
        return list_albums(view, q, CATALOG_BY_ARTIST, NOBODY);
    case ANSWER_ALBUMS_BY_YEAR:
        return list_albums(view, q, CATALOG_BY_YEAR, NOBODY);
    case ANSWER_ALBUMS_NEWEST:
        return list_albums(view, q, CATALOG_NEWEST, NOBODY);
    case ANSWER_ALBUMS_RANDOM:
        return list_albums(view, q, CATALOG_RANDOM, NOBODY);
    case ANSWER_SONGS_RANDOM:
        return catalog_random_songs(view, &songs, q->offset, q->ret, q->max);
    default:
        return catalog_artists(view, list == ANSWER_ALL_ARTISTS ? 0 : q->owner, q->offset, q->ret,
                               q->max);
    }
}

/* How many owners a list has; 0: it has none, and needs none. */
static uint32_t owners_of(const struct catalog *catalog, enum answer_list list)
{
    switch (list) {
    case ANSWER_ALBUM_TRACKS:
        return catalog->counts[CATALOG_ALBUM];
    case ANSWER_ARTIST_ALBUMS:
    case ANSWER_ARTIST_APPEARANCES:
    case ANSWER_ARTIST_TRACKS:
        return catalog->counts[CATALOG_ARTIST];
    case ANSWER_FOLDER_CHILDREN:
    case ANSWER_FOLDER_TRACKS:
        return catalog->counts[CATALOG_FOLDER];
    default:
        return catalog->genres;
    }
}

static bool list_is_owned(enum answer_list list)
{
    return list == ANSWER_ALBUM_TRACKS || list == ANSWER_ARTIST_ALBUMS ||
           list == ANSWER_ARTIST_APPEARANCES || list == ANSWER_ARTIST_TRACKS ||
           list == ANSWER_FOLDER_CHILDREN || list == ANSWER_FOLDER_TRACKS ||
           list == ANSWER_GENRE_TRACKS || list == ANSWER_GENRE_ALBUMS;
}

static void answer_list(struct catalog_view view, struct reader *question, struct answer *answer)
{
    uint32_t numbers[ANSWER_MAX_NUMBERS];
    unsigned list = reader_u8(question);
    struct list_question q = {.owner = reader_u32(question), .ret = numbers};
    q.offset = reader_u32(question);
    q.max = numbers_wanted(reader_u32(question));
    q.detail = reader_u64(question);
    if (question->failed || list >= ANSWER_LISTS)
        return;
    bool is_owned = list_is_owned((enum answer_list)list);
    if (is_owned && q.owner >= owners_of(view.catalog, (enum answer_list)list))
        return;
    size_t count = is_owned ? list_owned(view, (enum answer_list)list, &q)
                            : list_whole(view, (enum answer_list)list, &q);
    put_u32(answer, (uint32_t)count);
    put_bytes(answer, numbers, count * sizeof *numbers);
}

/* --- rows: id, artwork, name, artist, then what the kind has --- */

static void put_head(struct answer *answer, const struct catalog_id *id, struct catalog_id artwork,
                     struct text name, struct text artist)
{
    put_bytes(answer, id->bytes, sizeof id->bytes);
    put_bytes(answer, artwork.bytes, sizeof artwork.bytes);
    put_text(answer, name);
    put_text(answer, artist);
}

static void put_credits(struct answer *answer, const struct catalog_credits *credits)
{
    put_u32(answer, credits->count);
    for (uint32_t i = 0; i < credits->count; i++) {
        struct catalog_credit credit = catalog_credits_at(credits, i);
        put_u32(answer, credit.artist_number);
        put_u32(answer, credit.role);
        put_text(answer, credit.name);
    }
}

static void put_track(struct catalog_view view, uint32_t number, struct answer *answer)
{
    struct track_row row;
    catalog_track(view.catalog, number, &row);
    put_head(answer, &row.id, catalog_artwork(view, CATALOG_TRACK, number), row.title,
             row.display_artist);
    put_u32(answer, row.album_number);
    put_u32(answer, row.folder_number);
    put_u32(answer, row.duration_ms);
    put_u32(answer, (uint32_t)row.disc_number << 16 | row.track_number);
    put_u32(answer, row.year);
    put_credits(answer, &row.credits);
    put_text(answer, row.suffix);
    put_text(answer, row.path);
}

static void put_album(struct catalog_view view, uint32_t number, struct answer *answer)
{
    struct album_row row;
    struct catalog_figures figures = catalog_figures(view, CATALOG_ALBUM, number);
    catalog_album(view.catalog, number, &row);
    put_head(answer, &row.id, catalog_artwork(view, CATALOG_ALBUM, number), row.name,
             row.display_artist);
    put_u32(answer, figures.songs);
    put_u32(answer, (uint32_t)(figures.duration_ms / 1000));
    put_u32(answer, row.year);
    put_u32(answer, row.is_compilation);
    put_credits(answer, &row.credits);
}

static void put_artist(struct catalog_view view, uint32_t number, struct answer *answer)
{
    struct artist_row row;
    struct catalog_heading heading;
    struct catalog_figures figures = catalog_figures(view, CATALOG_ARTIST, number);
    catalog_artist(view.catalog, number, &row);
    put_head(answer, &row.id, catalog_artwork(view, CATALOG_ARTIST, number), row.name,
             row.sort_name);
    put_u32(answer, figures.albums);
    put_u32(answer, figures.songs);
    put_u32(answer, row.roles);
    put_text(answer, catalog_artist_heading(view.catalog, number, &heading));
}

static void put_folder(struct catalog_view view, uint32_t number, struct answer *answer)
{
    struct folder_row row;
    catalog_folder(view.catalog, number, &row);
    put_head(answer, &row.id, catalog_artwork(view, CATALOG_FOLDER, number), row.name, TEXT_NONE);
    put_u32(answer, row.parent_number);
    put_u32(answer, row.library);
}

static void answer_row(struct catalog_view view, struct reader *question, struct answer *answer)
{
    static void (*const put[])(struct catalog_view view, uint32_t number,
                               struct answer * answer) = {
        [CATALOG_TRACK] = put_track,
        [CATALOG_ALBUM] = put_album,
        [CATALOG_ARTIST] = put_artist,
        [CATALOG_FOLDER] = put_folder,
    };
    unsigned kind = reader_u8(question);
    uint32_t number = reader_u32(question);
    if (!question->failed && kind < CATALOG_ARTWORK &&
        catalog_sees(view, (enum catalog_kind)kind, number))
        put[kind](view, number, answer);
}

static void answer_find(struct catalog_view view, struct reader *question, struct answer *answer)
{
    struct catalog_id id;
    unsigned kind = reader_u8(question);
    struct text bytes = reader_bytes(question, sizeof id.bytes);
    if (question->failed || kind >= CATALOG_ARTWORK)
        return;
    bytes_copy(id.bytes, bytes.data, sizeof id.bytes);
    put_u32(answer, catalog_find(view, (enum catalog_kind)kind, &id));
}

static void answer_genre(struct catalog_view view, struct reader *question, struct answer *answer)
{
    struct catalog_genre genre;
    uint32_t number = reader_u32(question);
    if (question->failed || number >= catalog_genres(view.catalog))
        return;
    catalog_genre(view, number, &genre);
    put_text(answer, genre.name);
    put_u32(answer, genre.songs);
    put_u32(answer, genre.albums);
}

static void answer_counts(struct catalog_view view, struct answer *answer)
{
    for (unsigned kind = 0; kind < CATALOG_ARTWORK; kind++)
        put_u32(answer, catalog_count(view, (enum catalog_kind)kind));
    put_u32(answer, catalog_genres(view.catalog));
}

size_t catalog_answer(const struct catalog *catalog, struct text question_bytes, uint8_t *out)
{
    struct reader question = reader_of(question_bytes);
    struct answer answer = {out, 0};
    unsigned what = reader_u8(&question);
    struct catalog_view view = {catalog, reader_u32(&question)};
    if (question.failed)
        return 0;
    if (what == ANSWER_SEARCH)
        answer_search(view, &question, &answer);
    else if (what == ANSWER_LIST)
        answer_list(view, &question, &answer);
    else if (what == ANSWER_ROW)
        answer_row(view, &question, &answer);
    else if (what == ANSWER_FIND)
        answer_find(view, &question, &answer);
    else if (what == ANSWER_COUNTS)
        answer_counts(view, &answer);
    else if (what == ANSWER_GENRE)
        answer_genre(view, &question, &answer);
    return answer.size;
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* lists: albums and songs by order, genre, year, chance, and by what the listener did with them. */
#include "api/endpoints.h"
#include "api/entities.h"
#include "api/inside.h"
#include "api/shuffle.h"

enum { MOST_ALBUMS = 500, MOST_SONGS = 500 };

static uint16_t year_of(const struct call *call, const char *name)
{
    uint64_t year = call_number(call, name, 0);
    return year <= 9999 ? (uint16_t)year : 9999;
}

/* --- what the listener ranked --- */

/* A page of ranked subjects of one kind that this listener still may see. */
static void ranked_page(const struct call *call, enum listener_ranking ranking,
                        enum catalog_kind kind, size_t offset, struct page *page)
{
    struct subject sample = subject_of(kind, &(struct catalog_id){{0}});
    char kind_name[3] = {sample.kind[0], sample.kind[1], 0};
    size_t ranked = listener_ranked_count(call->listener, ranking, kind_name);
    for (size_t i = 0; i < ranked && page->count < page->max; i++) {
        uint32_t number;
        if (!entity_find(call, listener_ranked(call->listener, ranking, kind_name, i), kind,
                         &number))
            continue;
        if (offset)
            offset--;
        else
            page->numbers[page->count++] = number;
    }
}

/* --- albums --- */

static const struct album_list {
    struct text type;
    bool is_ranked;
    enum listener_ranking ranking;
    enum catalog_order order;
} album_lists[] = {
    {TEXT_INIT("random"), false, 0, CATALOG_RANDOM},
    {TEXT_INIT("newest"), false, 0, CATALOG_NEWEST},
    {TEXT_INIT("alphabeticalByName"), false, 0, CATALOG_BY_NAME},
    {TEXT_INIT("alphabeticalByArtist"), false, 0, CATALOG_BY_ARTIST},
    {TEXT_INIT("byYear"), false, 0, CATALOG_BY_YEAR},
    {TEXT_INIT("byGenre"), false, 0, CATALOG_BY_NAME},
    {TEXT_INIT("highest"), true, RANKING_HIGHEST, 0},
    {TEXT_INIT("frequent"), true, RANKING_FREQUENT, 0},
    {TEXT_INIT("recent"), true, RANKING_RECENT, 0},
    {TEXT_INIT("starred"), true, RANKING_STARRED, 0},
};

static const struct album_list *find_album_list(struct text type)
{
    for (size_t i = 0; i < ARRAY_SIZE(album_lists); i++)
        if (text_equal(album_lists[i].type, type))
            return &album_lists[i];
    return NULL;
}

/* Fills the query's genre and years; CALL_FAILED when the type needs one that is not there. */
static enum call_end read_album_query(struct call *call, const struct album_list *list,
                                      struct catalog_album_query *query)
{
    bool is_by_year = list->order == CATALOG_BY_YEAR && !list->is_ranked;
    if (is_by_year && (!call_text(call, "fromYear").size || !call_text(call, "toYear").size))
        return call_fail(call, API_ERROR_MISSING_PARAMETER, "byYear needs fromYear and toYear.");
    if (is_by_year) {
        query->from_year = year_of(call, "fromYear");
        query->to_year = year_of(call, "toYear");
    }
    if (!text_equal(list->type, TEXT("byGenre")))
        return CALL_OK;
    if (!call_text(call, "genre").size)
        return call_fail(call, API_ERROR_MISSING_PARAMETER, "byGenre needs genre.");
    query->genre = catalog_find_genre(call->catalog, call_text(call, "genre"));
    return CALL_OK;
}

static enum call_end album_page(struct call *call, struct page *page)
{
    const struct album_list *list = find_album_list(call_text(call, "type"));
    size_t offset = (size_t)call_number(call, "offset", 0),
           size = (size_t)call_number(call, "size", 10);
    if (!list)
        return call_fail(
            call, API_ERROR_GENERIC,
            "type must be random, newest, highest, frequent, recent, starred, alphabeticalByName, "
            "alphabeticalByArtist, byYear or byGenre.");
    struct catalog_album_query query = {.order = list->order, .genre = (uint32_t)CATALOG_NONE};
    if (read_album_query(call, list, &query) != CALL_OK)
        return CALL_FAILED;
    *page = call_page(call, size < MOST_ALBUMS ? size : MOST_ALBUMS);
    bool is_unknown_genre =
        text_equal(list->type, TEXT("byGenre")) && query.genre == (uint32_t)CATALOG_NONE;
    if (list->is_ranked) {
        ranked_page(call, list->ranking, CATALOG_ALBUM, offset, page);
    } else if (!is_unknown_genre) {
        if (list->order == CATALOG_RANDOM)
            query.seed = shuffle_seed(call->api->shuffles, call->account_id, call->client, offset);
        page->count = catalog_albums(call->view, &query, offset, page->numbers, page->max);
    }
    return CALL_OK;
}

static enum call_end album_list(struct call *call, const char *name, entity_writer *writer)
{
    struct page page;
    if (album_page(call, &page) != CALL_OK)
        return CALL_FAILED;
    answer_begin(&call->answer, name);
    entity_list(call, "album", &page, writer);
    answer_end(&call->answer);
    return CALL_OK;
}

enum call_end rest_getAlbumList(struct call *call)
{
    return album_list(call, "albumList", entity_album_child);
}
enum call_end rest_getAlbumList2(struct call *call)
{
    return album_list(call, "albumList2", entity_album);
}

/* --- songs --- */

static enum call_end song_list(struct call *call, const char *name, const struct page *page)
{
    answer_begin(&call->answer, name);
    entity_list(call, "song", page, entity_song);
    answer_end(&call->answer);
    return CALL_OK;
}

static struct page song_page(const struct call *call, const char *count_name)
{
    uint64_t count = call_number(call, count_name, 10);
    return call_page(call, count < MOST_SONGS ? count : MOST_SONGS);
}

enum call_end rest_getRandomSongs(struct call *call)
{
    struct page page = song_page(call, "size");
    struct text genre = call_text(call, "genre");
    struct catalog_song_query query = {
        .genre = genre.size ? catalog_find_genre(call->catalog, genre) : (uint32_t)CATALOG_NONE,
        .from_year = year_of(call, "fromYear"),
        .to_year = year_of(call, "toYear"),
        .seed = shuffle_draw(call->api->shuffles),
    };
    if (!genre.size || query.genre != (uint32_t)CATALOG_NONE)
        page.count = catalog_random_songs(call->view, &query, 0, page.numbers, page.max);
    return song_list(call, "randomSongs", &page);
}

enum call_end rest_getSongsByGenre(struct call *call)
{
    struct page page = song_page(call, "count");
    uint32_t genre = catalog_find_genre(call->catalog, call_text(call, "genre"));
    if (genre != (uint32_t)CATALOG_NONE)
        page.count = catalog_genre_tracks(call->view, genre, (size_t)call_number(call, "offset", 0),
                                          page.numbers, page.max);
    return song_list(call, "songsByGenre", &page);
}

/* Songs of the genre that the artist, album or song stands under, in any order. */
static uint32_t first_track_of(const struct call *call)
{
    uint32_t number, track = (uint32_t)CATALOG_NONE;
    if (call_find(call, "id", CATALOG_TRACK, &number))
        return number;
    if (call_find(call, "id", CATALOG_ALBUM, &number))
        (void)catalog_album_tracks(call->view, number, 0, &track, 1);
    else if (call_find(call, "id", CATALOG_ARTIST, &number))
        (void)catalog_artist_tracks(call->view, number, 0, &track, 1);
    return track;
}

static enum call_end similar_songs(struct call *call, const char *name)
{
    struct page page = song_page(call, "count");
    struct track_row row;
    uint32_t track = first_track_of(call);
    if (track == (uint32_t)CATALOG_NONE)
        return call_fail_not_found(call);
    catalog_track(call->catalog, track, &row);
    struct catalog_song_query query = {.genre = (uint32_t)CATALOG_NONE,
                                       .seed = shuffle_draw(call->api->shuffles)};
    if (row.genres.count)
        query.genre = catalog_find_genre(call->catalog, catalog_texts_at(&row.genres, 0));
    if (query.genre != (uint32_t)CATALOG_NONE)
        page.count = catalog_random_songs(call->view, &query, 0, page.numbers, page.max);
    return song_list(call, name, &page);
}

enum call_end rest_getSimilarSongs(struct call *call)
{
    return similar_songs(call, "similarSongs");
}
enum call_end rest_getSimilarSongs2(struct call *call)
{
    return similar_songs(call, "similarSongs2");
}

/* --- starred --- */

static void starred_list(struct call *call, const char *name, enum catalog_kind kind,
                         entity_writer *writer)
{
    struct page page = call_page(call, UINT64_MAX);
    ranked_page(call, RANKING_STARRED, kind, 0, &page);
    entity_list(call, name, &page, writer);
}

static enum call_end starred(struct call *call, const char *name, entity_writer *artists,
                             entity_writer *albums)
{
    answer_begin(&call->answer, name);
    starred_list(call, "artist", CATALOG_ARTIST, artists);
    starred_list(call, "album", CATALOG_ALBUM, albums);
    starred_list(call, "song", CATALOG_TRACK, entity_song);
    answer_end(&call->answer);
    return CALL_OK;
}

enum call_end rest_getStarred(struct call *call)
{
    return starred(call, "starred", entity_plain_artist, entity_album_child);
}

enum call_end rest_getStarred2(struct call *call)
{
    return starred(call, "starred2", entity_artist, entity_album);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* about: what the library itself knows about artists and albums beyond their songs; nothing is
 * fetched from outside. */
#include "api/endpoints.h"
#include "api/entities.h"
#include "api/inside.h"
#include "catalog/search.h"

enum { MOST_LOOKED_AT = 2000 };

static enum call_end write_artist_info(struct call *call, const char *name)
{
    uint32_t number;
    struct text musicbrainz_id = TEXT_NONE;
    if (call_find(call, "id", CATALOG_ARTIST, &number)) {
        struct artist_row row;
        catalog_artist(call->catalog, number, &row);
        musicbrainz_id = row.musicbrainz_id;
    } else if (!call_find(call, "id", CATALOG_ALBUM, &number) &&
               !call_find(call, "id", CATALOG_TRACK, &number) &&
               !call_find(call, "id", CATALOG_FOLDER, &number)) {
        return call_fail_not_found(call);
    }
    answer_begin(&call->answer, name);
    if (musicbrainz_id.size)
        answer_element(&call->answer, "musicBrainzId", musicbrainz_id);
    answer_list(&call->answer, "similarArtist");
    answer_end(&call->answer);
    answer_end(&call->answer);
    return CALL_OK;
}

enum call_end rest_getArtistInfo(struct call *call)
{
    return write_artist_info(call, "artistInfo");
}
enum call_end rest_getArtistInfo2(struct call *call)
{
    return write_artist_info(call, "artistInfo2");
}

enum call_end rest_getAlbumInfo(struct call *call)
{
    uint32_t number;
    struct text musicbrainz_id = TEXT_NONE;
    if (call_find(call, "id", CATALOG_ALBUM, &number)) {
        struct album_row row;
        catalog_album(call->catalog, number, &row);
        musicbrainz_id = row.musicbrainz_id;
    } else if (!call_find(call, "id", CATALOG_TRACK, &number) &&
               !call_find(call, "id", CATALOG_FOLDER, &number)) {
        return call_fail_not_found(call);
    }
    answer_begin(&call->answer, "albumInfo");
    if (musicbrainz_id.size)
        answer_element(&call->answer, "musicBrainzId", musicbrainz_id);
    answer_end(&call->answer);
    return CALL_OK;
}

enum call_end rest_getAlbumInfo2(struct call *call) { return rest_getAlbumInfo(call); }

/* --- top songs: by the plays of everybody here --- */

static bool find_artist_by_name(struct call *call, struct text name, uint32_t *ret)
{
    uint32_t hits[20];
    struct search_query query = {.words = name};
    query.pages[SEARCH_ARTISTS] = (struct search_page){.max = ARRAY_SIZE(hits), .ret = hits};
    catalog_search(call->view, &query);
    for (size_t i = 0; i < query.pages[SEARCH_ARTISTS].count; i++) {
        struct artist_row row;
        catalog_artist(call->catalog, hits[i], &row);
        if (!text_equal_nocase(row.name, name))
            continue;
        *ret = hits[i];
        return true;
    }
    return false;
}

struct played_track {
    uint64_t plays;
    uint32_t number;
};

static int compare_played(const void *a, const void *b)
{
    const struct played_track *left = a, *right = b;
    if (left->plays != right->plays)
        return left->plays < right->plays ? 1 : -1;
    return (left->number > right->number) - (left->number < right->number);
}

/* Orders the page by plays, and leaves out what nobody played. */
static void rank_by_plays(const struct call *call, struct page *page)
{
    struct played_track *ranked =
        arena_alloc(exchange_arena(call->exchange), (page->count + 1) * sizeof(*ranked));
    size_t count = 0;
    for (size_t i = 0; ranked && i < page->count; i++) {
        struct track_row row;
        catalog_track(call->catalog, page->numbers[i], &row);
        uint64_t plays =
            state_plays_total(call->api->config.state, subject_of(CATALOG_TRACK, &row.id));
        if (plays)
            ranked[count++] = (struct played_track){plays, page->numbers[i]};
    }
    if (count)
        qsort(ranked, count, sizeof(*ranked), compare_played);
    for (size_t i = 0; i < count; i++)
        page->numbers[i] = ranked[i].number;
    page->count = count;
}

enum call_end rest_getTopSongs(struct call *call)
{
    uint32_t artist;
    struct page page = call_page(call, MOST_LOOKED_AT);
    size_t wanted = (size_t)call_number(call, "count", 50);
    if (find_artist_by_name(call, call_text(call, "artist"), &artist))
        page.count = catalog_artist_tracks(call->view, artist, 0, page.numbers, page.max);
    rank_by_plays(call, &page);
    if (page.count > wanted)
        page.count = wanted;
    answer_begin(&call->answer, "topSongs");
    entity_list(call, "song", &page, entity_song);
    answer_end(&call->answer);
    return CALL_OK;
}

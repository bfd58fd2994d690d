// SPDX-License-Identifier: GPL-3.0-or-later
/* browse: one thing by its id, and the ways down to it: artists, albums, genres; folders are
 * folders.c's. */
#include "api/browse.h"

#include "api/endpoints.h"
#include "api/entities.h"
#include "catalog/build.h"

enum { CHUNK = 512 };

enum call_end rest_getSong(struct call *call)
{
    uint32_t track;
    if (!call_find(call, "id", CATALOG_TRACK, &track))
        return call_fail_not_found(call);
    answer_begin(&call->answer, "song");
    entity_song(call, track);
    answer_end(&call->answer);
    return CALL_OK;
}

void browse_album_songs(struct call *call, const char *name, uint32_t album)
{
    uint32_t numbers[CHUNK];
    size_t count, offset = 0;
    answer_list(&call->answer, name);
    while ((count = catalog_album_tracks(call->view, album, offset, numbers, CHUNK))) {
        for (size_t i = 0; i < count; i++) {
            answer_item(&call->answer);
            entity_song(call, numbers[i]);
            answer_end(&call->answer);
        }
        offset += count;
    }
    answer_end(&call->answer);
}

enum call_end rest_getAlbum(struct call *call)
{
    uint32_t album;
    if (!call_find(call, "id", CATALOG_ALBUM, &album))
        return call_fail_not_found(call);
    answer_begin(&call->answer, "album");
    entity_album(call, album);
    browse_album_songs(call, "song", album);
    answer_end(&call->answer);
    return CALL_OK;
}

struct page browse_albums_of(struct call *call, uint32_t artist)
{
    struct page page = call_page(call, 5000);
    page.count = catalog_artist_albums(call->view, artist, 0, page.numbers, page.max);
    if (!page.count)
        page.count = catalog_artist_appearances(call->view, artist, 0, page.numbers, page.max);
    return page;
}

enum call_end rest_getArtist(struct call *call)
{
    uint32_t artist;
    if (!call_find(call, "id", CATALOG_ARTIST, &artist))
        return call_fail_not_found(call);
    struct page albums = browse_albums_of(call, artist);
    answer_begin(&call->answer, "artist");
    entity_artist(call, artist);
    entity_list(call, "album", &albums, entity_album);
    answer_end(&call->answer);
    return CALL_OK;
}

/* --- the index of artists --- */

void browse_index_close(struct index_writer *writer)
{
    if (!writer->open.size)
        return;
    answer_end(&writer->call->answer);
    answer_end(&writer->call->answer);
    writer->open = TEXT_NONE;
}

void browse_index_open(struct index_writer *writer, struct text heading)
{
    if (text_equal(writer->open, heading))
        return;
    browse_index_close(writer);
    if (heading.size > sizeof(writer->heading.digits))
        heading.size = sizeof(writer->heading.digits);
    bytes_copy(writer->heading.digits, heading.data, heading.size);
    writer->open = text_make(writer->heading.digits, heading.size);
    answer_item(&writer->call->answer);
    answer_text(&writer->call->answer, "name", writer->open);
    answer_list(&writer->call->answer, "artist");
}

/* "#" has names before and behind the letters, so it is walked for by itself. */
static void index_artists(struct index_writer *writer, bool is_sharp)
{
    struct call *call = writer->call;
    uint32_t numbers[CHUNK];
    size_t count, offset = 0;
    while ((count = catalog_artists(call->view, 1U << CATALOG_ROLE_ALBUM_ARTIST, offset, numbers,
                                    CHUNK))) {
        for (size_t i = 0; i < count; i++) {
            struct catalog_heading storage;
            struct text heading = catalog_artist_heading(call->catalog, numbers[i], &storage);
            if (text_equal(heading, TEXT("#")) != is_sharp)
                continue;
            browse_index_open(writer, heading);
            answer_item(&call->answer);
            entity_artist(call, numbers[i]);
            answer_end(&call->answer);
        }
        offset += count;
    }
    browse_index_close(writer);
}

enum call_end rest_getArtists(struct call *call)
{
    struct index_writer writer = {.call = call};
    answer_begin(&call->answer, "artists");
    answer_text(&call->answer, "ignoredArticles", TEXT(BUILD_USUAL_ARTICLES));
    answer_list(&call->answer, "index");
    index_artists(&writer, true);
    index_artists(&writer, false);
    answer_end(&call->answer);
    answer_end(&call->answer);
    return CALL_OK;
}

/* --- genres --- */

enum call_end rest_getGenres(struct call *call)
{
    answer_begin(&call->answer, "genres");
    answer_list(&call->answer, "genre");
    for (uint32_t i = 0; i < catalog_genres(call->catalog); i++) {
        struct catalog_genre genre;
        catalog_genre(call->view, i, &genre);
        if (!genre.songs)
            continue;
        answer_item(&call->answer);
        answer_u64(&call->answer, "songCount", genre.songs);
        answer_u64(&call->answer, "albumCount", genre.albums);
        answer_value(&call->answer, genre.name);
        answer_end(&call->answer);
    }
    answer_end(&call->answer);
    answer_end(&call->answer);
    return CALL_OK;
}

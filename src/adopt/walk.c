// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/walk.h"

#include "base/counters.h"
#include "base/encode.h"
#include "base/guard.h"
#include "base/mem.h"
#include "catalog/fold.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { QUERY_BYTES = 4096, DEPTH_MAX = 12 };

struct walk {
    const struct walk_config *config;
    struct book *book;
    int64_t number; /* of this walk: rows that it met bear it */
    bool is_whole;  /* asks again also what seems unchanged */
    size_t folders;
};

/* --- what belongs to who asked --- */

void walk_impersonal(json_t *value, unsigned depth)
{
    static const char *const own[] = {"starred", "userRating", "playCount", "played",
                                      "bookmarkPosition"};
    const char *name;
    json_t *member;
    size_t at;
    if (depth > DEPTH_MAX)
        return;
    if (json_is_object(value))
        for (size_t i = 0; i < ARRAY_SIZE(own); i++)
            (void)json_object_del(value, own[i]);
    json_object_foreach(value, name, member) walk_impersonal(member, depth + 1);
    json_array_foreach(value, at, member) walk_impersonal(member, depth + 1);
}

/* --- rows --- */

static size_t fold_names(const json_t *object, const char *const *names, char out[FOLD_MAX])
{
    size_t size = 0;
    for (; *names; names++) {
        const char *name = json_string_value(json_object_get(object, *names));
        if (!name || size + 2 > FOLD_MAX)
            continue;
        if (size)
            out[size++] = ' ';
        size += fold(text_of(name), FOLD_NAME, out + size, FOLD_MAX - size);
    }
    return size;
}

static struct text word(const json_t *object, const char *name)
{
    return text_of(json_string_value(json_object_get(object, name)));
}

bool walk_keep_artist(struct book *book, json_t *artist, int64_t walk)
{
    static const char *const names[] = {"name", NULL};
    char room[BOOK_NUMBER_BYTES], folded[FOLD_MAX];
    struct text id = book_member(artist, "id", room);
    walk_impersonal(artist, 0);
    return id.size && book_do(book, "REPLACE INTO artist VALUES(?, ?, ?, ?)", "ttji", id,
                              text_make(folded, fold_names(artist, names, folded)), artist, walk);
}

bool walk_keep_album(struct book *book, json_t *album, int64_t walk)
{
    static const char *const names[] = {"name", "artist", NULL};
    char room[BOOK_NUMBER_BYTES], folded[FOLD_MAX];
    struct text id = book_member(album, "id", room);
    walk_impersonal(album, 0);
    return id.size && book_do(book, "REPLACE INTO album VALUES(?, ?, ?, ?, ?, ?, ?, ?)", "ttttitji",
                              id, text_make(folded, fold_names(album, names, folded)),
                              word(album, "artist"), word(album, "genre"),
                              (int64_t)json_integer_value(json_object_get(album, "year")),
                              word(album, "created"), album, walk);
}

bool walk_keep_song(struct book *book, json_t *song, int64_t walk)
{
    static const char *const names[] = {"title", "artist", "album", NULL};
    char room[BOOK_NUMBER_BYTES], album[BOOK_NUMBER_BYTES], folded[FOLD_MAX];
    struct text id = book_member(song, "id", room);
    walk_impersonal(song, 0);
    return id.size &&
           book_do(book, "REPLACE INTO song VALUES(?, ?, ?, ?, ?, ?, ?)", "ttttiji", id,
                   book_member(song, "albumId", album),
                   text_make(folded, fold_names(song, names, folded)), word(song, "genre"),
                   (int64_t)json_integer_value(json_object_get(song, "year")), song, walk);
}

/* --- asking --- */

/* A member of the answer, as a new reference; NULL when the walk cannot go on. */
static json_t *ask(struct walk *walk, const char *endpoint, const char *member, struct text query)
{
    json_t *response = NULL, *found = NULL;
    int code = 0;
    foreign_pace(walk->config->foreign);
    if (foreign_ask(walk->config->foreign, endpoint, query, walk->config->credentials, &response,
                    &code) == FOREIGN_OK)
        found = json_incref(json_object_get(response, member));
    json_decref(response);
    return found;
}

static json_t *ask_id(struct walk *walk, const char *endpoint, const char *member, struct text id)
{
    struct buffer query;
    buffer_init(&query, QUERY_BYTES);
    buffer_text(&query, TEXT("id="));
    encode_percent(&query, id, false);
    json_t *found = query.overflowed ? NULL : ask(walk, endpoint, member, buffer_view(&query));
    buffer_release(&query);
    return found;
}

static bool keep(struct walk *walk, const char *kind, struct text id, json_t *value)
{
    walk_impersonal(value, 0);
    return book_do(walk->book, "REPLACE INTO document VALUES(?, ?, ?, ?)", "stji", kind, id, value,
                   walk->number);
}

/* One whole answer without an id. */
static bool take_one(struct walk *walk, const char *endpoint, const char *member)
{
    json_t *value = ask(walk, endpoint, member, TEXT_NONE);
    bool is_kept = value && keep(walk, member, TEXT(""), value);
    json_decref(value);
    return is_kept;
}

/* --- albums --- */

static bool is_unchanged(struct walk *walk, json_t *album, struct text id)
{
    json_t *known = book_one_json(walk->book, "SELECT json FROM album WHERE id = ?", "t", id);
    bool is_same = known && json_equal(known, album);
    bool has_songs =
        book_one_number(walk->book, 0,
                        "SELECT count(*) FROM document WHERE kind = 'album' AND id = ?", "t",
                        id) > 0;
    json_decref(known);
    return is_same && has_songs;
}

static bool take_songs(struct walk *walk, struct text id)
{
    json_t *album = ask_id(walk, "getAlbum", "album", id), *song;
    size_t at;
    bool is_good = album && keep(walk, "album", id, album);
    json_array_foreach(json_object_get(album, "song"), at, song) is_good =
        is_good && walk_keep_song(walk->book, song, walk->number);
    json_decref(album);
    return is_good;
}

static bool take_album(struct walk *walk, json_t *album)
{
    char room[BOOK_NUMBER_BYTES];
    struct text id = book_member(album, "id", room);
    walk_impersonal(album, 0);
    if (!id.size)
        return true; /* nobody could ask for it */
    if (!walk->is_whole && is_unchanged(walk, album, id))
        return book_do(walk->book, "UPDATE album SET walk = ? WHERE id = ?", "it", walk->number,
                       id) &&
               book_do(walk->book, "UPDATE song SET walk = ? WHERE album = ?", "it", walk->number,
                       id) &&
               book_do(walk->book, "UPDATE document SET walk = ? WHERE kind = 'album' AND id = ?",
                       "it", walk->number, id);
    /* the songs first: an album in the list is one that was read */
    return take_songs(walk, id) && walk_keep_album(walk->book, album, walk->number);
}

static bool take_page(struct walk *walk, size_t offset, size_t *ret_count)
{
    char query[128];
    (void)snprintf(query, sizeof query, "type=alphabeticalByName&size=%d&offset=%zu", WALK_PAGE,
                   offset);
    json_t *list = ask(walk, "getAlbumList2", "albumList2", text_of(query)), *album;
    json_t *albums = json_object_get(list, "album");
    size_t at;
    bool is_good = list;
    *ret_count = json_array_size(albums);
    json_array_foreach(albums, at, album) is_good = is_good && take_album(walk, album);
    json_decref(list);
    return is_good;
}

/* A server that ignores the offset gives the same page for ever: the bound ends that. */
static bool take_albums(struct walk *walk)
{
    size_t count = WALK_PAGE;
    for (size_t offset = 0; count > 0 && offset < WALK_MAX_ALBUMS; offset += count)
        if (!take_page(walk, offset, &count))
            return false;
    return true;
}

/* --- artists and folders --- */

static bool take_artist(struct walk *walk, json_t *artist)
{
    char room[BOOK_NUMBER_BYTES];
    struct text id = book_member(artist, "id", room);
    json_t *whole = id.size ? ask_id(walk, "getArtist", "artist", id) : NULL;
    bool is_good = !id.size || (whole && keep(walk, "artist", id, whole) &&
                                walk_keep_artist(walk->book, artist, walk->number));
    json_decref(whole);
    return is_good;
}

static bool take_folder(struct walk *walk, struct text id, unsigned depth)
{
    if (!id.size || depth > DEPTH_MAX || walk->folders++ >= WALK_MAX_FOLDERS)
        return true;
    json_t *folder = ask_id(walk, "getMusicDirectory", "directory", id), *child;
    bool is_good = folder && keep(walk, "directory", id, folder);
    char room[BOOK_NUMBER_BYTES];
    size_t at;
    json_array_foreach(json_object_get(folder, "child"), at,
                       child) if (is_good && json_is_true(json_object_get(child, "isDir")))
        is_good = take_folder(walk, book_member(child, "id", room), depth + 1);
    json_decref(folder);
    return is_good;
}

typedef bool take_entry(struct walk *walk, json_t *entry);

static bool take_root(struct walk *walk, json_t *entry)
{
    char room[BOOK_NUMBER_BYTES];
    return take_folder(walk, book_member(entry, "id", room), 0);
}

/* {"index": [{"artist": [entry …]} …]}, which getArtists and getIndexes share */
static bool take_index(struct walk *walk, const char *kind, take_entry *take)
{
    json_t *document = book_one_json(
        walk->book, "SELECT json FROM document WHERE kind = ? AND id = ''", "s", kind);
    json_t *letter, *entry;
    size_t at, within;
    bool is_good = document;
    json_array_foreach(json_object_get(document, "index"), at, letter)
        json_array_foreach(json_object_get(letter, "artist"), within, entry) is_good =
            is_good && take(walk, entry);
    json_decref(document);
    return is_good;
}

/* --- whether, and the end --- */

static bool is_news(struct walk *walk)
{
    char query[64];
    int64_t before = book_value_number(walk->book, "modified");
    (void)snprintf(query, sizeof query, "ifModifiedSince=%" PRId64, before);
    json_t *indexes = ask(walk, "getIndexes", "indexes", text_of(query));
    int64_t modified = (int64_t)json_integer_value(json_object_get(indexes, "lastModified"));
    bool is_same = indexes && before > 0 && modified == before;
    json_decref(indexes);
    return !is_same;
}

/* What this walk did not meet. */
static bool forget(struct walk *walk)
{
    int64_t all = book_one_number(walk->book, 0, "SELECT count(*) FROM song", "");
    int64_t gone = book_one_number(walk->book, 0, "SELECT count(*) FROM song WHERE walk <> ?", "i",
                                   walk->number);
    bool is_much = gone * 5 > all;
    if (is_much && book_value_number(walk->book, "gone") != gone &&
        guard_is_on(GUARD_ADOPT_REMOVAL)) {
        char count[32];
        (void)snprintf(count, sizeof count, "%" PRId64, gone);
        book_keep_value(walk->book, "gone", text_of(count));
        LOG(walk->config->logger, LOG_WARNING,
            "more than a fifth of the server's songs is gone; they are kept until it says so again",
            {"songs", text_of(count)});
        return true;
    }
    book_keep_value(walk->book, "gone", TEXT("0"));
    return book_do(walk->book, "DELETE FROM song WHERE walk <> ?", "i", walk->number) &&
           book_do(walk->book, "DELETE FROM album WHERE walk <> ?", "i", walk->number) &&
           book_do(walk->book, "DELETE FROM artist WHERE walk <> ?", "i", walk->number) &&
           book_do(walk->book, "DELETE FROM document WHERE walk <> ?", "i", walk->number);
}

static void finish(struct walk *walk)
{
    char number[32];
    json_t *indexes = book_one_json(
        walk->book, "SELECT json FROM document WHERE kind = 'indexes' AND id = ''", "");
    (void)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT,
                   json_integer_value(json_object_get(indexes, "lastModified")));
    book_keep_value(walk->book, "modified", text_of(number));
    (void)snprintf(number, sizeof number, "%" PRId64, walk->config->now_ms);
    book_keep_value(walk->book, "walked", text_of(number));
    if (walk->is_whole)
        book_keep_value(walk->book, "walked_whole", text_of(number));
    json_decref(indexes);
}

enum walk_end walk_library(const struct walk_config *config)
{
    struct walk walk = {.config = config, .book = config->book};
    char number[32];
    walk.number = book_value_number(walk.book, "walk") + 1;
    walk.is_whole = config->now_ms - book_value_number(walk.book, "walked_whole") >
                    (int64_t)WALK_WHOLE_EVERY_S * 1000;
    if (!walk.is_whole && book_value_number(walk.book, "gone") == 0 && !is_news(&walk))
        return WALK_UNCHANGED;
    (void)snprintf(number, sizeof number, "%" PRId64, walk.number);
    book_keep_value(walk.book, "walk", text_of(number));
    bool is_done = take_one(&walk, "getMusicFolders", "musicFolders") &&
                   take_one(&walk, "getGenres", "genres") &&
                   take_one(&walk, "getArtists", "artists") &&
                   take_one(&walk, "getIndexes", "indexes") && take_albums(&walk) &&
                   take_index(&walk, "artists", take_artist) &&
                   take_index(&walk, "indexes", take_root) && forget(&walk);
    if (!is_done)
        return WALK_BROKEN;
    finish(&walk);
    counter_add(COUNTER_ADOPT_WALKS, 1);
    return WALK_DONE;
}

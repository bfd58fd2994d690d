// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/own.h"

#include "base/mem.h"
#include "base/timestamp.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 12, TRACKS_MAX = 20000 };

/* --- parameters --- */

size_t own_parameter_count(const json_t *parameters, const char *name)
{
    return json_array_size(json_object_get(parameters, name));
}

struct text own_parameter(const json_t *parameters, const char *name, size_t at)
{
    const json_t *value = json_array_get(json_object_get(parameters, name), at);
    return json_is_string(value) ? text_make(json_string_value(value), json_string_length(value))
                                 : TEXT_NONE;
}

/* --- lists of entities --- */

static json_t *list_of(json_t *object, const char *name)
{
    json_t *list = json_object_get(object, name);
    if (!json_is_array(list)) {
        list = json_array();
        (void)json_object_set_new(object, name, list);
    }
    return list;
}

static bool has_id(const json_t *entity, struct text id)
{
    char room[BOOK_NUMBER_BYTES];
    return text_equal(book_member(entity, "id", room), id);
}

static size_t find(const json_t *list, struct text id)
{
    size_t at = 0, count = json_array_size(list);
    while (at < count && !has_id(json_array_get(list, at), id))
        at++;
    return at < count ? at : SIZE_MAX;
}

static void write_date(json_t *object, const char *name, int64_t at_ms)
{
    struct timestamp_text words;
    struct text t = timestamp_rfc3339(&words, at_ms);
    (void)json_object_set_new(object, name, json_stringn(t.data, t.size));
}

static json_t *bare(struct text id)
{
    return json_pack("{ss%}", "id", id.data ? id.data : "", id.size);
}

static json_t *entity(struct book *book, const char *sql, struct text id)
{
    return book_one_json(book, sql, "t", id);
}

json_t *own_song(struct book *book, struct text id)
{
    json_t *song = entity(book, "SELECT json FROM song WHERE id = ?", id);
    return song ? song : bare(id);
}

/* --- stars --- */

struct starring {
    struct book *book;
    json_t *view;
    bool is_starred;
    int64_t at_ms;
};

/* `found` is taken over, and may be NULL: there is no such thing. */
static void star_in(const struct starring *starring, const char *lists, const char *name,
                    struct text id, json_t *found)
{
    json_t *list = list_of(json_object_get(starring->view, lists), name);
    size_t at = find(list, id);
    if (at != SIZE_MAX && (!starring->is_starred || !found))
        (void)json_array_remove(list, at);
    if (starring->is_starred && found && find(list, id) == SIZE_MAX) {
        write_date(found, "starred", starring->at_ms);
        (void)json_array_append(list, found);
    }
    json_decref(found);
}

static void star(const struct starring *starring, const json_t *parameters)
{
    struct book *book = starring->book;
    struct text id;
    for (size_t i = 0; (id = own_parameter(parameters, "id", i)).data; i++) {
        json_t *song = entity(book, "SELECT json FROM song WHERE id = ?", id);
        json_t *folder = song ? NULL : bare(id);
        star_in(starring, "starred", song ? "song" : "album", id, song ? json_copy(song) : folder);
        if (song)
            star_in(starring, "starred2", "song", id, song);
    }
    for (size_t i = 0; (id = own_parameter(parameters, "albumId", i)).data; i++)
        star_in(starring, "starred2", "album", id,
                entity(book, "SELECT json FROM album WHERE id = ?", id));
    for (size_t i = 0; (id = own_parameter(parameters, "artistId", i)).data; i++)
        star_in(starring, "starred2", "artist", id,
                entity(book, "SELECT json FROM artist WHERE id = ?", id));
}

static void rate(json_t *view, const json_t *parameters)
{
    struct text id = own_parameter(parameters, "id", 0);
    uint64_t stars = 0;
    if (id.size && text_to_u64(own_parameter(parameters, "rating", 0), &stars))
        (void)json_object_setn_new(json_object_get(view, "ratings"), id.data, id.size,
                                   json_integer((json_int_t)stars));
}

/* --- playlists --- */

static struct text there_of(struct book *book, struct text here, sqlite3_stmt **ret_row)
{
    *ret_row = book_query(book, "SELECT there FROM playlist_id WHERE here = ?", "t", here);
    return *ret_row && sqlite3_step(*ret_row) == SQLITE_ROW ? book_text(*ret_row, 0) : TEXT_NONE;
}

json_t *own_playlist(struct book *book, json_t *view, struct text id)
{
    json_t *playlists = json_object_get(view, "playlists");
    sqlite3_stmt *row = NULL;
    size_t at = find(playlists, id);
    if (at == SIZE_MAX) {
        struct text there = there_of(book, id, &row);
        at = there.size ? find(playlists, there) : SIZE_MAX;
    }
    (void)sqlite3_finalize(row);
    return at == SIZE_MAX ? NULL : json_array_get(playlists, at);
}

static void recount(json_t *playlist, int64_t at_ms)
{
    json_t *song, *entries = list_of(playlist, "entry");
    json_int_t duration = 0;
    size_t at;
    json_array_foreach(entries, at, song) duration +=
        json_integer_value(json_object_get(song, "duration"));
    (void)json_object_set_new(playlist, "songCount",
                              json_integer((json_int_t)json_array_size(entries)));
    (void)json_object_set_new(playlist, "duration", json_integer(duration));
    write_date(playlist, "changed", at_ms);
}

static void append(struct book *book, json_t *playlist, const json_t *parameters, const char *name)
{
    json_t *entries = list_of(playlist, "entry");
    struct text id;
    for (size_t i = 0; (id = own_parameter(parameters, name, i)).data; i++)
        if (json_array_size(entries) < TRACKS_MAX)
            (void)json_array_append_new(entries, own_song(book, id));
}

static void set_text(json_t *object, const char *name, struct text value)
{
    if (value.data)
        (void)json_object_set_new(object, name, json_stringn(value.data, value.size));
}

static json_t *new_playlist(json_t *view, const json_t *parameters, int64_t at_ms)
{
    json_t *playlist = json_object();
    set_text(playlist, "id", own_parameter(parameters, "here", 0));
    set_text(playlist, "owner", text_of(json_string_value(json_object_get(view, "name"))));
    (void)json_object_set_new(playlist, "public", json_false());
    write_date(playlist, "created", at_ms);
    (void)json_array_append_new(json_object_get(view, "playlists"), playlist);
    return playlist;
}

static bool create(struct book *book, json_t *view, const json_t *parameters, int64_t at_ms)
{
    struct text id = own_parameter(parameters, "playlistId", 0);
    json_t *playlist = id.size ? own_playlist(book, view, id) : NULL;
    if (id.size && !playlist)
        return false;
    if (!playlist)
        playlist = new_playlist(view, parameters, at_ms);
    set_text(playlist, "name", own_parameter(parameters, "name", 0));
    (void)json_array_clear(list_of(playlist, "entry"));
    append(book, playlist, parameters, "songId");
    recount(playlist, at_ms);
    return true;
}

/* A new list without the songs at the places that are named. */
static json_t *without(const json_t *entries, const json_t *parameters)
{
    size_t count = json_array_size(entries);
    bool *is_removed = mem_zalloc((count + 1) * sizeof *is_removed);
    json_t *left = json_array();
    uint64_t index;
    struct text t;
    for (size_t i = 0; (t = own_parameter(parameters, "songIndexToRemove", i)).data; i++)
        if (text_to_u64(t, &index) && index < count)
            is_removed[index] = true;
    for (size_t i = 0; i < count; i++)
        if (!is_removed[i])
            (void)json_array_append(left, json_array_get(entries, i));
    mem_free(is_removed);
    return left;
}

static bool update(struct book *book, json_t *view, const json_t *parameters, int64_t at_ms)
{
    json_t *playlist = own_playlist(book, view, own_parameter(parameters, "playlistId", 0));
    struct text is_public = own_parameter(parameters, "public", 0);
    if (!playlist)
        return false;
    json_t *entries = list_of(playlist, "entry");
    set_text(playlist, "name", own_parameter(parameters, "name", 0));
    set_text(playlist, "comment", own_parameter(parameters, "comment", 0));
    if (is_public.data)
        (void)json_object_set_new(playlist, "public",
                                  json_boolean(text_equal(is_public, TEXT("true"))));
    (void)json_object_set_new(playlist, "entry", without(entries, parameters));
    append(book, playlist, parameters, "songIdToAdd");
    recount(playlist, at_ms);
    return true;
}

static bool delete_playlist(struct book *book, json_t *view, const json_t *parameters)
{
    json_t *playlists = json_object_get(view, "playlists"), *each;
    json_t *playlist = own_playlist(book, view, own_parameter(parameters, "id", 0));
    size_t at;
    json_array_foreach(playlists, at, each)
    {
        if (each == playlist) {
            (void)json_array_remove(playlists, at);
            return true;
        }
    }
    return false;
}

bool own_apply(struct book *book, json_t *view, struct text endpoint, const json_t *parameters,
               int64_t at_ms)
{
    bool is_star = text_equal(endpoint, TEXT("star"));
    if (is_star || text_equal(endpoint, TEXT("unstar")))
        star(&(struct starring){book, view, is_star, at_ms}, parameters);
    else if (text_equal(endpoint, TEXT("setRating")))
        rate(view, parameters);
    else if (text_equal(endpoint, TEXT("createPlaylist")))
        return create(book, view, parameters, at_ms);
    else if (text_equal(endpoint, TEXT("updatePlaylist")))
        return update(book, view, parameters, at_ms);
    else if (text_equal(endpoint, TEXT("deletePlaylist")))
        return delete_playlist(book, view, parameters);
    return true;
}

/* --- the view --- */

static json_t *read_own(struct book *book, struct text listener, const char *kind)
{
    json_t *value = book_one_json(book, "SELECT json FROM own WHERE listener = ? AND kind = ?",
                                  "ts", listener, kind);
    if (json_is_object(value))
        return value;
    json_decref(value);
    return json_object();
}

static json_t *read_playlists(struct book *book, struct text listener)
{
    json_t *all = json_array(), *playlist;
    sqlite3_stmt *row =
        book_query(book,
                   "SELECT json FROM own WHERE listener = ? AND kind = 'playlist' ORDER BY"
                   " json_extract(json, '$.name'), id",
                   "t", listener);
    while (row && sqlite3_step(row) == SQLITE_ROW)
        if ((playlist = book_json(row, 0)))
            (void)json_array_append_new(all, playlist);
    (void)sqlite3_finalize(row);
    return all;
}

json_t *own_view(struct book *book, struct text listener)
{
    json_t *view = json_object();
    (void)json_object_set_new(view, "name", json_stringn(listener.data, listener.size));
    (void)json_object_set_new(view, "starred2", read_own(book, listener, "starred2"));
    (void)json_object_set_new(view, "starred", read_own(book, listener, "starred"));
    (void)json_object_set_new(view, "user", read_own(book, listener, "user"));
    (void)json_object_set_new(view, "ratings", json_object());
    (void)json_object_set_new(view, "playlists", read_playlists(book, listener));
    sqlite3_stmt *row = book_query(
        book, "SELECT endpoint, parameters, at FROM write WHERE listener = ? ORDER BY number", "t",
        listener);
    while (row && sqlite3_step(row) == SQLITE_ROW) {
        json_t *parameters = book_json(row, 1);
        (void)own_apply(book, view, book_text(row, 0), parameters, sqlite3_column_int64(row, 2));
        json_decref(parameters);
    }
    (void)sqlite3_finalize(row);
    return view;
}

/* --- marks --- */

static const char *list_named(const char *name)
{
    static const char *const songs[] = {"song", "entry", "child", "match"};
    for (size_t i = 0; i < ARRAY_SIZE(songs); i++)
        if (strcmp(name, songs[i]) == 0)
            return "song";
    return strcmp(name, "album") == 0 || strcmp(name, "artist") == 0 ? name : NULL;
}

struct marking {
    json_t *since; /* {"song": {id: date}, "album": …, "artist": …} */
    json_t *ratings;
};

static json_t *dates_of(const json_t *starred)
{
    json_t *dates = json_object(), *each, *date;
    char room[BOOK_NUMBER_BYTES];
    size_t at;
    json_array_foreach((json_t *)(uintptr_t)starred, at, each)
    {
        struct text id = book_member(each, "id", room);
        if (id.size && (date = json_object_get(each, "starred")))
            (void)json_object_setn(dates, id.data, id.size, date);
    }
    return dates;
}

static void mark_one(const struct marking *marking, const char *list, json_t *object)
{
    char room[BOOK_NUMBER_BYTES];
    struct text id = book_member(object, "id", room);
    if (!id.size)
        return;
    json_t *since = json_object_getn(json_object_get(marking->since, list), id.data, id.size);
    json_t *rating = json_object_getn(marking->ratings, id.data, id.size);
    if (since)
        (void)json_object_set(object, "starred", since);
    if (rating)
        (void)json_object_set(object, "userRating", rating);
}

static void mark(const struct marking *marking, const char *name, json_t *value, unsigned depth)
{
    const char *list = list_named(name), *member;
    json_t *each;
    size_t at;
    if (depth > DEPTH_MAX)
        return;
    if (json_is_object(value) && list)
        mark_one(marking, list, value);
    json_object_foreach(value, member, each) mark(marking, member, each, depth + 1);
    json_array_foreach(value, at, each) mark(marking, name, each, depth + 1);
}

void own_mark(const json_t *view, const char *name, json_t *value)
{
    static const char *const lists[] = {"song", "album", "artist"};
    const json_t *starred = json_object_get(view, "starred2");
    const struct marking marking = {json_object(), json_object_get(view, "ratings")};
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        (void)json_object_set_new(marking.since, lists[i],
                                  dates_of(json_object_get(starred, lists[i])));
    mark(&marking, name, value, 0);
    json_decref(marking.since);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/refresh.h"

#include "adopt/writes.h"
#include "base/encode.h"

#include <string.h>

enum { QUERY_BYTES = 4096 };

struct refreshing {
    struct book *book;
    struct foreign *foreign;
    struct text listener, credentials;
};

static json_t *ask(const struct refreshing *refreshing, const char *endpoint, const char *member,
                   const char *name, struct text value)
{
    json_t *response = NULL, *found = NULL;
    struct buffer query;
    int code;
    buffer_init(&query, QUERY_BYTES);
    if (name) {
        buffer_printf(&query, "%s=", name);
        encode_percent(&query, value, false);
    }
    if (!query.overflowed && foreign_ask(refreshing->foreign, endpoint, buffer_view(&query),
                                         refreshing->credentials, &response, &code) == FOREIGN_OK)
        found = json_incref(json_object_get(response, member));
    json_decref(response);
    buffer_release(&query);
    return found;
}

static bool keep(const struct refreshing *refreshing, const char *kind, struct text id,
                 const json_t *value)
{
    return book_do(refreshing->book, "REPLACE INTO own VALUES(?, ?, ?, ?)", "tstj",
                   refreshing->listener, kind, id, value);
}

/* The server was told of a change to it that what is kept does not show: dates are of a second or
 * coarser, and two changes may bear the same. */
static bool was_told(const struct refreshing *refreshing, struct text id)
{
    return book_one_number(
               refreshing->book, 1,
               "SELECT count(*) FROM write WHERE listener = ?1 AND state = ?3 AND"
               " (json_extract(parameters, '$.playlistId[0]') = ?2 OR (SELECT there FROM"
               " playlist_id WHERE here = json_extract(parameters, '$.playlistId[0]')) = ?2)",
               "tti", refreshing->listener, id, (int64_t)WRITE_TOLD) > 0;
}

/* What is kept of it, when the server says that it is as it was; not every server says. */
static json_t *unchanged(const struct refreshing *refreshing, struct text id, const json_t *head)
{
    const json_t *changed = json_object_get(head, "changed");
    json_t *kept = changed && !was_told(refreshing, id)
                       ? book_one_json(refreshing->book,
                                       "SELECT json FROM own WHERE listener = ? AND kind ="
                                       " 'playlist' AND id = ?",
                                       "tt", refreshing->listener, id)
                       : NULL;
    if (kept && json_equal(json_object_get(kept, "changed"), changed))
        return kept;
    json_decref(kept);
    return NULL;
}

static json_t *whole_of(const struct refreshing *refreshing, struct text id, const json_t *head)
{
    json_t *kept = unchanged(refreshing, id, head);
    return kept ? kept : ask(refreshing, "getPlaylist", "playlist", "id", id);
}

/* With their songs; NULL when one did not come. */
static json_t *playlists(const struct refreshing *refreshing)
{
    json_t *list = ask(refreshing, "getPlaylists", "playlists", NULL, TEXT_NONE), *head;
    json_t *all = list ? json_array() : NULL;
    char room[BOOK_NUMBER_BYTES];
    size_t at;
    json_array_foreach(json_object_get(list, "playlist"), at, head)
    {
        struct text id = book_member(head, "id", room);
        json_t *whole =
            all && id.size && at < REFRESH_MAX_PLAYLISTS ? whole_of(refreshing, id, head) : NULL;
        if (whole) {
            (void)json_array_append_new(all, whole);
        } else {
            json_decref(all);
            all = NULL;
        }
    }
    json_decref(list);
    return all;
}

static bool keep_playlists(const struct refreshing *refreshing, json_t *all)
{
    char room[BOOK_NUMBER_BYTES];
    json_t *playlist;
    size_t at;
    bool is_good =
        book_do(refreshing->book, "DELETE FROM own WHERE listener = ? AND kind = 'playlist'", "t",
                refreshing->listener);
    json_array_foreach(all, at, playlist) is_good =
        is_good && keep(refreshing, "playlist", book_member(playlist, "id", room), playlist);
    return is_good;
}

static bool is_whole(const struct refreshing *refreshing, const json_t *folders)
{
    json_t *all = book_one_json(
        refreshing->book, "SELECT json FROM document WHERE kind = 'musicFolders' AND id = ''", "");
    json_t *theirs = json_object_get(folders, "musicFolder");
    bool is_same = all && theirs && json_equal(json_object_get(all, "musicFolder"), theirs);
    json_decref(all);
    return is_same;
}

static bool keep_all(const struct refreshing *refreshing, json_t *starred2, json_t *starred,
                     json_t *lists, json_t *user, json_t *folders)
{
    struct book *book = refreshing->book;
    if (!book_do(book, "BEGIN IMMEDIATE", ""))
        return false;
    bool is_good = keep(refreshing, "starred2", TEXT(""), starred2) &&
                   (!starred || keep(refreshing, "starred", TEXT(""), starred)) &&
                   (!user || keep(refreshing, "user", TEXT(""), user)) &&
                   keep_playlists(refreshing, lists) &&
                   book_do(book, "REPLACE INTO listener VALUES(?, ?)", "ti", refreshing->listener,
                           (int64_t)is_whole(refreshing, folders)) &&
                   book_do(book, "DELETE FROM write WHERE listener = ? AND state = ?", "ti",
                           refreshing->listener, (int64_t)WRITE_TOLD);
    is_good = book_do(book, is_good ? "COMMIT" : "ROLLBACK", "") && is_good;
    return is_good;
}

bool refresh_listener(struct book *book, struct foreign *foreign, struct text listener,
                      struct text credentials)
{
    const struct refreshing refreshing = {book, foreign, listener, credentials};
    bool has_name = !text_starts(listener, TEXT("key:"));
    json_t *starred2 = ask(&refreshing, "getStarred2", "starred2", NULL, TEXT_NONE);
    json_t *starred = starred2 ? ask(&refreshing, "getStarred", "starred", NULL, TEXT_NONE) : NULL;
    json_t *lists = starred2 ? playlists(&refreshing) : NULL;
    json_t *user =
        lists && has_name ? ask(&refreshing, "getUser", "user", "username", listener) : NULL;
    json_t *folders =
        lists ? ask(&refreshing, "getMusicFolders", "musicFolders", NULL, TEXT_NONE) : NULL;
    bool is_good = folders && keep_all(&refreshing, starred2, starred, lists, user, folders);
    json_decref(starred2);
    json_decref(starred);
    json_decref(lists);
    json_decref(user);
    json_decref(folders);
    return is_good;
}

bool refresh_is_whole(struct book *book, struct text listener)
{
    return book_one_number(book, 0, "SELECT is_whole FROM listener WHERE name = ?", "t",
                           listener) == 1;
}

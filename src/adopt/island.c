// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/island.h"

#include "adopt/ended.h"
#include "adopt/own.h"
#include "catalog/fold.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 10, PAGE_SONGS = 20, PAGE_MAX = 500, SONGS_MAX = 10000, WORDS = 8 };

typedef json_t *answering(const struct island_question *question, const json_t *view);

static struct text asked(const struct island_question *question, const char *name)
{
    return own_parameter(question->parameters, name, 0);
}

static int64_t number(const struct island_question *question, const char *name, int64_t otherwise,
                      int64_t most)
{
    uint64_t value;
    if (!text_to_u64(asked(question, name), &value))
        return otherwise;
    return value < (uint64_t)most ? (int64_t)value : most;
}

/* --- documents --- */

static json_t *document(const struct island_question *question, const char *kind, struct text id)
{
    return book_one_json(question->book, "SELECT json FROM document WHERE kind = ? AND id = ?",
                         "st", kind, id);
}

#define WHOLE(name, kind)                                                                  \
    static json_t *name(const struct island_question *question, const json_t *view UNUSED) \
    {                                                                                      \
        return document(question, kind, TEXT(""));                                         \
    }
WHOLE(music_folders, "musicFolders")
WHOLE(genres, "genres")
WHOLE(artists, "artists")
WHOLE(indexes, "indexes")

#define BY_ID(name, kind)                                                                  \
    static json_t *name(const struct island_question *question, const json_t *view UNUSED) \
    {                                                                                      \
        return document(question, kind, asked(question, "id"));                            \
    }
BY_ID(album, "album")
BY_ID(artist, "artist")
BY_ID(directory, "directory")

static json_t *song(const struct island_question *question, const json_t *view UNUSED)
{
    return book_one_json(question->book, "SELECT json FROM song WHERE id = ?", "t",
                         asked(question, "id"));
}

/* --- lists --- */

/* {"name": [rows …]}; the statement is taken over. */
static json_t *rows(sqlite3_stmt *statement, const char *name)
{
    json_t *list = json_array(), *each;
    while (statement && sqlite3_step(statement) == SQLITE_ROW)
        if ((each = book_json(statement, 0)))
            (void)json_array_append_new(list, each);
    (void)sqlite3_finalize(statement);
    return json_pack("{so}", name, list);
}

static json_t *empty(void) { return json_object(); }

static json_t *albums_by_year(const struct island_question *question, int64_t size, int64_t offset)
{
    int64_t from = number(question, "fromYear", 0, 9999),
            to = number(question, "toYear", 9999, 9999);
    bool is_falling = from > to;
    return rows(book_query(question->book,
                           is_falling ? "SELECT json FROM album WHERE year BETWEEN ? AND ? ORDER BY"
                                        " year DESC, folded, id LIMIT ? OFFSET ?"
                                      : "SELECT json FROM album WHERE year BETWEEN ? AND ? ORDER BY"
                                        " year, folded, id LIMIT ? OFFSET ?",
                           "iiii", is_falling ? to : from, is_falling ? from : to, size, offset),
                "album");
}

static json_t *album_list(const struct island_question *question, const json_t *view)
{
    static const struct {
        const char *type, *sql;
    } orders[] = {
        {"random", "SELECT json FROM album ORDER BY random() LIMIT ? OFFSET ?"},
        {"newest", "SELECT json FROM album ORDER BY created DESC, id LIMIT ? OFFSET ?"},
        {"alphabeticalByName", "SELECT json FROM album ORDER BY folded, id LIMIT ? OFFSET ?"},
        {"alphabeticalByArtist",
         "SELECT json FROM album ORDER BY artist COLLATE NOCASE, folded, id LIMIT ? OFFSET ?"},
    };
    struct text type = asked(question, "type");
    int64_t size = number(question, "size", PAGE, PAGE_MAX),
            offset = number(question, "offset", 0, INT32_MAX);
    for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
        if (text_equal(type, text_of(orders[i].type)))
            return rows(book_query(question->book, orders[i].sql, "ii", size, offset), "album");
    if (text_equal(type, TEXT("byYear")))
        return albums_by_year(question, size, offset);
    if (text_equal(type, TEXT("byGenre")))
        return rows(book_query(question->book,
                               "SELECT json FROM album WHERE genre = ? ORDER BY folded, id LIMIT ?"
                               " OFFSET ?",
                               "tii", asked(question, "genre"), size, offset),
                    "album");
    if (text_equal(type, TEXT("starred")))
        return json_pack("{sO*}", "album",
                         json_object_get(json_object_get(view, "starred2"), "album"));
    return NULL; /* what was played how often is known to the server alone */
}

static json_t *random_songs(const struct island_question *question, const json_t *view UNUSED)
{
    struct text genre = asked(question, "genre");
    return rows(book_query(question->book,
                           "SELECT json FROM song WHERE (?1 = '' OR genre = ?1) AND"
                           " year BETWEEN ?2 AND ?3 ORDER BY random() LIMIT ?4",
                           "tiii", genre, number(question, "fromYear", 0, 9999),
                           number(question, "toYear", 9999, 9999),
                           number(question, "size", PAGE, PAGE_MAX)),
                "song");
}

static json_t *songs_by_genre(const struct island_question *question, const json_t *view UNUSED)
{
    return rows(book_query(question->book,
                           "SELECT json FROM song WHERE genre = ? ORDER BY id LIMIT ? OFFSET ?",
                           "tii", asked(question, "genre"),
                           number(question, "count", PAGE, PAGE_MAX),
                           number(question, "offset", 0, INT32_MAX)),
                "song");
}

/* --- search: every word is somewhere in it --- */

struct search {
    struct text words[WORDS];
    char folded[FOLD_MAX];
};

static void search_read(struct search *search, struct text query)
{
    size_t size = fold(query, FOLD_NAME, search->folded, sizeof search->folded), count = 0;
    struct text rest = text_make(search->folded, size), word;
    bool is_all =
        query.size == 0 || text_equal(query, TEXT("\"\"")) || text_equal(query, TEXT("*"));
    memset(search->words, 0, sizeof search->words);
    while (!is_all && count < WORDS && text_split(&rest, ' ', &word))
        if (word.size)
            search->words[count++] = word;
    if (!is_all && count < WORDS && rest.size)
        search->words[count] = rest;
}

static json_t *found(const struct island_question *question, const struct search *search,
                     const char *table, const char *count, const char *offset)
{
    char sql[512];
    const struct text *w = search->words;
    (void)snprintf(sql, sizeof sql,
                   "SELECT json FROM %s WHERE instr(folded, ?1) AND instr(folded, ?2) AND"
                   " instr(folded, ?3) AND instr(folded, ?4) AND instr(folded, ?5) AND"
                   " instr(folded, ?6) AND instr(folded, ?7) AND instr(folded, ?8)"
                   " ORDER BY (?1 <> '' AND instr(folded, ?1) <> 1), folded, id"
                   " LIMIT ?9 OFFSET ?10",
                   table);
    json_t *answer =
        rows(book_query(question->book, sql, "ttttttttii", w[0], w[1], w[2], w[3], w[4], w[5], w[6],
                        w[7], number(question, count, PAGE_SONGS, SONGS_MAX),
                        number(question, offset, 0, INT32_MAX)),
             table);
    json_t *list = json_incref(json_object_get(answer, table));
    json_decref(answer);
    return list;
}

static json_t *search3(const struct island_question *question, const json_t *view UNUSED)
{
    struct search search;
    search_read(&search, asked(question, "query"));
    return json_pack("{sososo}", "artist",
                     found(question, &search, "artist", "artistCount", "artistOffset"), "album",
                     found(question, &search, "album", "albumCount", "albumOffset"), "song",
                     found(question, &search, "song", "songCount", "songOffset"));
}

/* Its artists and albums would be folders, which have no rows. */
static json_t *search2(const struct island_question *question, const json_t *view UNUSED)
{
    struct search search;
    search_read(&search, asked(question, "query"));
    return json_pack("{so}", "song", found(question, &search, "song", "songCount", "songOffset"));
}

/* --- the listener's own --- */

static json_t *starred(const struct island_question *question UNUSED, const json_t *view)
{
    return json_incref(json_object_get(view, "starred"));
}

static json_t *starred2(const struct island_question *question UNUSED, const json_t *view)
{
    return json_incref(json_object_get(view, "starred2"));
}

static json_t *playlists(const struct island_question *question UNUSED, const json_t *view)
{
    json_t *list = json_array(), *each;
    size_t at;
    json_array_foreach(json_object_get(view, "playlists"), at, each)
    {
        json_t *head = json_copy(each);
        (void)json_object_del(head, "entry");
        (void)json_array_append_new(list, head);
    }
    if (json_array_size(list))
        return json_pack("{so}", "playlist", list);
    json_decref(list);
    return empty(); /* as servers leave it out */
}

static json_t *playlist(const struct island_question *question, const json_t *view)
{
    return json_incref(
        own_playlist(question->book, (json_t *)(uintptr_t)view, asked(question, "id")));
}

static json_t *user(const struct island_question *question, const json_t *view)
{
    struct text name = asked(question, "username");
    json_t *own = json_object_get(view, "user");
    return json_object_size(own) && (!name.size || text_equal(name, question->listener))
               ? json_incref(own)
               : NULL;
}

static json_t *untold(const struct island_question *question, const json_t *view UNUSED)
{
    return ended_list(question->book, question->listener);
}

/* --- what is always the same --- */

static json_t *nothing(const struct island_question *question UNUSED, const json_t *view UNUSED)
{
    return empty();
}

static json_t *license(const struct island_question *question UNUSED, const json_t *view UNUSED)
{
    return json_pack("{sb}", "valid", true);
}

static json_t *scan_status(const struct island_question *question, const json_t *view UNUSED)
{
    return json_pack(
        "{sbsI}", "scanning", false, "count",
        (json_int_t)book_one_number(question->book, 0, "SELECT count(*) FROM song", ""));
}

/* --- all of them --- */

static const struct {
    const char *endpoint, *name; /* of the answer's member; NULL: it has none */
    answering *answer;
} answers[] = {
    {"getAlbum", "album", album},
    {"getAlbumList2", "albumList2", album_list},
    {"getArtist", "artist", artist},
    {"getArtists", "artists", artists},
    {"getGenres", "genres", genres},
    {"getIndexes", "indexes", indexes},
    {"getLicense", "license", license},
    {"getMusicDirectory", "directory", directory},
    {"getMusicFolders", "musicFolders", music_folders},
    {"getNowPlaying", "nowPlaying", nothing},
    {"getPlaylist", "playlist", playlist},
    {"getPlaylists", "playlists", playlists},
    {"getRandomSongs", "randomSongs", random_songs},
    {"getScanStatus", "scanStatus", scan_status},
    {"getSong", "song", song},
    {"getSongsByGenre", "songsByGenre", songs_by_genre},
    {"getStarred", "starred", starred},
    {"getStarred2", "starred2", starred2},
    {ISLAND_UNTOLD, "untoldWrites", untold},
    {"getUser", "user", user},
    {"ping", NULL, nothing},
    {"scrobble", NULL, nothing}, /* what is playing now, which is nobody's tomorrow */
    {"search2", "searchResult2", search2},
    {"search3", "searchResult3", search3},
};

static size_t find(struct text endpoint)
{
    size_t at = 0;
    while (at < ARRAY_SIZE(answers) && !text_equal(endpoint, text_of(answers[at].endpoint)))
        at++;
    return at;
}

bool island_knows(struct text endpoint) { return find(endpoint) < ARRAY_SIZE(answers); }

void island_answer(const struct island_question *question, struct island_answer *ret)
{
    size_t at = find(question->endpoint);
    *ret = (struct island_answer){.end = ISLAND_UNKNOWN};
    if (at == ARRAY_SIZE(answers))
        return;
    json_t *view = own_view(question->book, question->listener);
    json_t *body = answers[at].answer(question, view);
    ret->end = body ? ISLAND_ANSWER : ISLAND_MISSING;
    ret->name = answers[at].name;
    ret->body = json_deep_copy(body); /* parts of it are shared */
    if (body && ret->name)
        own_mark(view, ret->name, ret->body);
    json_decref(body);
    json_decref(view);
}

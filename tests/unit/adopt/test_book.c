// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/island.h"
#include "adopt/own.h"
#include "adopt/walk.h"
#include "adopt/writes.h"
#include "twin.h"

#include <string.h>

/* A small library by ids of a server that numbers artists, albums and songs alike, as some do. */
static struct book book;

static void fill(void)
{
    static const char *const names[] = {"Björk", "AC/DC", "The Who"};
    for (int i = 0; i < 3; i++) {
        json_t *artist = json_pack("{siss}", "id", i, "name", names[i]);
        json_t *album = json_pack("{sissss sissss}", "id", i, "name", "Album", "artist", names[i],
                                  "year", 1990 + i, "genre", i ? "Rock" : "Pop", "created",
                                  i == 1 ? "2026-03-01" : "2026-01-01");
        (void)walk_keep_artist(&book, artist, 1);
        (void)walk_keep_album(&book, album, 1);
        for (int k = 0; k < 2; k++) {
            json_t *song =
                json_pack("{sissss sisssiss}", "id", 10 * i + k, "title",
                          k ? "Über alles" : "Intro", "artist", names[i], "albumId", i, "genre",
                          i ? "Rock" : "Pop", "duration", 60, "starred", "2020-01-01");
            (void)walk_keep_song(&book, song, 1);
            json_decref(song);
        }
        json_decref(artist);
        json_decref(album);
    }
}

static json_t *parameters(const char *name, const char *value)
{
    return json_pack("{s[s]}", name, value);
}

/* Of the answer's member `list`, how many; -1 for no answer.  *ret_first: the first one's id. */
static int ask(const char *endpoint, json_t *asked, const char *list, char ret_first[64])
{
    const struct island_question question = {&book, text_of(endpoint), TEXT("anna"), asked};
    struct island_answer answer;
    char room[BOOK_NUMBER_BYTES];
    island_answer(&question, &answer);
    json_t *items = json_object_get(answer.body, list);
    struct text first = book_member(json_array_get(items, 0), "id", room);
    (void)snprintf(ret_first, 64, "%.*s", TEXT_ARGS(first));
    int count = answer.end == ISLAND_ANSWER ? (int)json_array_size(items) : -1;
    json_decref(answer.body);
    json_decref(asked);
    return count;
}

static void lists(void)
{
    char first[64];
    OK(ask("getAlbumList2", parameters("type", "newest"), "album", first) == 3 &&
           !strcmp(first, "1"),
       "the newest album comes first");
    OK(ask("getAlbumList2", parameters("type", "alphabeticalByArtist"), "album", first) == 3 &&
           !strcmp(first, "1"),
       "albums go by artist");
    OK(ask("getAlbumList2",
           json_pack("{s[s]s[s]s[s]}", "type", "byYear", "fromYear", "1992", "toYear", "1991"),
           "album", first) == 2 &&
           !strcmp(first, "2"),
       "years may go down");
    OK(ask("getAlbumList2", parameters("type", "frequent"), "album", first) == -1,
       "what was played often only the server knows");
    OK(ask("getSongsByGenre", parameters("genre", "Rock"), "song", first) == 4,
       "genres have songs");
    OK(ask("getSong", parameters("id", "99"), "song", first) == -1, "what is not there is not");
    json_t *song = own_song(&book, TEXT("10"));
    OK(!json_object_get(song, "starred"), "the operator's stars are nobody's");
    json_decref(song);
}

static void searching(void)
{
    char first[64];
    OK(ask("search3", parameters("query", "bjork"), "artist", first) == 1 && !strcmp(first, "0"),
       "accents do not matter");
    OK(ask("search3", parameters("query", "uber who"), "song", first) == 1 && !strcmp(first, "21"),
       "every word counts, in title or artist");
    OK(ask("search3", json_pack("{s[s]s[s]}", "query", "", "songCount", "500"), "song", first) == 6,
       "an empty query is everything");
    OK(ask("search3", parameters("query", "\"\""), "song", first) == 6, "as are empty quotes");
    OK(ask("search3", parameters("query", "nothing%"), "song", first) == 0, "no wildcard comes in");
}

static enum write_end take_of(const char *listener, int64_t most, const char *endpoint,
                              json_t *asked)
{
    int64_t number;
    const struct write_wish wish = {text_of(endpoint), text_of(listener), asked,
                                    TEXT("sealed"),    1700000000000,     most};
    enum write_end end = writes_take(&book, &wish, &number);
    json_decref(asked);
    return end;
}

static enum write_end take(const char *endpoint, json_t *asked)
{
    return take_of("anna", 1000, endpoint, asked);
}

static int view_count(const char *lists_name, const char *name)
{
    json_t *view = own_view(&book, TEXT("anna"));
    int count = (int)json_array_size(json_object_get(json_object_get(view, lists_name), name));
    json_decref(view);
    return count;
}

static void writing(void)
{
    OK(take("star", parameters("id", "10")) == WRITE_TAKEN && view_count("starred2", "song") == 1,
       "a star is seen at once");
    OK(take("star", parameters("albumId", "1")) == WRITE_TAKEN &&
           take("unstar", parameters("albumId", "1")) == WRITE_TAKEN &&
           view_count("starred2", "album") == 0,
       "the last word counts");
    OK(take("star", json_object()) == WRITE_MISSING, "a star of nothing is none");
    OK(take("updatePlaylist", parameters("playlistId", "77")) == WRITE_MISSING,
       "a list that is not there is not changed");
    OK(take("createPlaylist",
            json_pack("{s[s]s[sss]}", "name", "Mix", "songId", "0", "10", "20")) == WRITE_TAKEN,
       "a list is made");
    json_t *view = own_view(&book, TEXT("anna"));
    json_t *list = json_array_get(json_object_get(view, "playlists"), 0);
    char id[64];
    (void)snprintf(id, sizeof id, "%s", json_string_value(json_object_get(list, "id")));
    OK(json_integer_value(json_object_get(list, "songCount")) == 3 &&
           json_integer_value(json_object_get(list, "duration")) == 180,
       "it counts its songs");
    json_decref(view);
    OK(take("updatePlaylist", json_pack("{s[s]s[ss]s[s]}", "playlistId", id, "songIndexToRemove",
                                        "2", "0", "songIdToAdd", "21")) == WRITE_TAKEN,
       "songs leave by their places and join at the end");
    json_t *stored =
        book_one_json(&book, "SELECT parameters FROM write WHERE endpoint = 'updatePlaylist'", "");
    OK_TEXT(own_parameter(stored, "removed", 0), TEXT("20"), "whose names are kept");
    json_decref(stored);
    char first[64];
    OK(ask("getPlaylist", parameters("id", id), "entry", first) == 2 && !strcmp(first, "10"),
       "and the list is as it should be");
    OK(take("scrobble", parameters("id", "10")) == WRITE_TAKEN, "a play is taken");
    view = own_view(&book, TEXT("eve"));
    OK(json_array_size(json_object_get(view, "playlists")) == 0, "nobody sees another's");
    json_decref(view);
}

/* How many plays of this listener are taken while `most` may wait. */
static int takes(const char *listener, int64_t most)
{
    int count = 0;
    while (count < 100 &&
           take_of(listener, most, "scrobble", parameters("id", "10")) == WRITE_TAKEN)
        count++;
    return count;
}

static void room(void)
{
    int64_t waiting = book_one_number(&book, 0, "SELECT count(*) FROM write", "");
    OK_GUARDED(GUARD_ADOPT_WRITES,
               take_of("carl", waiting, "scrobble", parameters("id", "10")) == WRITE_FULL,
               "no more are taken than may wait");
    waiting = book_one_number(&book, 0, "SELECT count(*) FROM write", "");
    OK_GUARDED(GUARD_ADOPT_SHARE, takes("dave", waiting + 10) == 5,
               "one listener has half of what is free");
    OK_GUARDED(GUARD_ADOPT_SHARE, takes("eve", waiting + 10) == 2, "the next half of the rest");
    OK_GUARDED(GUARD_ADOPT_SHARE, takes("frank", waiting + 10) == 1 && takes("gina", waiting + 10),
               "and there is always room for one more");
}

/* What would be hours if each were looked for in all the others. */
static void much(void)
{
    enum { MANY = 20000 };
    json_t *songs = json_array(), *removed = json_array();
    char id[16];
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(id, sizeof id, "m%d", i);
        (void)json_array_append_new(songs, json_pack("{ssss}", "id", id, "starred", "2024"));
        (void)snprintf(id, sizeof id, "%d", i);
        (void)json_array_append_new(removed, json_string(id));
    }
    json_t *view = json_pack("{s{sO}s{}s[{sssO}]}", "starred2", "song", songs, "ratings",
                             "playlists", "id", "p", "entry", songs);
    json_t *answer = json_pack("{so}", "song", json_deep_copy(songs));
    own_mark(view, "searchResult3", answer);
    OK(json_object_get(json_array_get(json_object_get(answer, "song"), MANY - 1), "starred"),
       "twenty thousand stars are marked in as many songs");
    json_t *update = json_pack("{s[s]sO}", "playlistId", "p", "songIndexToRemove", removed);
    OK(own_apply(&book, view, TEXT("updatePlaylist"), update, 1) &&
           json_array_size(json_object_get(own_playlist(&book, view, TEXT("p")), "entry")) == 0,
       "and as many are taken out of a list");
    json_decref(update);
    json_decref(answer);
    json_decref(view);
    json_decref(songs);
    json_decref(removed);
}

int main(void)
{
    if (book_open_memory(&book) != SQLITE_OK)
        return 1;
    fill();
    lists();
    searching();
    writing();
    room();
    much();
    book_close(&book);
    return tap_done();
}

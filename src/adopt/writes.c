// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/writes.h"

#include "adopt/own.h"
#include "base/guard.h"
#include "io/random.h"

#include <inttypes.h>
#include <stdio.h>

bool writes_know(struct text endpoint)
{
    static const struct text names[] = {
        TEXT_INIT("star"),           TEXT_INIT("unstar"),         TEXT_INIT("setRating"),
        TEXT_INIT("scrobble"),       TEXT_INIT("createPlaylist"), TEXT_INIT("updatePlaylist"),
        TEXT_INIT("deletePlaylist"),
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (text_equal(endpoint, names[i]))
            return true;
    return false;
}

static void add(json_t *parameters, const char *name, struct text value)
{
    json_t *list = json_object_get(parameters, name);
    if (!list) {
        list = json_array();
        (void)json_object_set_new(parameters, name, list);
    }
    (void)json_array_append_new(list, json_stringn(value.data ? value.data : "", value.size));
}

/* A moment that a server can know it again by, and that is when it was heard. */
static void complete_scrobble(json_t *parameters, int64_t at_ms)
{
    char digits[32];
    (void)snprintf(digits, sizeof digits, "%" PRId64, at_ms);
    while (own_parameter_count(parameters, "time") < own_parameter_count(parameters, "id"))
        add(parameters, "time", text_of(digits));
}

static void complete_creation(json_t *parameters)
{
    char id[40];
    (void)snprintf(id, sizeof id, "sostenuto-%016" PRIx64, random_u64());
    add(parameters, "here", text_of(id));
}

/* Which songs its numbers mean, for who replays it on a list that is another by then. */
static void complete_update(struct book *book, json_t *view, json_t *parameters)
{
    json_t *playlist = own_playlist(book, view, own_parameter(parameters, "playlistId", 0));
    char room[BOOK_NUMBER_BYTES];
    struct text t;
    uint64_t index;
    for (size_t i = 0; (t = own_parameter(parameters, "songIndexToRemove", i)).data; i++) {
        bool is_number = text_to_u64(t, &index);
        json_t *song = is_number ? json_array_get(json_object_get(playlist, "entry"), index) : NULL;
        add(parameters, "removed", book_member(song, "id", room));
    }
}

static bool names_something(struct text endpoint, const json_t *parameters)
{
    if (text_equal(endpoint, TEXT("star")) || text_equal(endpoint, TEXT("unstar")))
        return own_parameter(parameters, "id", 0).size ||
               own_parameter(parameters, "albumId", 0).size ||
               own_parameter(parameters, "artistId", 0).size;
    if (text_equal(endpoint, TEXT("createPlaylist")))
        return own_parameter(parameters, "playlistId", 0).size ||
               own_parameter(parameters, "name", 0).size;
    if (text_equal(endpoint, TEXT("updatePlaylist")))
        return own_parameter(parameters, "playlistId", 0).size;
    return own_parameter(parameters, "id", 0).size;
}

static bool complete(struct book *book, const struct write_wish *wish)
{
    json_t *parameters = wish->parameters;
    if (!names_something(wish->endpoint, parameters))
        return false;
    json_t *view = own_view(book, wish->listener);
    if (text_equal(wish->endpoint, TEXT("scrobble")))
        complete_scrobble(parameters, wish->at_ms);
    else if (text_equal(wish->endpoint, TEXT("updatePlaylist")))
        complete_update(book, view, parameters);
    else if (text_equal(wish->endpoint, TEXT("createPlaylist")) &&
             !own_parameter(parameters, "playlistId", 0).size)
        complete_creation(parameters);
    bool is_good = own_apply(book, view, wish->endpoint, parameters, wish->at_ms);
    json_decref(view);
    return is_good;
}

/* Of a full database, or one that cannot be read, nothing is free. */
static bool has_room(struct book *book, const struct write_wish *wish)
{
    int64_t all = book_one_number(book, wish->most, "SELECT count(*) FROM write", "");
    int64_t own = book_one_number(book, wish->most, "SELECT count(*) FROM write WHERE listener = ?",
                                  "t", wish->listener);
    if (guard_is_on(GUARD_ADOPT_WRITES) && all >= wish->most)
        return false;
    return !guard_is_on(GUARD_ADOPT_SHARE) || own == 0 || 2 * (own + 1) <= wish->most - (all - own);
}

enum write_end writes_take(struct book *book, const struct write_wish *wish, int64_t *ret_number)
{
    if (!has_room(book, wish))
        return WRITE_FULL;
    if (!complete(book, wish))
        return WRITE_MISSING;
    if (!book_do(book,
                 "INSERT INTO write(listener, endpoint, parameters, at, state, note, credential)"
                 " VALUES(?, ?, ?, ?, 0, '', ?)",
                 "ttjib", wish->listener, wish->endpoint, wish->parameters, wish->at_ms,
                 wish->credential))
        return WRITE_FAILED;
    *ret_number = sqlite3_last_insert_rowid(book->database);
    return WRITE_TAKEN;
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* Playlists, told to the foreign server: what its ids and ours are, and what a list should be. */
#include "adopt/own.h"
#include "adopt/telling.h"
#include "base/counters.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static json_t *ids_of(const json_t *entries)
{
    json_t *ids = json_array(), *each;
    char room[BOOK_NUMBER_BYTES];
    size_t at;
    json_array_foreach((json_t *)(uintptr_t)entries, at, each)
    {
        struct text id = book_member(each, "id", room);
        (void)json_array_append_new(ids, json_stringn(id.data ? id.data : "", id.size));
    }
    return ids;
}

/* The id that the server gave to what had one of ours. */
static struct text there_of(struct telling *telling, struct text id, char room[64])
{
    sqlite3_stmt *row =
        book_query(telling->book, "SELECT there FROM playlist_id WHERE here = ?", "t", id);
    struct text there = id;
    if (row && sqlite3_step(row) == SQLITE_ROW && book_text(row, 0).size < 64) {
        struct text found = book_text(row, 0);
        bytes_copy(room, found.data, found.size);
        there = text_make(room, found.size);
    }
    (void)sqlite3_finalize(row);
    return there;
}

/* Ids of playlists with this name. */
static enum told ask_named(struct telling *telling, struct text name, json_t **ret)
{
    json_t *lists = NULL, *each, *same = json_array();
    size_t at;
    enum told told = telling_ask(telling, "getPlaylists", "playlists", TEXT_NONE, &lists);
    json_array_foreach(
        json_object_get(lists, "playlist"), at,
        each) if (text_equal(text_of(json_string_value(json_object_get(each, "name"))), name))(void)
        json_array_append(same, each);
    *ret = ids_of(same);
    json_decref(same);
    json_decref(lists);
    return told;
}

/* The first of `now` that is not in `before`, borrowed. */
static struct text newcomer(const json_t *now, const json_t *before)
{
    json_t *id, *old;
    size_t at, within;
    json_array_foreach((json_t *)(uintptr_t)now, at, id)
    {
        bool is_old = false;
        json_array_foreach((json_t *)(uintptr_t)before, within, old) is_old |= json_equal(id, old);
        if (!is_old)
            return text_of(json_string_value(id));
    }
    return TEXT_NONE;
}

/* A list that is there takes the songs that it should have; it does no harm twice. */
static enum told fill(struct telling *telling, struct text there)
{
    buffer_reset(&telling->query);
    telling_put(&telling->query, "playlistId", there);
    telling_put_all(telling, "name");
    telling_put_all(telling, "songId");
    return telling_send(telling, "createPlaylist");
}

static bool learn_id(struct telling *telling, struct text there)
{
    return book_do(telling->book, "REPLACE INTO playlist_id VALUES(?, ?)", "tt",
                   own_parameter(telling->parameters, "here", 0), there);
}

/* After an answer that does not name it. */
static enum told find_made(struct telling *telling)
{
    json_t *now = NULL;
    enum told told = ask_named(telling, own_parameter(telling->parameters, "name", 0), &now);
    struct text there = newcomer(now, json_object_get(telling->note, "before"));
    if (told == TOLD && there.size && !learn_id(telling, there))
        told = TOLD_AWAY;
    json_decref(now);
    return told;
}

static enum told make(struct telling *telling)
{
    telling_put_all(telling, "name");
    telling_put_all(telling, "songId");
    enum told told = telling_send(telling, "createPlaylist");
    char room[BOOK_NUMBER_BYTES];
    struct text there = book_member(json_object_get(telling->response, "playlist"), "id", room);
    if (told == TOLD && there.size)
        return learn_id(telling, there) ? TOLD : TOLD_AWAY;
    return told == TOLD ? find_made(telling) : told;
}

enum told telling_creation(struct telling *telling)
{
    json_t *now = NULL;
    enum told told = ask_named(telling, own_parameter(telling->parameters, "name", 0), &now);
    if (told != TOLD) {
        json_decref(now);
        return told;
    }
    struct text made = TEXT_NONE;
    if (telling->is_in_doubt && telling_asks_first())
        made = newcomer(now, json_object_get(telling->note, "before"));
    else
        (void)json_object_set(telling->note, "before", now);
    if (made.size)
        told = learn_id(telling, made) ? fill(telling, made) : TOLD_AWAY;
    else
        told = make(telling);
    json_decref(now);
    return told;
}

enum told telling_replacement(struct telling *telling)
{
    char room[64];
    return fill(telling,
                there_of(telling, own_parameter(telling->parameters, "playlistId", 0), room));
}

/* Where the song lies now that lay at `index`; SIZE_MAX: nowhere. */
static size_t place_of(const json_t *ids, struct text id, uint64_t index, const bool *taken)
{
    size_t count = json_array_size(ids);
    if (index < count && !taken[index] &&
        text_equal(text_of(json_string_value(json_array_get(ids, index))), id))
        return index;
    for (size_t i = 0; i < count; i++)
        if (!taken[i] && text_equal(text_of(json_string_value(json_array_get(ids, i))), id))
            return i;
    return SIZE_MAX;
}

/* Puts numbers and songs into the query, and what the list will be into *ret_want. */
static void put_update(struct telling *telling, const json_t *ids, json_t **ret_want)
{
    size_t count = json_array_size(ids);
    bool *taken = mem_zalloc((count + 1) * sizeof *taken);
    struct text id;
    uint64_t index;
    for (size_t i = 0; (id = own_parameter(telling->parameters, "removed", i)).data; i++) {
        struct text typed = own_parameter(telling->parameters, "songIndexToRemove", i);
        size_t at = text_to_u64(typed, &index) ? place_of(ids, id, index, taken) : SIZE_MAX;
        if (at == SIZE_MAX)
            continue;
        char digits[24];
        taken[at] = true;
        (void)snprintf(digits, sizeof digits, "%zu", at);
        telling_put(&telling->query, "songIndexToRemove", text_of(digits));
    }
    *ret_want = json_array();
    for (size_t i = 0; i < count; i++)
        if (!taken[i])
            (void)json_array_append(*ret_want, json_array_get(ids, i));
    mem_free(taken);
    for (size_t i = 0; (id = own_parameter(telling->parameters, "songIdToAdd", i)).data; i++)
        (void)json_array_append_new(*ret_want, json_stringn(id.data, id.size));
    telling_put_all(telling, "songIdToAdd");
}

static enum told send_update(struct telling *telling, struct text there, json_t *ids)
{
    json_t *want = NULL;
    telling_put(&telling->query, "playlistId", there);
    put_update(telling, ids, &want);
    telling_put_all(telling, "name");
    telling_put_all(telling, "comment");
    telling_put_all(telling, "public");
    (void)json_object_set(telling->note, "before", ids);
    (void)json_object_set_new(telling->note, "want", want);
    return telling_send(telling, "updatePlaylist");
}

enum told telling_update(struct telling *telling)
{
    char room[64];
    json_t *playlist = NULL;
    struct text there =
        there_of(telling, own_parameter(telling->parameters, "playlistId", 0), room);
    telling_put(&telling->query, "id", there);
    enum told told =
        telling_ask(telling, "getPlaylist", "playlist", buffer_view(&telling->query), &playlist);
    buffer_reset(&telling->query);
    json_t *ids = ids_of(json_object_get(playlist, "entry"));
    bool is_as_before = json_equal(ids, json_object_get(telling->note, "before"));
    if (told == TOLD && telling->is_in_doubt && !is_as_before && telling_asks_first()) {
        if (!json_equal(ids, json_object_get(telling->note, "want"))) {
            counter_add(COUNTER_ADOPT_IN_DOUBT, 1);
            telling_show(telling, ENDED_IN_DOUBT, TEXT_NONE);
        }
    } else if (told == TOLD) {
        told = send_update(telling, there, ids);
    }
    json_decref(ids);
    json_decref(playlist);
    return told;
}

enum told telling_deletion(struct telling *telling)
{
    char room[64];
    telling_put(&telling->query, "id",
                there_of(telling, own_parameter(telling->parameters, "id", 0), room));
    enum told told = telling_send(telling, "deletePlaylist");
    return told == TOLD_REFUSED && telling->code == 70 ? TOLD : told; /* gone is gone */
}

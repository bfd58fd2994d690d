// SPDX-License-Identifier: GPL-3.0-or-later
/* Stars, ratings and plays, told to the foreign server. */
#include "adopt/own.h"
#include "adopt/telling.h"
#include "base/counters.h"

#include <string.h>

/* --- stars --- */

static bool is_listed(const json_t *lists, const char *name, struct text id)
{
    const json_t *each;
    char room[BOOK_NUMBER_BYTES];
    size_t at;
    json_array_foreach(json_object_get(lists, name), at,
                       each) if (text_equal(book_member(each, "id", room), id)) return true;
    return false;
}

static void put_unlike(struct telling *telling, const char *name, const json_t *lists,
                       const json_t *folders, const char *list, bool is_starred)
{
    struct text id;
    bool is_known = lists && (folders || strcmp(name, "id") != 0);
    for (size_t i = 0; (id = own_parameter(telling->parameters, name, i)).data; i++) {
        bool is_so = is_listed(lists, list, id);
        if (strcmp(name, "id") == 0)
            is_so = is_so || is_listed(folders, "song", id) || is_listed(folders, "album", id) ||
                    is_listed(folders, "artist", id);
        if (is_so != is_starred || (!is_so && !is_known) || !telling_asks_first())
            telling_put(&telling->query, name, id);
    }
}

enum told telling_star(struct telling *telling)
{
    bool is_starred = strcmp(telling->endpoint, "star") == 0;
    json_t *lists = NULL, *folders = NULL;
    enum told told = telling_ask(telling, "getStarred2", "starred2", TEXT_NONE, &lists);
    if (told == TOLD)
        told = telling_ask(telling, "getStarred", "starred", TEXT_NONE, &folders);
    if (told == TOLD_REFUSED || (told == TOLD_LATER && lists)) /* not every server knows folders */
        told = TOLD;
    if (told == TOLD) {
        put_unlike(telling, "id", lists, folders, "song", is_starred);
        put_unlike(telling, "albumId", lists, folders, "album", is_starred);
        put_unlike(telling, "artistId", lists, folders, "artist", is_starred);
        told = telling->query.size ? telling_send(telling, telling->endpoint) : TOLD;
    }
    json_decref(lists);
    json_decref(folders);
    return told;
}

enum told telling_rating(struct telling *telling)
{
    telling_put_all(telling, "id");
    telling_put_all(telling, "rating");
    return telling_send(telling, "setRating");
}

/* --- plays --- */

/* -1: it does not say. */
static enum told ask_plays(struct telling *telling, struct text id, int64_t *ret)
{
    struct buffer query;
    json_t *song = NULL;
    buffer_init(&query, TELLING_QUERY_BYTES);
    telling_put(&query, "id", id);
    enum told told = telling_ask(telling, "getSong", "song", buffer_view(&query), &song);
    const json_t *count = json_object_get(song, "playCount");
    *ret = json_is_integer(count) ? (int64_t)json_integer_value(count) : -1;
    json_decref(song);
    buffer_release(&query);
    return told;
}

static int64_t noted(const struct telling *telling, const char *name, int64_t otherwise)
{
    const json_t *value = json_object_get(telling->note, name);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : otherwise;
}

/* Whether the play that was sent arrived, as far as anybody can tell. */
static bool has_arrived(struct telling *telling, struct text id, int64_t plays)
{
    int64_t before = noted(telling, "plays", -1);
    if (plays >= 0 || before >= 0)
        return plays > before;
    if (json_is_true(json_object_get(telling->note, "failed")))
        return false;
    counter_add(COUNTER_ADOPT_IN_DOUBT, 1);
    telling_show(telling, ENDED_IN_DOUBT, id);
    return true; /* at most once */
}

static enum told tell_play(struct telling *telling, size_t i)
{
    struct text id = own_parameter(telling->parameters, "id", i);
    int64_t plays;
    enum told told = ask_plays(telling, id, &plays);
    bool was_sent = telling->is_in_doubt && noted(telling, "sending", -1) == (int64_t)i;
    if (told != TOLD || (was_sent && telling_asks_first() && has_arrived(telling, id, plays)))
        return told;
    (void)json_object_set_new(telling->note, "sending", json_integer((json_int_t)i));
    (void)json_object_set_new(telling->note, "plays", json_integer(plays));
    buffer_reset(&telling->query);
    telling_put(&telling->query, "id", id);
    telling_put(&telling->query, "time", own_parameter(telling->parameters, "time", i));
    telling_put(&telling->query, "submission", TEXT("true"));
    return telling_send(telling, "scrobble");
}

/* The answer to play `i` is here: nothing of it is in doubt when it goes on with the next. */
static bool go_on(struct telling *telling, size_t i)
{
    (void)json_object_set_new(telling->note, "sending", json_integer((json_int_t)i + 1));
    (void)json_object_del(telling->note, "plays");
    (void)json_object_del(telling->note, "tries");
    (void)json_object_del(telling->note, "since");
    telling->is_in_doubt = false;
    return telling_note(telling, WRITE_WAITS);
}

enum told telling_plays(struct telling *telling)
{
    size_t first = (size_t)noted(telling, "sending", 0),
           count = own_parameter_count(telling->parameters, "id");
    enum told told = TOLD, worst = TOLD;
    for (size_t i = first; i < count; i++) {
        told = tell_play(telling, i);
        if (told != TOLD && told != TOLD_REFUSED)
            return told;
        if (told == TOLD_REFUSED) { /* one song that is gone does not stop the others */
            telling_show(telling, ENDED_REFUSED, own_parameter(telling->parameters, "id", i));
            worst = told;
        }
        if (i + 1 < count && !go_on(telling, i))
            return TOLD_AWAY;
    }
    return worst;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/replay.h"

#include "adopt/own.h"
#include "adopt/refresh.h"
#include "adopt/telling.h"
#include "adopt/writes.h"
#include "base/counters.h"
#include "base/encode.h"
#include "base/guard.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- asking and sending --- */

static enum told verdict(struct telling *telling, enum foreign_end end, int code)
{
    telling->code = code;
    if (end == FOREIGN_OK)
        return TOLD;
    if (end != FOREIGN_ERROR)
        return TOLD_AWAY;
    return code >= 40 && code <= 44 ? TOLD_DENIED : TOLD_REFUSED;
}

void telling_put(struct buffer *query, const char *name, struct text value)
{
    buffer_printf(query, "%s%s=", query->size ? "&" : "", name);
    encode_percent(query, value, false);
}

void telling_put_all(struct telling *telling, const char *name)
{
    for (size_t i = 0; i < own_parameter_count(telling->parameters, name); i++)
        telling_put(&telling->query, name, own_parameter(telling->parameters, name, i));
}

enum told telling_ask(struct telling *telling, const char *endpoint, const char *member,
                      struct text query, json_t **ret)
{
    json_t *response = NULL;
    int code;
    enum foreign_end end = foreign_ask(telling->config->foreign, endpoint, query,
                                       text_of(telling->credentials), &response, &code);
    *ret = json_incref(json_object_get(response, member));
    json_decref(response);
    return verdict(telling, end, code);
}

static bool note(struct telling *telling, enum write_state state)
{
    return book_do(telling->book, "UPDATE write SET state = ?, note = ? WHERE number = ?", "iji",
                   (int64_t)state, telling->note, telling->number);
}

enum told telling_send(struct telling *telling, const char *endpoint)
{
    int code;
    if (telling->query.overflowed || !note(telling, WRITE_SENDING))
        return TOLD_AWAY;
    json_decref(telling->response);
    enum foreign_end end =
        foreign_tell(telling->config->foreign, endpoint, buffer_view(&telling->query),
                     text_of(telling->credentials), &telling->response, &code);
    enum told told = verdict(telling, end, code);
    if (end == FOREIGN_UNSENT || told == TOLD_DENIED) /* it was not done: nothing is in doubt */
        (void)note(telling, WRITE_WAITS);
    return told;
}

bool telling_asks_first(void) { return guard_is_on(GUARD_ADOPT_ASKS_FIRST); }

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
    for (size_t i = 0; (id = own_parameter(telling->parameters, name, i)).data; i++) {
        bool is_so = is_listed(lists, list, id);
        if (strcmp(name, "id") == 0)
            is_so = is_so || is_listed(folders, "song", id) || is_listed(folders, "album", id) ||
                    is_listed(folders, "artist", id);
        if (is_so != is_starred || !telling_asks_first())
            telling_put(&telling->query, name, id);
    }
}

static enum told tell_star(struct telling *telling)
{
    bool is_starred = strcmp(telling->endpoint, "star") == 0;
    json_t *lists = NULL, *folders = NULL;
    enum told told = telling_ask(telling, "getStarred2", "starred2", TEXT_NONE, &lists);
    if (told == TOLD)
        told = telling_ask(telling, "getStarred", "starred", TEXT_NONE, &folders);
    if (told == TOLD || told == TOLD_REFUSED) { /* not every server knows folders */
        put_unlike(telling, "id", lists, folders, "song", is_starred);
        put_unlike(telling, "albumId", lists, folders, "album", is_starred);
        put_unlike(telling, "artistId", lists, folders, "artist", is_starred);
        told = telling->query.size ? telling_send(telling, telling->endpoint) : TOLD;
    }
    json_decref(lists);
    json_decref(folders);
    return told;
}

static enum told tell_rating(struct telling *telling)
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
static bool has_arrived(struct telling *telling, int64_t plays)
{
    int64_t before = noted(telling, "plays", -1);
    if (plays < 0 && before < 0) {
        counter_add(COUNTER_ADOPT_IN_DOUBT, 1);
        return true; /* at most once */
    }
    return plays > before;
}

static enum told tell_play(struct telling *telling, size_t i)
{
    struct text id = own_parameter(telling->parameters, "id", i);
    int64_t plays;
    enum told told = ask_plays(telling, id, &plays);
    bool was_sent = telling->is_in_doubt && noted(telling, "sending", -1) == (int64_t)i;
    if (told != TOLD || (was_sent && telling_asks_first() && has_arrived(telling, plays)))
        return told;
    (void)json_object_set_new(telling->note, "sending", json_integer((json_int_t)i));
    (void)json_object_set_new(telling->note, "plays", json_integer(plays));
    buffer_reset(&telling->query);
    telling_put(&telling->query, "id", id);
    telling_put(&telling->query, "time", own_parameter(telling->parameters, "time", i));
    telling_put(&telling->query, "submission", TEXT("true"));
    return telling_send(telling, "scrobble");
}

static enum told tell_scrobble(struct telling *telling)
{
    size_t first = (size_t)noted(telling, "sending", 0);
    enum told told = TOLD, worst = TOLD;
    for (size_t i = first; i < own_parameter_count(telling->parameters, "id"); i++) {
        told = tell_play(telling, i);
        if (told == TOLD_AWAY || told == TOLD_DENIED)
            return told;
        worst = told == TOLD ? worst : told; /* one song that is gone does not stop the others */
        telling->is_in_doubt = false;
    }
    return worst;
}

/* --- one, and all --- */

static enum told tell(struct telling *telling)
{
    struct text endpoint = text_of(telling->endpoint);
    if (text_equal(endpoint, TEXT("star")) || text_equal(endpoint, TEXT("unstar")))
        return tell_star(telling);
    if (text_equal(endpoint, TEXT("setRating")))
        return tell_rating(telling);
    if (text_equal(endpoint, TEXT("scrobble")))
        return tell_scrobble(telling);
    if (text_equal(endpoint, TEXT("updatePlaylist")))
        return telling_update(telling);
    if (text_equal(endpoint, TEXT("deletePlaylist")))
        return telling_deletion(telling);
    return own_parameter(telling->parameters, "playlistId", 0).size ? telling_replacement(telling)
                                                                    : telling_creation(telling);
}

static bool read_write(struct telling *telling, const sqlite3_stmt *row_const)
{
    sqlite3_stmt *row = (sqlite3_stmt *)(uintptr_t)row_const;
    struct text listener = book_text(row, 1);
    (void)snprintf(telling->listener, sizeof telling->listener, "%.*s", TEXT_ARGS(listener));
    (void)snprintf(telling->endpoint, sizeof telling->endpoint, "%.*s",
                   TEXT_ARGS(book_text(row, 2)));
    telling->number = sqlite3_column_int64(row, 0);
    telling->parameters = book_json(row, 3);
    telling->note = book_json(row, 5);
    if (!json_is_object(telling->note)) {
        json_decref(telling->note);
        telling->note = json_object();
    }
    telling->is_in_doubt = sqlite3_column_int64(row, 4) == WRITE_SENDING;
    buffer_init(&telling->query, TELLING_QUERY_BYTES);
    return credentials_unseal(telling->config->keys, book_text(row, 6), listener,
                              telling->credentials);
}

static void release(struct telling *telling)
{
    json_decref(telling->parameters);
    json_decref(telling->note);
    json_decref(telling->response);
    buffer_release(&telling->query);
    explicit_bzero(telling->credentials, sizeof telling->credentials);
}

/* Kept until the listener's lists show it; a play is in none. */
static void done(struct telling *telling, json_t *fresh)
{
    if (strcmp(telling->endpoint, "scrobble") == 0) {
        (void)book_do(telling->book, "DELETE FROM write WHERE number = ?", "i", telling->number);
        return;
    }
    (void)note(telling, WRITE_TOLD);
    (void)json_object_set_new(fresh, telling->listener, json_string(telling->credentials));
}

static void end(struct telling *telling, enum told told, json_t *fresh)
{
    const struct replay_config *config = telling->config;
    bool is_refused = told == TOLD_REFUSED;
    if (is_refused) {
        (void)book_do(telling->book, "DELETE FROM write WHERE number = ?", "i", telling->number);
        LOG(config->logger, LOG_WARNING, "the server refused what a listener changed",
            {"listener", text_of(telling->listener)}, {"what", text_of(telling->endpoint)});
    } else {
        done(telling, fresh);
    }
    counter_add(is_refused ? COUNTER_ADOPT_REFUSED : COUNTER_ADOPT_TOLD, 1);
    config->told(config->context, &(struct replay_told){telling->number, is_refused, telling->code,
                                                        telling->response});
}

static bool is_denied(const json_t *denied, const char *listener)
{
    return json_object_get(denied, listener) != NULL;
}

/* The next one after `number`; false: there is none. */
static bool next(const struct replay_config *config, int64_t number, struct telling *ret)
{
    *ret = (struct telling){.config = config, .book = config->book};
    sqlite3_stmt *row = book_query(
        config->book,
        "SELECT number, listener, endpoint, parameters, state, note, credential FROM write"
        " WHERE number > ? AND state <> ? ORDER BY number LIMIT 1",
        "ii", number, (int64_t)WRITE_TOLD);
    bool is_there = row && sqlite3_step(row) == SQLITE_ROW;
    if (is_there && !read_write(ret, row))
        ret->credentials[0] = '\0';
    (void)sqlite3_finalize(row);
    return is_there;
}

static void refresh_all(const struct replay_config *config, json_t *fresh)
{
    const char *listener;
    json_t *credentials;
    json_object_foreach(fresh, listener, credentials)(void) refresh_listener(
        config->book, config->foreign, text_of(listener), text_of(json_string_value(credentials)));
}

bool replay_all(const struct replay_config *config)
{
    json_t *denied = json_object(); /* in order within a listener: later ones wait too */
    json_t *fresh = json_object();  /* whose lists are others now, and their credentials */
    struct telling telling;
    int64_t number = 0;
    enum told told = TOLD;
    while (told != TOLD_AWAY && next(config, number, &telling)) {
        number = telling.number;
        bool may = telling.credentials[0] && !is_denied(denied, telling.listener);
        told = may ? tell(&telling) : TOLD_DENIED;
        if (told == TOLD || told == TOLD_REFUSED)
            end(&telling, told, fresh);
        else if (told == TOLD_DENIED)
            (void)json_object_set_new(denied, telling.listener, json_true());
        release(&telling);
    }
    refresh_all(config, fresh);
    json_decref(denied);
    json_decref(fresh);
    return told != TOLD_AWAY;
}

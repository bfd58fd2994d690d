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
    telling->is_unsent = end == FOREIGN_UNSENT;
    if (end == FOREIGN_OK)
        return TOLD;
    if (end == FOREIGN_UNSENT || end == FOREIGN_AWAY)
        return TOLD_AWAY;
    if (end == FOREIGN_NONSENSE || code == 0) /* 0 is generic: a database that is locked, too */
        return TOLD_LATER;
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

bool telling_note(struct telling *telling, enum write_state state)
{
    return book_do(telling->book, "UPDATE write SET state = ?, note = ? WHERE number = ?", "iji",
                   (int64_t)state, telling->note, telling->number);
}

enum told telling_send(struct telling *telling, const char *endpoint)
{
    int code;
    if (telling->query.overflowed) /* it never was, nor will be */
        return TOLD_REFUSED;
    (void)json_object_del(telling->note, "failed");
    if (!telling_note(telling, WRITE_SENDING))
        return TOLD_AWAY;
    json_decref(telling->response);
    enum foreign_end end =
        foreign_tell(telling->config->foreign, endpoint, buffer_view(&telling->query),
                     text_of(telling->credentials), &telling->response, &code);
    enum told told = verdict(telling, end, code);
    if (end == FOREIGN_UNSENT || told == TOLD_DENIED) /* it was not done: nothing is in doubt */
        (void)telling_note(telling, WRITE_WAITS);
    else if (end == FOREIGN_ERROR && told == TOLD_LATER) /* it says that it did not do it */
        (void)json_object_set_new(telling->note, "failed", json_true());
    return told;
}

void telling_show(struct telling *telling, enum ended_how how, struct text id)
{
    json_t *song = id.data ? json_pack("{s[s%]}", "id", id.data, id.size) : NULL;
    (void)ended_keep(telling->book, &(struct ended){.listener = text_of(telling->listener),
                                                    .endpoint = text_of(telling->endpoint),
                                                    .parameters = song ? song : telling->parameters,
                                                    .at_ms = telling->at_ms,
                                                    .now_ms = telling->config->now_ms,
                                                    .how = how,
                                                    .code = telling->code});
    json_decref(song);
    telling->is_shown = true;
}

bool telling_asks_first(void) { return guard_is_on(GUARD_ADOPT_ASKS_FIRST); }

/* --- one, and all --- */

static enum told tell(struct telling *telling)
{
    struct text endpoint = text_of(telling->endpoint);
    if (text_equal(endpoint, TEXT("star")) || text_equal(endpoint, TEXT("unstar")))
        return telling_star(telling);
    if (text_equal(endpoint, TEXT("setRating")))
        return telling_rating(telling);
    if (text_equal(endpoint, TEXT("scrobble")))
        return telling_plays(telling);
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
    telling->at_ms = sqlite3_column_int64(row, 7);
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
    (void)telling_note(telling, WRITE_TOLD);
    (void)json_object_set_new(fresh, telling->listener, json_string(telling->credentials));
}

static void give_up(struct telling *telling, enum told told)
{
    bool is_given_up = told == TOLD_GIVEN_UP;
    (void)book_do(telling->book, "BEGIN IMMEDIATE", "");
    if (!telling->is_shown)
        telling_show(telling, is_given_up ? ENDED_GIVEN_UP : ENDED_REFUSED, TEXT_NONE);
    (void)book_do(telling->book, "DELETE FROM write WHERE number = ?", "i", telling->number);
    (void)book_do(telling->book, "COMMIT", "");
    LOG(telling->config->logger, LOG_WARNING,
        is_given_up ? "the server has no answer to what a listener changed; it is given up"
                    : "the server refused what a listener changed",
        {"listener", text_of(telling->listener)}, {"what", text_of(telling->endpoint)},
        {"code", LOG_NUMBER(telling->code)});
}

static void end(struct telling *telling, enum told told, json_t *fresh)
{
    const struct replay_config *config = telling->config;
    bool is_refused = told != TOLD;
    if (is_refused)
        give_up(telling, told);
    else
        done(telling, fresh);
    counter_add(is_refused ? COUNTER_ADOPT_REFUSED : COUNTER_ADOPT_TOLD, 1);
    config->told(config->context, &(struct replay_told){telling->number, is_refused, telling->code,
                                                        telling->response});
}

static int64_t noted(const struct telling *telling, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(telling->note, name));
}

/* It was tried in vain: when this is so for long it is given up, while the server lives. */
static enum told put_off(struct telling *telling, enum told told)
{
    const struct replay_config *config = telling->config;
    int64_t tries = noted(telling, "tries") + 1, since_ms = noted(telling, "since");
    if (telling->is_unsent || foreign_is_stopped(config->foreign))
        return told;
    if (!since_ms || since_ms > config->now_ms)
        since_ms = config->now_ms;
    if (tries >= REPLAY_TRIES && config->now_ms - since_ms >= REPLAY_TRIED_MS &&
        guard_is_on(GUARD_ADOPT_GIVES_UP))
        return TOLD_GIVEN_UP;
    (void)json_object_set_new(telling->note, "tries", json_integer((json_int_t)tries));
    (void)json_object_set_new(telling->note, "since", json_integer((json_int_t)since_ms));
    (void)book_do(telling->book, "UPDATE write SET note = ? WHERE number = ?", "ji", telling->note,
                  telling->number);
    return told;
}

/* One more that waits, if it may be told now. */
static enum told try_one(struct telling *telling)
{
    const struct replay_config *config = telling->config;
    struct text listener = text_of(telling->listener), credentials = text_of(telling->credentials);
    if (pauses_has(config->pauses, listener, credentials, config->up_ms))
        return TOLD_DENIED;
    enum told told = credentials.size ? tell(telling) : TOLD_DENIED;
    if (told == TOLD_LATER || told == TOLD_AWAY)
        told = put_off(telling, told);
    if (told == TOLD || told == TOLD_REFUSED || told == TOLD_GIVEN_UP)
        pauses_end(config->pauses, listener);
    else
        pauses_add(config->pauses, listener, credentials, told == TOLD_DENIED, config->up_ms);
    return told;
}

/* The next one after `number`; false: there is none. */
static bool next(const struct replay_config *config, int64_t number, struct telling *ret)
{
    *ret = (struct telling){.config = config, .book = config->book};
    sqlite3_stmt *row = book_query(
        config->book,
        "SELECT number, listener, endpoint, parameters, state, note, credential, at FROM write"
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
    json_t *held = json_object();  /* in order within a listener: later ones wait too */
    json_t *fresh = json_object(); /* whose lists are others now, and their credentials */
    struct telling telling;
    int64_t number = 0;
    enum told told = TOLD;
    while (told != TOLD_AWAY && next(config, number, &telling)) {
        number = telling.number;
        told = json_object_get(held, telling.listener) ? TOLD_DENIED : try_one(&telling);
        if (told == TOLD || told == TOLD_REFUSED || told == TOLD_GIVEN_UP)
            end(&telling, told, fresh);
        else
            (void)json_object_set_new(held, telling.listener, json_true());
        release(&telling);
    }
    refresh_all(config, fresh);
    json_decref(held);
    json_decref(fresh);
    return told != TOLD_AWAY;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/ended.h"

#include "base/timestamp.h"

enum { SHOWN_WAITING = 200, SHOWN_OF = 20 };

static const char *const words[] = {
    [ENDED_REFUSED] = "refused", [ENDED_GIVEN_UP] = "givenUp", [ENDED_IN_DOUBT] = "inDoubt"};

bool ended_keep(struct book *book, const struct ended *ended)
{
    return book_do(book,
                   "INSERT INTO ended(listener, endpoint, parameters, at, ended, how, code)"
                   " VALUES(?, ?, ?, ?, ?, ?, ?)",
                   "ttjiisi", ended->listener, ended->endpoint, ended->parameters, ended->at_ms,
                   ended->now_ms, words[ended->how], (int64_t)ended->code) &&
           book_do(book,
                   "DELETE FROM ended WHERE listener = ?1 AND number <= (SELECT number FROM ended"
                   " WHERE listener = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)",
                   "ti", ended->listener, (int64_t)ENDED_MAX_OF_LISTENER) &&
           book_do(book, "DELETE FROM ended WHERE number <= (SELECT max(number) FROM ended) - ?",
                   "i", (int64_t)ENDED_MAX);
}

int64_t ended_count(struct book *book, bool is_in_doubt)
{
    return book_one_number(book, 0,
                           is_in_doubt ? "SELECT count(*) FROM ended WHERE how = 'inDoubt'"
                                       : "SELECT count(*) FROM ended WHERE how <> 'inDoubt'",
                           "");
}

/* --- showing --- */

static void put_date(json_t *object, const char *name, int64_t at_ms)
{
    struct timestamp_text storage;
    struct text t = timestamp_rfc3339(&storage, at_ms);
    (void)json_object_set_new(object, name, json_stringn(t.data, t.size));
}

/* The first values of whatever it named. */
static json_t *ids_of(const json_t *parameters)
{
    static const char *const names[] = {"id", "albumId", "artistId", "playlistId", "name"};
    json_t *ids = json_array(), *id;
    size_t at;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        json_array_foreach(json_object_get(parameters, names[i]), at, id)
        {
            if (json_array_size(ids) < SHOWN_OF)
                (void)json_array_append(ids, id);
        }
    return ids;
}

static json_t *one(sqlite3_stmt *row)
{
    struct text endpoint = book_text(row, 0);
    json_t *write =
        json_pack("{ss%}", "endpoint", endpoint.data ? endpoint.data : "", endpoint.size);
    json_t *parameters = book_json(row, 1);
    struct text how = book_text(row, 4);
    (void)json_object_set_new(write, "state", json_stringn(how.data, how.size));
    put_date(write, "created", sqlite3_column_int64(row, 2));
    if (sqlite3_column_int64(row, 3))
        put_date(write, "ended", sqlite3_column_int64(row, 3));
    if (sqlite3_column_int64(row, 5))
        (void)json_object_set_new(write, "code", json_integer(sqlite3_column_int64(row, 5)));
    (void)json_object_set_new(write, "of", ids_of(parameters));
    json_decref(parameters);
    return write;
}

static void put_rows(json_t *list, sqlite3_stmt *rows)
{
    while (rows && sqlite3_step(rows) == SQLITE_ROW)
        (void)json_array_append_new(list, one(rows));
    (void)sqlite3_finalize(rows);
}

json_t *ended_list(struct book *book, struct text listener)
{
    json_t *list = json_array();
    int64_t waiting = book_one_number(
        book, 0, "SELECT count(*) FROM write WHERE listener = ? AND state <> 2", "t", listener);
    put_rows(list, book_query(book,
                              "SELECT endpoint, parameters, at, 0, 'waiting', 0 FROM write WHERE"
                              " listener = ? AND state <> 2 ORDER BY number DESC LIMIT ?",
                              "ti", listener, (int64_t)SHOWN_WAITING));
    put_rows(list, book_query(book,
                              "SELECT endpoint, parameters, at, ended, how, code FROM ended WHERE"
                              " listener = ? ORDER BY number DESC LIMIT ?",
                              "ti", listener, (int64_t)ENDED_MAX_OF_LISTENER));
    return json_pack("{sIso}", "waiting", (json_int_t)waiting, "write", list);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/group_row.h"
#include <string.h>

enum { SALTS = 1000 }; /* ids that are tried for one key */

/* --- reading --- */

bool group_row_get(struct database *database, int64_t group, struct group_row *ret)
{
    sqlite3_stmt *get = database_use(database, STATEMENT_GROUP_GET);
    bind_i64(get, 1, group);
    if (!database_step(database, get))
        return false;
    *ret = (struct group_row){.members = sqlite3_column_int64(get, 2),
                              .created_ms = sqlite3_column_int64(get, 3)};
    column_id(get, 0, ret->id.bytes);
    struct text mbid = column_bytes(get, 1);
    if (mbid.size && mbid.size < sizeof ret->mbid)
        memcpy(ret->mbid, mbid.data, mbid.size);
    ret->name = column_bytes(get, 4);
    column_id(get, 5, ret->art.bytes);
    return true;
}

int64_t group_row_members(struct database *database, int64_t group)
{
    sqlite3_stmt *get = database_use(database, STATEMENT_GROUP_MEMBERS);
    bind_i64(get, 1, group);
    int64_t members = database_step(database, get) ? sqlite3_column_int64(get, 0) : 0;
    sqlite3_reset(get);
    return members;
}

int64_t group_row_find(struct database *database, enum group_kind kind, const struct key *key,
                       int64_t *ret_members)
{
    int64_t group = 0;
    sqlite3_stmt *get = database_use(database, STATEMENT_GROUP_BY_KEY);
    bind_i64(get, 1, kind);
    bind_bytes(get, 2, key->bytes, sizeof key->bytes);
    if (database_step(database, get)) {
        group = sqlite3_column_int64(get, 0);
        if (ret_members)
            *ret_members = sqlite3_column_int64(get, 1);
    }
    sqlite3_reset(get);
    return group;
}

int64_t group_row_namesake(struct database *database, const struct key *name_key, bool has_mbid)
{
    sqlite3_stmt *get = database_use(database, STATEMENT_GROUP_NAMESAKES);
    bind_bytes(get, 1, name_key->bytes, sizeof name_key->bytes);
    int64_t found = 0;
    size_t with = 0, without = 0;
    while (database_step(database, get)) {
        bool has = sqlite3_column_type(get, 2) != SQLITE_NULL;
        with += has;
        without += !has;
        if (has == has_mbid)
            found = sqlite3_column_int64(get, 0);
    }
    return with == has_mbid && (has_mbid || without == 1) ? found : 0;
}

/* --- writing --- */

static void bind_name_key(sqlite3_stmt *statement, int at, const struct group_identity *identity)
{
    if (identity->kind == GROUP_ARTIST)
        bind_bytes(statement, at, identity->name_key.bytes, sizeof identity->name_key.bytes);
    else
        bind_null(statement, at);
}

static void bind_mbid(sqlite3_stmt *statement, int at, struct text mbid)
{
    if (mbid.size)
        sqlite3_bind_text(statement, at, mbid.data, (int)mbid.size, SQLITE_STATIC);
    else
        bind_null(statement, at);
}

static void bind_name(sqlite3_stmt *statement, int at, struct text name)
{
    sqlite3_bind_text(statement, at, name.data ? name.data : "", (int)name.size, SQLITE_STATIC);
}

int64_t group_row_insert(struct database *database, const struct group_identity *identity,
                         const struct catalog_id *id, int64_t created_ms)
{
    sqlite3_stmt *insert = database_use(database, STATEMENT_GROUP_INSERT);
    bind_i64(insert, 1, identity->kind);
    bind_bytes(insert, 2, id->bytes, sizeof id->bytes);
    bind_bytes(insert, 3, identity->key.bytes, sizeof identity->key.bytes);
    bind_name_key(insert, 4, identity);
    bind_mbid(insert, 5, identity->mbid);
    bind_i64(insert, 6, created_ms);
    bind_name(insert, 7, identity->name);
    int64_t row = database_step(database, insert) ? sqlite3_column_int64(insert, 0) : 0;
    sqlite3_reset(insert);
    return row;
}

int64_t group_row_make(struct database *database, const struct group_identity *identity,
                       int64_t created_ms)
{
    const char *purpose = identity->kind == GROUP_ALBUM ? "sostenuto album" : "sostenuto artist";
    int64_t row = 0;
    for (uint32_t salt = 0; !row && salt < SALTS && !database_error(database); salt++) {
        struct catalog_id id =
            id_derive(purpose, identity->key.bytes, sizeof identity->key.bytes, salt);
        row = group_row_insert(database, identity, &id, created_ms);
    }
    return row;
}

int64_t group_row_ensure_artist(struct database *database, const struct credit *credit,
                                int64_t now_ms)
{
    const struct group_identity artist = {.kind = GROUP_ARTIST,
                                          .key = credit->key,
                                          .name_key = credit->name_key,
                                          .mbid = credit->mbid,
                                          .name = credit->name};
    int64_t group = group_row_find(database, GROUP_ARTIST, &credit->key, NULL);
    return group ? group : group_row_make(database, &artist, now_ms);
}

void group_row_set_identity(struct database *database, int64_t group,
                            const struct group_identity *identity)
{
    sqlite3_stmt *update = database_use(database, STATEMENT_GROUP_REKEY);
    bind_i64(update, 1, group);
    bind_bytes(update, 2, identity->key.bytes, sizeof identity->key.bytes);
    bind_name_key(update, 3, identity);
    bind_mbid(update, 4, identity->mbid);
    bind_name(update, 5, identity->name);
    database_run(database, update);
}

void group_row_unkey(struct database *database, int64_t group)
{
    sqlite3_stmt *unkey = database_use(database, STATEMENT_GROUP_UNKEY);
    bind_i64(unkey, 1, group);
    database_run(database, unkey);
}

void group_row_set_art(struct database *database, int64_t group, const struct catalog_id *art)
{
    sqlite3_stmt *set = database_use(database, STATEMENT_GROUP_SET_ART);
    bind_i64(set, 1, group);
    if (catalog_id_is_none(art))
        bind_null(set, 2);
    else
        bind_bytes(set, 2, art->bytes, sizeof art->bytes);
    database_run(database, set);
}

void group_row_add_members(struct database *database, int64_t group, int64_t delta)
{
    sqlite3_stmt *count = database_use(database, STATEMENT_GROUP_COUNT);
    bind_i64(count, 1, group);
    bind_i64(count, 2, delta);
    database_run(database, count);
}

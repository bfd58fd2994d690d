// SPDX-License-Identifier: GPL-3.0-or-later
/* sessions: where a listener is signed in: players and apps, listed and ended. */
#include "api/audit.h"
#include "api/inside.h"
#include "api/player.h"

#include <stdlib.h>

enum { ROWS_MAX = ACCOUNT_MAX_SESSIONS + ACCOUNT_MAX_APPS };

struct row {
    struct uid id;
    const char *kind;
    struct text label;
    int64_t created_ms, used_ms, expires_ms;
    bool is_current, is_bound;
};

static int last_used_first(const void *a, const void *b)
{
    const struct row *one = a, *other = b;
    return one->used_ms != other->used_ms ? (one->used_ms > other->used_ms ? -1 : 1)
                                          : memcmp(one->id.bytes, other->id.bytes, UID_BYTES);
}

static size_t add_sessions(const struct player *player, struct row *rows)
{
    const struct state *state = player->api->config.state;
    const struct session *session;
    size_t cursor = 0, count = 0;
    while (count < ACCOUNT_MAX_SESSIONS &&
           (session = state_session_next(state, player->account_id, &cursor))) {
        if (session->expires_ms <= player_now_ms(player))
            continue;
        rows[count++] = (struct row){
            .id = session->id,
            .kind = "player",
            .label = session->label,
            .created_ms = session->created_ms,
            .used_ms =
                session->used_ms > session->rotated_ms ? session->used_ms : session->rotated_ms,
            .expires_ms = session->expires_ms,
            .is_current = uid_equal(session->id, player->session_id),
            .is_bound = session_is_bound(session),
        };
    }
    return count;
}

static size_t add_apps(const struct player *player, struct row *rows)
{
    const struct app *app;
    size_t cursor = 0, count = 0;
    while (count < ACCOUNT_MAX_APPS &&
           (app = state_app_next(player->api->config.state, player->account_id, &cursor)))
        rows[count++] = (struct row){.id = app->id,
                                     .kind = "app",
                                     .label = app->label,
                                     .created_ms = app->created_ms,
                                     .used_ms = app->last_used_ms};
    return count;
}

static void write_time(struct json *json, const char *name, int64_t at_ms)
{
    json_name(json, name);
    if (at_ms)
        json_i64(json, at_ms);
    else
        json_write_null(json);
}

static void write_row(struct json *json, const struct row *row)
{
    json_begin_object(json);
    player_write_uid(json, "id", row->id);
    json_member_text(json, "kind", text_of(row->kind));
    json_member_text(json, "label", row->label);
    json_member_i64(json, "createdAt", row->created_ms);
    write_time(json, "lastUsedAt", row->used_ms);
    write_time(json, "expiresAt", row->expires_ms);
    json_member_bool(json, "isCurrent", row->is_current);
    json_member_bool(json, "isBound", row->is_bound);
    json_end_object(json);
}

void player_sessions_get(struct player *player)
{
    struct row *rows = arena_alloc(exchange_arena(player->exchange), ROWS_MAX * sizeof *rows);
    if (!rows) {
        player_busy(player, 1, "This request needs more memory than one may have.");
        return;
    }
    size_t count = add_sessions(player, rows);
    count += add_apps(player, rows + count);
    qsort(rows, count, sizeof *rows, last_used_first);
    struct json *json = player_json(player);
    json_begin_array(json);
    for (size_t i = 0; i < count; i++)
        write_row(json, &rows[i]);
    json_end_array(json);
    player_send(player, 200);
}

static void on_ended(struct player *player) { player_send_empty(player, 204); }

void player_sessions_delete(struct player *player)
{
    struct uid id;
    const struct state *state = player->api->config.state;
    if (!player_id(player, &id))
        return;
    const struct session *session = state_session(state, id, player_now_ms(player));
    const struct app *app = state_app(state, id);
    struct batch *batch = player_batch(player, false);
    if (session && uid_equal(session->account, player->account_id)) {
        audit_player_what(player, AUDIT_REVOKED, session->account, session->label);
        batch_session_revoke(batch, player->account_id, id);
    } else if (app && uid_equal(app->account, player->account_id)) {
        audit_player_what(player, AUDIT_REVOKED, app->account, app->label);
        batch_app_revoke(batch, player->account_id, id);
    } else {
        batch_free(&batch);
        player_problem(player, 404, "Not found", "There is no such session, or it has ended.");
        return;
    }
    player_submit(player, batch, on_ended);
}

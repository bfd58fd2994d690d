// SPDX-License-Identifier: GPL-3.0-or-later
/* apps: the secrets by which a listener's OpenSubsonic apps sign in; each is shown once. */
#include "api/audit.h"
#include "api/player.h"
#include "api/requests.h"

enum { LABEL_MAX_BYTES = 100 };

static void write_app(struct json *json, const struct app *app)
{
    player_write_uid(json, "id", app->id);
    json_member_text(json, "label", app->label);
    json_member_i64(json, "createdAt", app->created_ms);
    json_name(json, "lastUsedAt");
    if (app->last_used_ms)
        json_i64(json, app->last_used_ms);
    else
        json_write_null(json);
}

void player_apps_get(struct player *player)
{
    const struct app *app;
    size_t cursor = 0;
    struct json *json = player_json(player);
    json_begin_array(json);
    while ((app = state_app_next(player->api->config.state, player->account_id, &cursor))) {
        json_begin_object(json);
        write_app(json, app);
        json_end_object(json);
    }
    json_end_array(json);
    player_send(player, 200);
}

struct made_app {
    struct uid id;
    struct secret secret;
};

static void on_made(struct player *player)
{
    struct made_app *made = player->context;
    const struct app *app = state_app(player->api->config.state, made->id);
    audit_player_what(player, AUDIT_APP_MADE, player->account_id, app ? app->label : TEXT_NONE);
    struct json *json = player_json(player);
    json_begin_object(json);
    if (app)
        write_app(json, app);
    json_member_text(json, "secret", text_of(made->secret.text));
    json_end_object(json);
    secret_wipe(&made->secret);
    exchange_keep_identity(player->exchange);
    player_send(player, 201);
}

void player_apps_post(struct player *player)
{
    struct text label;
    size_t cursor = 0, count = 0;
    if (requests_decline(player))
        return;
    if (!player_text(player, "label", 1, LABEL_MAX_BYTES, &label))
        return;
    while (state_app_next(player->api->config.state, player->account_id, &cursor))
        count++;
    struct made_app *made = arena_zalloc(exchange_arena(player->exchange), sizeof(*made));
    if (count >= ACCOUNT_MAX_APPS || !made) {
        player_problem(player, 409, "Too many apps",
                       "Remove an app that you no longer use, then add this one.");
        return;
    }
    struct batch *batch = player_batch(player, false);
    made->id = batch_app_create(batch, player->account_id, label, &made->secret);
    player->context = made;
    player_submit(player, batch, on_made);
}

static void on_revoked(struct player *player) { player_send_empty(player, 204); }

void player_apps_delete(struct player *player)
{
    struct uid id;
    if (!player_id(player, &id))
        return;
    const struct app *app = state_app(player->api->config.state, id);
    if (!app || !uid_equal(app->account, player->account_id)) {
        player_problem(player, 404, "Not found", "You have no app of this id.");
        return;
    }
    audit_player_what(player, AUDIT_REVOKED, app->account, app->label);
    struct batch *batch = player_batch(player, false);
    batch_app_revoke(batch, player->account_id, id);
    player_submit(player, batch, on_revoked);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* setup: the first admin, made by who can read the terminal; and what the player asks before
 * anybody is known. */
#include "api/bound.h"
#include "api/elsewhere.h"
#include "api/player.h"
#include "api/throttle.h"
#include "library/library.h"
#include "trust/onetime.h"

struct making {
    struct text name;
    struct uid account;
};

static void write_scan_brief(struct json *json, struct library *library)
{
    struct library_status status;
    library_status(library, &status);
    json_begin_object(json);
    json_member_bool(json, "running", status.phase != LIBRARY_IDLE);
    json_member_text(json, "phase", text_of(library_phase_name(status.phase)));
    json_member_u64(json, "seen", status.files_seen);
    json_member_u64(json, "total", status.files_estimate);
    json_end_object(json);
}

void player_status_get(struct player *player)
{
    if (api_follows(player->api) && state_account_count(player->api->config.state) == 0) {
        elsewhere_go(player->api, player->exchange); /* nothing is held yet */
        return;
    }
    struct json *json = player_json(player);
    json_begin_object(json);
    json_member_text(json, "name", TEXT("Sostenuto"));
    json_member_text(json, "version", player->api->config.version);
    json_member_bool(json, "needsSetup", state_account_count(player->api->config.state) == 0);
    json_name(json, "scanning");
    write_scan_brief(json, player->api->config.library);
    json_end_object(json);
    player_send(player, 200);
}

static bool needs_setup(struct player *player)
{
    if (player->api->config.setup_code && state_account_count(player->api->config.state) == 0)
        return true;
    player_problem(player, 409, "Set up already",
                   "This server has its first admin: sign in, or ask them for an account.");
    return false;
}

static void on_made(struct player *player)
{
    struct making *making = player->context;
    onetime_spend(player->api->config.setup_code);
    session_begin(player, making->account, 201);
}

static void on_hashed(struct player *player, struct text hash)
{
    struct making *making = player->context;
    if (!needs_setup(player)) /* somebody else was faster */
        return;
    struct batch *batch = player_batch(player, true);
    making->account = batch_account_create(batch, making->name, hash, true, ACCOUNT_ALL_LIBRARIES);
    player_submit(player, batch, on_made);
}

static const struct text TRIES_OF = {"\nset-up code", 12}; /* no account can have this name */

static bool is_code_right(struct player *player, struct text code)
{
    const struct throttle_try attempt = {
        .address = text_of(exchange_peer(player->exchange)->address), .name = TRIES_OF};
    int64_t now_ms = exchange_now_ms(player->exchange);
    uint64_t wait_ms = throttle_wait_ms(player->api->throttle, &attempt, now_ms);
    if (wait_ms) {
        player_busy(player, (unsigned)((wait_ms + 999) / 1000),
                    "Too many wrong codes from this address; wait, then try again.");
        return false;
    }
    switch (onetime_check(player->api->config.setup_code, code)) {
    case ONETIME_RIGHT:
        return true;
    case ONETIME_WRONG:
        throttle_failed(player->api->throttle, &attempt, now_ms);
        player_problem(player, 403, "Wrong code", "Type the code as the terminal shows it.");
        return false;
    case ONETIME_DEAD:
        break;
    }
    player_problem(player, 403, "Code used up",
                   "Too many wrong codes: restart the server, it prints a new one.");
    return false;
}

void player_setup_post(struct player *player)
{
    struct text code, name, password;
    struct making *making = arena_zalloc(exchange_arena(player->exchange), sizeof(*making));
    if (!needs_setup(player))
        return;
    if (!player_text(player, "code", 1, 64, &code) || !player_text(player, "name", 1, 256, &name) ||
        !player_text(player, "password", 1, 1024, &password))
        return;
    if (!making) {
        player_busy(player, 1, "This request needs more memory than one may have.");
        return;
    }
    if (!bound_take(player) || !is_code_right(player, code) || !player_name_is_fine(player, name))
        return;
    making->name = name;
    player->context = making;
    player_hash(player, name, password, on_hashed);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* users: the accounts of this server, for its admins; and one's own password. */
#include "api/audit.h"
#include "api/player.h"
#include "api/requests.h"
#include "api/signin.h"
#include "api/wishes.h"

/* --- showing them --- */

void player_write_libraries(struct json *json, uint64_t libraries)
{
    json_name(json, "libraries");
    if (libraries == ACCOUNT_ALL_LIBRARIES) {
        json_write_null(json);
        return;
    }
    json_begin_array(json);
    for (unsigned id = 1; id <= 64; id++)
        if (libraries & UINT64_C(1) << (id - 1))
            json_u64(json, id);
    json_end_array(json);
}

static void write_user(struct json *json, const struct account *account)
{
    json_begin_object(json);
    player_write_account(json, account);
    json_member_bool(json, "isDisabled", account->is_disabled);
    json_member_i64(json, "createdAt", account->created_ms);
    player_write_libraries(json, account->libraries);
    json_end_object(json);
}

static void send_user(struct player *player, struct uid id, unsigned status)
{
    const struct account *account = state_account(player->api->config.state, id);
    if (!account) {
        player_problem(player, 404, "Not found", "There is no account of this id.");
        return;
    }
    write_user(player_json(player), account);
    player_send(player, status);
}

void player_users_get(struct player *player)
{
    const struct account *account;
    size_t cursor = 0;
    struct json *json = player_json(player);
    json_begin_array(json);
    while ((account = state_account_next(player->api->config.state, &cursor)))
        write_user(json, account);
    json_end_array(json);
    player_send(player, 200);
}

/* --- reading what shall change --- */

/* What a request says about an account; absent members leave things as they are. */
struct changes {
    struct account_wish wish;
    struct text password; /* data NULL: absent */
};

static bool read_libraries(struct player *player, struct changes *changes)
{
    const json_t *list = json_object_get(player->body, "libraries");
    struct account_wish *wish = &changes->wish;
    wish->has_libraries = list != NULL;
    wish->libraries = ACCOUNT_ALL_LIBRARIES;
    if (!list || json_is_null(list))
        return true;
    wish->libraries = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_int_t id = json_integer_value(json_array_get(list, i));
        if (id < 1 || id > 64)
            break;
        wish->libraries |= UINT64_C(1) << (id - 1);
        if (i + 1 == json_array_size(list))
            return true;
    }
    if (json_is_array(list) && !json_array_size(list))
        return true;
    player_problem(player, 400, "Bad request",
                   "The member \"libraries\" must be null or a list of numbers, 1 to 64.");
    return false;
}

static bool read_changes(struct player *player, struct changes *changes)
{
    struct account_wish *wish = &changes->wish;
    if (!player->body) {
        player_problem(player, 400, "Bad request", "Send a JSON object.");
        return false;
    }
    if (json_object_get(player->body, "name") &&
        (!player_text(player, "name", 1, 256, &wish->name) ||
         !player_name_is_fine(player, wish->name)))
        return false;
    if (json_object_get(player->body, "password") &&
        !player_text(player, "password", 1, 1024, &changes->password))
        return false;
    wish->has_admin = json_object_get(player->body, "isAdmin") != NULL;
    wish->has_disabled = json_object_get(player->body, "isDisabled") != NULL;
    return player_bool(player, "isAdmin", false, &wish->is_admin) &&
           player_bool(player, "isDisabled", false, &wish->is_disabled) &&
           read_libraries(player, changes);
}

static struct changes *new_changes(struct player *player)
{
    struct changes *changes = arena_zalloc(exchange_arena(player->exchange), sizeof(*changes));
    if (!changes)
        player_busy(player, 1, "This request needs more memory than one may have.");
    player->context = changes;
    return changes;
}

/* False after answering. */
static bool may_be(struct player *player, const struct account_wish *wish)
{
    const struct wish_fault *fault = wish_fault(player->api->config.state, wish);
    if (fault)
        player_problem(player, fault->status, fault->title, fault->words);
    return !fault;
}

/* --- making one --- */

static void on_created(struct player *player)
{
    struct changes *changes = player->context;
    audit_player(player, AUDIT_USER_MADE, changes->wish.about);
    send_user(player, changes->wish.about, 201);
}

static void create_hashed(struct player *player, struct text hash)
{
    struct changes *changes = player->context;
    if (!may_be(player, &changes->wish))
        return;
    struct batch *batch = player_batch(player, true);
    wish_grant(batch, &changes->wish);
    batch_password(batch, changes->wish.about, hash);
    player_submit(player, batch, on_created);
}

void player_users_post(struct player *player)
{
    struct changes *changes = new_changes(player);
    if (!changes || !read_changes(player, changes))
        return;
    changes->wish.what = REQUEST_MAKE;
    changes->wish.about = uid_random();
    if (changes->password.size && requests_decline(player))
        return;
    if (!changes->wish.name.size || (!changes->password.size && !api_follows(player->api)))
        player_problem(player, 400, "Bad request",
                       "The members \"name\" and \"password\" are needed.");
    else if (api_follows(player->api))
        requests_keep(player, &changes->wish);
    else if (may_be(player, &changes->wish))
        player_hash(player, changes->wish.name, changes->password, create_hashed);
}

/* --- changing one --- */

static void on_changed(struct player *player)
{
    struct changes *changes = player->context;
    audit_player(player, AUDIT_USER_CHANGED, changes->wish.about);
    send_user(player, changes->wish.about, 200);
}

/* With the sessions that the old password began. */
static void add_password(const struct player *player, struct batch *batch, struct text hash)
{
    const struct changes *changes = player->context;
    const struct session *session;
    size_t cursor = 0;
    batch_password(batch, changes->wish.about, hash);
    while ((session = state_session_next(player->api->config.state, changes->wish.about, &cursor)))
        if (!uid_equal(session->id, player->session_id))
            batch_session_revoke(batch, changes->wish.about, session->id);
}

static void submit_changes(struct player *player, struct text hash)
{
    struct changes *changes = player->context;
    struct batch *batch = player_batch(player, true);
    wish_grant(batch, &changes->wish);
    if (hash.size)
        add_password(player, batch, hash);
    player_submit(player, batch, on_changed);
}

void player_users_patch(struct player *player)
{
    struct changes *changes = new_changes(player);
    struct account_wish *wish = changes ? &changes->wish : NULL;
    if (!wish || !player_id(player, &wish->about) || !read_changes(player, changes))
        return;
    wish->what = REQUEST_CHANGE;
    if ((changes->password.size && requests_decline(player)) || !may_be(player, wish))
        return;
    const struct account *account = state_account(player->api->config.state, wish->about);
    if (api_follows(player->api))
        requests_keep(player, wish);
    else if (changes->password.size)
        player_hash(player, wish->name.size ? wish->name : account->name, changes->password,
                    submit_changes);
    else
        submit_changes(player, TEXT_NONE);
}

static void on_deleted(struct player *player) { player_send_empty(player, 204); }

void player_users_delete(struct player *player)
{
    struct account_wish wish = {.what = REQUEST_DELETE};
    if (!player_id(player, &wish.about) || !may_be(player, &wish))
        return;
    if (api_follows(player->api)) {
        requests_keep(player, &wish);
        return;
    }
    audit_player(player, AUDIT_USER_REMOVED, wish.about);
    struct batch *batch = player_batch(player, true);
    wish_grant(batch, &wish);
    player_submit(player, batch, on_deleted);
}

/* --- one's own password --- */

static void on_password_changed(struct player *player)
{
    audit_player(player, AUDIT_PASSWORD, player->account_id);
    player_send_empty(player, 204);
}

/* Ends the account's other sessions: who changes a password wants others out. */
static void change_password(struct player *player, struct text hash)
{
    const struct session *session;
    size_t cursor = 0;
    struct batch *batch = player_batch(player, false);
    batch_password(batch, player->account_id, hash);
    while ((session = state_session_next(player->api->config.state, player->account_id, &cursor)))
        if (!uid_equal(session->id, player->session_id))
            batch_session_revoke(batch, player->account_id, session->id);
    player_submit(player, batch, on_password_changed);
}

static void on_current_proved(void *context, const struct signin_result *result)
{
    struct player *player = context;
    struct text wanted;
    if (result->verdict == SIGNIN_WAIT)
        player_busy(player, result->retry_after_s,
                    "Too many tries just now; wait a moment, then try again.");
    else if (result->verdict == SIGNIN_WRONG || !player_refresh(player))
        player_problem(player, 403, "Not changed", "The current password is wrong.");
    else if (player_text(player, "new", 1, 1024, &wanted))
        player_hash(player, player->account->name, wanted, change_password);
}

void player_me_password_put(struct player *player)
{
    struct text current, wanted;
    if (requests_decline(player))
        return;
    if (player_text(player, "current", 1, 1024, &current) &&
        player_text(player, "new", 1, 1024, &wanted))
        signin_start(player->api, player->exchange,
                     &(struct signin_request){.name = player->account->name, .password = current},
                     on_current_proved, player);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* users: the accounts of this server, for its admins; and one's own password. */
#include "api/audit.h"
#include "api/player.h"
#include "api/signin.h"

/* --- showing them --- */

static void write_libraries(struct json *json, uint64_t libraries)
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
    write_libraries(json, account->libraries);
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
    struct uid id;
    struct text name, password; /* data NULL: absent */
    bool has_admin, is_admin, has_disabled, is_disabled, has_libraries;
    uint64_t libraries;
};

static bool read_libraries(struct player *player, struct changes *changes)
{
    const json_t *list = json_object_get(player->body, "libraries");
    changes->has_libraries = list != NULL;
    changes->libraries = ACCOUNT_ALL_LIBRARIES;
    if (!list || json_is_null(list))
        return true;
    changes->libraries = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_int_t id = json_integer_value(json_array_get(list, i));
        if (id < 1 || id > 64)
            break;
        changes->libraries |= UINT64_C(1) << (id - 1);
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
    if (!player->body) {
        player_problem(player, 400, "Bad request", "Send a JSON object.");
        return false;
    }
    if (json_object_get(player->body, "name") &&
        (!player_text(player, "name", 1, 256, &changes->name) ||
         !player_name_is_fine(player, changes->name)))
        return false;
    if (json_object_get(player->body, "password") &&
        !player_text(player, "password", 1, 1024, &changes->password))
        return false;
    changes->has_admin = json_object_get(player->body, "isAdmin") != NULL;
    changes->has_disabled = json_object_get(player->body, "isDisabled") != NULL;
    return player_bool(player, "isAdmin", false, &changes->is_admin) &&
           player_bool(player, "isDisabled", false, &changes->is_disabled) &&
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

static bool is_name_free(struct player *player, struct text name, struct uid except)
{
    const struct account *account = state_account_by_name(player->api->config.state, name);
    if (!account || uid_equal(account->id, except))
        return true;
    player_problem(player, 409, "Name taken", "Another account has this name.");
    return false;
}

/* --- making one --- */

static void on_created(struct player *player)
{
    struct changes *changes = player->context;
    audit_player(player, AUDIT_USER_MADE, changes->id);
    send_user(player, changes->id, 201);
}

static void create_hashed(struct player *player, struct text hash)
{
    struct changes *changes = player->context;
    if (!is_name_free(player, changes->name, (struct uid){{0}}))
        return;
    struct batch *batch = player_batch(player, true);
    changes->id =
        batch_account_create(batch, changes->name, hash, changes->is_admin, changes->libraries);
    player_submit(player, batch, on_created);
}

void player_users_post(struct player *player)
{
    struct changes *changes = new_changes(player);
    if (!changes || !read_changes(player, changes))
        return;
    if (!changes->name.size || !changes->password.size) {
        player_problem(player, 400, "Bad request",
                       "The members \"name\" and \"password\" are needed.");
        return;
    }
    if (is_name_free(player, changes->name, (struct uid){{0}}))
        player_hash(player, changes->name, changes->password, create_hashed);
}

/* --- changing one --- */

/* Another account that is an admin's and not closed: somebody must be able to open the door again.
 */
static bool has_other_admin(const struct player *player, struct uid id)
{
    const struct account *account;
    size_t cursor = 0;
    while ((account = state_account_next(player->api->config.state, &cursor)))
        if (account->is_admin && !account->is_disabled && !uid_equal(account->id, id))
            return true;
    return false;
}

static bool keeps_an_admin(struct player *player, struct uid id, bool is_lost)
{
    if (!is_lost || has_other_admin(player, id))
        return true;
    player_problem(player, 409, "The last admin", "Make somebody else an admin first.");
    return false;
}

static void on_changed(struct player *player)
{
    struct changes *changes = player->context;
    audit_player(player, AUDIT_USER_CHANGED, changes->id);
    send_user(player, changes->id, 200);
}

/* With the sessions that the old password began. */
static void add_password(const struct player *player, struct batch *batch, struct text hash)
{
    const struct changes *changes = player->context;
    const struct session *session;
    size_t cursor = 0;
    batch_password(batch, changes->id, hash);
    while ((session = state_session_next(player->api->config.state, changes->id, &cursor)))
        if (!uid_equal(session->id, player->session_id))
            batch_session_revoke(batch, changes->id, session->id);
}

static void submit_changes(struct player *player, struct text hash)
{
    struct changes *changes = player->context;
    struct batch *batch = player_batch(player, true);
    batch_for(batch, changes->id);
    if (changes->name.size)
        batch_account_rename(batch, changes->id, changes->name);
    if (changes->has_admin)
        batch_account_role(batch, changes->id, changes->is_admin);
    if (changes->has_libraries)
        batch_account_libraries(batch, changes->id, changes->libraries);
    if (changes->has_disabled)
        batch_account_disable(batch, changes->id, changes->is_disabled);
    if (hash.size)
        add_password(player, batch, hash);
    player_submit(player, batch, on_changed);
}

void player_users_patch(struct player *player)
{
    struct changes *changes = new_changes(player);
    if (!changes || !player_id(player, &changes->id) || !read_changes(player, changes))
        return;
    const struct account *account = state_account(player->api->config.state, changes->id);
    if (!account) {
        player_problem(player, 404, "Not found", "There is no account of this id.");
        return;
    }
    bool is_lost = (changes->has_admin && !changes->is_admin) ||
                   (changes->has_disabled && changes->is_disabled);
    if (!keeps_an_admin(player, changes->id, is_lost && account->is_admin))
        return;
    if (changes->name.size && !is_name_free(player, changes->name, changes->id))
        return;
    if (changes->password.size)
        player_hash(player, changes->name.size ? changes->name : account->name, changes->password,
                    submit_changes);
    else
        submit_changes(player, TEXT_NONE);
}

static void on_deleted(struct player *player) { player_send_empty(player, 204); }

void player_users_delete(struct player *player)
{
    struct uid id;
    if (!player_id(player, &id))
        return;
    const struct account *account = state_account(player->api->config.state, id);
    if (!account) {
        player_problem(player, 404, "Not found", "There is no account of this id.");
        return;
    }
    if (!keeps_an_admin(player, id, account->is_admin))
        return;
    audit_player(player, AUDIT_USER_REMOVED, id);
    struct batch *batch = player_batch(player, true);
    batch_for(batch, id);
    batch_account_delete(batch, id);
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
    if (player_text(player, "current", 1, 1024, &current) &&
        player_text(player, "new", 1, 1024, &wanted))
        signin_start(player->api, player->exchange,
                     &(struct signin_request){.name = player->account->name, .password = current},
                     on_current_proved, player);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * passkeys: making them, signing in with them, listing and removing them
 * (docs/formats/player-api.md).
 *
 * A challenge is a nonce for its purpose (trust/nonce.h), so nothing is kept for those who ask and
 * do not answer; an answer that is right in everything else uses it up (api/replay.h).
 */
#include "api/audit.h"
#include "api/bound.h"
#include "api/inside.h"
#include "api/island.h"
#include "api/nodes.h"
#include "api/player.h"
#include "api/requests.h"
#include "api/replay.h"
#include "api/throttle.h"
#include "base/encode.h"
#include "io/neighbours.h"
#include "trust/node_list.h"

#include <sodium.h>

#define PURPOSE_GET "passkey sign-in"
enum { LABEL_MAX_BYTES = 100, TIMEOUT_MS = NONCE_LIFE_S * 1000, BYTES_MAX = 2048 };
enum { PURPOSE_BYTES = 64 };

/* --- who we are --- */

/* Of a page at this address, whatever ends its TLS: browsers give plain http no passkeys, but at
 * localhost. */
static struct text own_origin(const struct player *player)
{
    const struct http_request *request = exchange_request(player->exchange);
    struct text said = http_request_field(request, TEXT("Origin"));
    bool is_secure =
        exchange_peer(player->exchange)->is_secure || text_starts_nocase(said, TEXT("https://"));
    return arena_printf(exchange_arena(player->exchange), "%s://%.*s", is_secure ? "https" : "http",
                        TEXT_ARGS(request->host));
}

/* The page that asks is this node's, or one that another node of the service gave. */
static struct passkey_site site_of(const struct player *player)
{
    struct text named = exchange_neighbour(player->exchange);
    struct text origin = named.size ? named : own_origin(player);
    struct party party = node_list_party(nodes_list(player->api->nodes));
    return (struct passkey_site){party_of(&party, party_host(origin), named.size > 0), origin};
}

/* A challenge for this account's new passkey; for signing in nobody is known yet. */
static struct text purpose_of(const struct player *player, char storage[PURPOSE_BYTES])
{
    struct uid_text id;
    if (uid_is_none(player->account_id))
        return TEXT(PURPOSE_GET);
    int size = snprintf(storage, PURPOSE_BYTES, "passkey for %.*s",
                        TEXT_ARGS(uid_text(&id, player->account_id)));
    return text_make(storage, (size_t)size);
}

static void write_challenge(struct json *json, const struct player *player)
{
    char storage[PURPOSE_BYTES];
    struct nonce nonce;
    nonce_make(player->api->config.keys, purpose_of(player, storage), player_now_ms(player) / 1000,
               &nonce);
    json_member_text(json, "challenge", text_of(nonce.text));
    json_member_i64(json, "timeout", TIMEOUT_MS);
}

/* False after answering: the challenge is not ours, too old, or was answered before. */
static bool use_challenge(struct player *player, const struct passkey_challenge *challenge,
                          struct uid account)
{
    char storage[PURPOSE_BYTES];
    uint8_t id[REPLAY_ID_BYTES];
    int64_t now_s = player_now_ms(player) / 1000;
    struct text text = text_make(challenge->text, challenge->size);
    crypto_hash_sha256(id, (const uint8_t *)text.data, text.size);
    if (nonce_is_good(player->api->config.keys, purpose_of(player, storage), text, now_s) &&
        replay_use(player->api->replay, id, account, now_s, now_s + NONCE_LIFE_S) == REPLAY_FIRST)
        return true;
    player_problem(player, 422, "Too late", "This was asked too long ago, or twice: try again.");
    return false;
}

/* --- reading what the browser answered --- */

struct answered {
    struct text credential, client_data, authenticator_data, signature;
};

static bool read_bytes(struct player *player, json_t *object, const char *name, struct text *ret)
{
    json_t *value = json_object_get(object, name);
    struct text t = text_make(json_string_value(value), json_string_length(value));
    char *bytes =
        t.size <= BYTES_MAX ? arena_alloc(exchange_arena(player->exchange), BYTES_MAX) : NULL;
    size_t size = bytes && json_is_string(value) ? decode_base64url(t, bytes, BYTES_MAX) : SIZE_MAX;
    *ret = text_make(bytes, size);
    return size != SIZE_MAX && size > 0;
}

/* False after answering 400. */
static bool read_answer(struct player *player, bool has_signature, struct answered *ret)
{
    json_t *response = json_object_get(player->body, "response");
    if (read_bytes(player, player->body, "id", &ret->credential) &&
        read_bytes(player, response, "clientDataJSON", &ret->client_data) &&
        read_bytes(player, response, "authenticatorData", &ret->authenticator_data) &&
        (!has_signature || read_bytes(player, response, "signature", &ret->signature)))
        return true;
    player_problem(player, 400, "Bad request", "That is not what WebAuthn answers, as JSON.");
    return false;
}

/* --- making one --- */

static void write_descriptor(struct json *json, const struct account_passkey *passkey)
{
    json_begin_object(json);
    json_member_text(json, "type", TEXT("public-key"));
    json_member_bytes(json, "id", passkey->passkey.credential, passkey->passkey.credential_size);
    json_end_object(json);
}

static void write_creation(struct json *json, const struct player *player)
{
    static const int algorithms[] = {PASSKEY_ES256, PASSKEY_EDDSA, PASSKEY_RS256};
    json_name(json, "rp");
    json_begin_object(json);
    json_member_text(json, "id", site_of(player).host);
    json_member_text(json, "name", TEXT("Sostenuto"));
    json_end_object(json);
    json_name(json, "user");
    json_begin_object(json);
    player_write_uid(json, "id", player->account_id);
    json_member_text(json, "name", player->account->name);
    json_member_text(json, "displayName", player->account->name);
    json_end_object(json);
    json_name(json, "pubKeyCredParams");
    json_begin_array(json);
    for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
        json_begin_object(json);
        json_member_text(json, "type", TEXT("public-key"));
        json_member_i64(json, "alg", algorithms[i]);
        json_end_object(json);
    }
    json_end_array(json);
    json_name(json, "authenticatorSelection");
    json_begin_object(json);
    json_member_text(json, "residentKey", TEXT("required"));
    json_member_bool(json, "requireResidentKey", true);
    json_member_text(json, "userVerification", TEXT("required"));
    json_end_object(json);
    json_member_text(json, "attestation", TEXT("none"));
}

void player_passkeys_options(struct player *player)
{
    const struct account_passkey *passkey;
    size_t cursor = 0;
    if (requests_decline(player))
        return;
    struct json *json = player_json(player);
    json_begin_object(json);
    json_name(json, "publicKey");
    json_begin_object(json);
    write_challenge(json, player);
    write_creation(json, player);
    json_name(json, "excludeCredentials");
    json_begin_array(json);
    while ((passkey = state_passkey_next(player->api->config.state, player->account_id, &cursor)))
        write_descriptor(json, passkey);
    json_end_array(json);
    json_end_object(json);
    json_end_object(json);
    player_send(player, 200);
}

static void write_passkey(struct json *json, const struct account_passkey *passkey)
{
    json_begin_object(json);
    player_write_uid(json, "id", passkey->id);
    json_member_text(json, "label", passkey->label);
    json_member_i64(json, "createdAt", passkey->created_ms);
    json_name(json, "lastUsedAt");
    if (passkey->used_ms)
        json_i64(json, passkey->used_ms);
    else
        json_write_null(json);
    json_end_object(json);
}

static void on_made(struct player *player)
{
    const struct account_passkey *passkey = player->context;
    audit_player_what(player, AUDIT_PASSKEY_MADE, passkey->account, passkey->label);
    write_passkey(player_json(player), passkey);
    player_send(player, 201);
}

/* False after answering. */
static bool register_answer(struct player *player, struct account_passkey *passkey)
{
    struct passkey_site site = site_of(player);
    struct passkey_challenge challenge;
    struct answered answered;
    const char *why = NULL;
    if (!read_answer(player, false, &answered))
        return false;
    if (!passkey_register(&site, answered.client_data, answered.authenticator_data,
                          &passkey->passkey, &challenge, &why)) {
        player_problem(player, 422, "Not taken", why);
        return false;
    }
    return use_challenge(player, &challenge, player->account_id);
}

void player_passkeys_post(struct player *player)
{
    struct text label;
    if (requests_decline(player))
        return;
    struct account_passkey *passkey =
        arena_zalloc(exchange_arena(player->exchange), sizeof *passkey);
    if (!passkey || !player_text(player, "label", 1, LABEL_MAX_BYTES, &label) ||
        !register_answer(player, passkey))
        return;
    passkey->id = passkey_uid(
        text_make((char *)passkey->passkey.credential, passkey->passkey.credential_size));
    passkey->account = player->account_id;
    passkey->label = arena_text(exchange_arena(player->exchange), label);
    passkey->created_ms = player_now_ms(player);
    if (state_passkey(player->api->config.state, passkey->id)) {
        player_problem(player, 409, "There already", "This passkey is registered already.");
        return;
    }
    player->context = passkey;
    struct batch *batch = player_batch(player, false);
    batch_passkey(batch, passkey);
    player_submit(player, batch, on_made);
}

/* --- signing in --- */

void player_session_passkey_options(struct player *player)
{
    if (!island_opens(player))
        return;
    struct json *json = player_json(player);
    json_begin_object(json);
    json_name(json, "publicKey");
    json_begin_object(json);
    write_challenge(json, player);
    json_member_text(json, "rpId", site_of(player).host);
    json_member_text(json, "userVerification", TEXT("required"));
    json_name(json, "allowCredentials");
    json_begin_array(json);
    json_end_array(json);
    json_end_object(json);
    json_end_object(json);
    player_send(player, 200);
}

static void on_counted(struct player *player) { session_begin(player, player->account_id, 200); }

/* Counter and time of use are written first: an answer that is not durable signs nobody in. */
static void sign_in(struct player *player, const struct account_passkey *found, uint32_t count)
{
    struct account_passkey used = *found;
    used.passkey.count = count;
    used.used_ms = player_now_ms(player);
    player->account_id = found->account;
    struct batch *batch = player_batch(player, false);
    batch_passkey(batch, &used);
    player_submit(player, batch, on_counted);
}

static const struct account_passkey *find(const struct player *player,
                                          const struct answered *answered)
{
    const struct state *state = player->api->config.state;
    const struct account_passkey *passkey = state_passkey(state, passkey_uid(answered->credential));
    const struct account *account = passkey ? state_account(state, passkey->account) : NULL;
    return account && !account->is_disabled ? passkey : NULL;
}

/* Whose passkey it is the authenticator says too (its user handle): another node may hold it. */
static bool is_held_elsewhere(const struct player *player, struct uid *ret_account)
{
    json_t *handle = json_object_get(json_object_get(player->body, "response"), "userHandle");
    struct text text = text_make(json_string_value(handle), json_string_length(handle));
    return json_is_string(handle) && uid_from_text(text, ret_account) &&
           !island_is_home(player->api, *ret_account);
}

/* Wrong answers wait by address, as wrong passwords do: each costs a signature to look at. */
static bool may_try(struct player *player, const struct throttle_try *attempt)
{
    uint64_t wait_ms = throttle_wait_ms(player->api->throttle, attempt, player_now_ms(player));
    if (wait_ms)
        player_busy(player, (unsigned)((wait_ms + 999) / 1000),
                    "Too many sign-ins just now; wait a moment, then try again.");
    return wait_ms == 0;
}

void player_session_passkey(struct player *player)
{
    struct passkey_site site = site_of(player);
    const struct throttle_try attempt = {
        .address = text_of(exchange_peer(player->exchange)->address), .name = TEXT("\npasskey")};
    struct passkey_challenge challenge;
    struct answered answered;
    uint32_t count = 0;
    const char *why = "This passkey is not known here, or was removed.";
    if (!island_opens(player) || !read_answer(player, true, &answered) ||
        !may_try(player, &attempt) || !bound_take(player))
        return;
    const struct account_passkey *passkey = find(player, &answered);
    struct uid account;
    if (!passkey && is_held_elsewhere(player, &account)) {
        island_pass(player, ISLAND_LACKS_PASSWORD, account);
        return;
    }
    if (!passkey ||
        !passkey_assert(&site, &passkey->passkey, answered.client_data, answered.authenticator_data,
                        answered.signature, &count, &challenge, &why)) {
        throttle_failed(player->api->throttle, &attempt, player_now_ms(player));
        audit_player(player, AUDIT_REFUSED, passkey ? passkey->account : (struct uid){{0}});
        player_problem(player, 401, "Not signed in", why);
        return;
    }
    if (use_challenge(player, &challenge, passkey->account))
        sign_in(player, passkey, count);
}

/* --- the listener's own --- */

void player_passkeys_get(struct player *player)
{
    const struct account_passkey *passkey;
    size_t cursor = 0;
    struct json *json = player_json(player);
    json_begin_array(json);
    while ((passkey = state_passkey_next(player->api->config.state, player->account_id, &cursor)))
        write_passkey(json, passkey);
    json_end_array(json);
    player_send(player, 200);
}

static void on_removed(struct player *player) { player_send_empty(player, 204); }

void player_passkeys_delete(struct player *player)
{
    struct uid id;
    if (!player_id(player, &id))
        return;
    const struct account_passkey *passkey = state_passkey(player->api->config.state, id);
    if (!passkey || !uid_equal(passkey->account, player->account_id)) {
        player_problem(player, 404, "Not found", "There is no such passkey, or it was removed.");
        return;
    }
    audit_player_what(player, AUDIT_PASSKEY_REMOVED, passkey->account, passkey->label);
    struct batch *batch = player_batch(player, false);
    batch_passkey_revoke(batch, player->account_id, id);
    player_submit(player, batch, on_removed);
}

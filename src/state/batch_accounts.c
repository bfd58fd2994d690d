// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/batch_build.h"
#include "state/state_internal.h"

struct uid batch_account_create(struct batch *batch, struct text name, struct text password_hash,
                                bool is_admin, uint64_t libraries)
{
    struct uid id = uid_random();
    batch_account_make(batch, id, name, is_admin, libraries);
    batch_password(batch, id, password_hash);
    return id;
}

void batch_account_make(struct batch *batch, struct uid id, struct text name, bool is_admin,
                        uint64_t libraries)
{
    struct json json = build_begin(batch);
    json_member_text(&json, "name", name);
    json_member_bool(&json, "admin", is_admin);
    build_libraries(&json, libraries);
    json_member_i64(&json, "created", batch->author.now_ms);
    build_end_for(batch, &json, id, KIND_ACCOUNT);
}

void batch_account_rename(struct batch *batch, struct uid id, struct text name)
{
    struct json json = build_begin(batch);
    json_member_text(&json, "name", name);
    build_end_for(batch, &json, id, KIND_ACCOUNT);
}

void batch_account_role(struct batch *batch, struct uid id, bool is_admin)
{
    struct json json = build_begin(batch);
    json_member_bool(&json, "admin", is_admin);
    build_end_for(batch, &json, id, KIND_ACCOUNT);
}

void batch_account_libraries(struct batch *batch, struct uid id, uint64_t libraries)
{
    struct json json = build_begin(batch);
    build_libraries(&json, libraries);
    build_end_for(batch, &json, id, KIND_ACCOUNT);
}

void batch_account_disable(struct batch *batch, struct uid id, bool is_disabled)
{
    struct json json = build_begin(batch);
    json_member_bool(&json, "disabled", is_disabled);
    build_end_for(batch, &json, id, KIND_ACCOUNT);
}

void batch_account_delete(struct batch *batch, struct uid id)
{
    struct json json = build_begin(batch);
    build_end_for(batch, &json, id, KIND_ACCOUNT_DELETE);
}

void batch_password(struct batch *batch, struct uid id, struct text password_hash)
{
    struct json json = build_begin(batch);
    json_member_text(&json, "hash", password_hash);
    build_end_for(batch, &json, id, KIND_PASSWORD);
}

static size_t app_count(const struct state *state, struct uid account)
{
    size_t cursor = 0, count = 0;
    while (state_app_next(state, account, &cursor))
        count++;
    return count;
}

struct uid batch_app_create(struct batch *batch, struct uid account, struct text label,
                            struct secret *ret_secret)
{
    const struct keys *keys = state_keys(batch->state);
    struct uid id = uid_random();
    struct secret_sealed sealed;
    secret_generate(ret_secret);
    secret_seal(keys, ret_secret, id, &sealed);
    struct secret_index index = secret_index(keys, ret_secret);
    struct json json = build_begin(batch);
    build_uid(&json, "id", id);
    json_member_text(&json, "label", label);
    json_member_bytes(&json, "index", index.bytes, sizeof index.bytes);
    json_member_bytes(&json, "sealed", sealed.bytes, sizeof sealed.bytes);
    json_member_i64(&json, "created", batch->author.now_ms);
    build_end_for(batch, &json, account, KIND_APP);
    if (app_count(batch->state, account) >= ACCOUNT_MAX_APPS)
        batch_refuse(batch, batch->count - 1, OUTCOME_REFUSED,
                     "has as many apps as one may: revoke one that is not used");
    return id;
}

void batch_app_revoke(struct batch *batch, struct uid account, struct uid app)
{
    struct json json = build_begin(batch);
    build_uid(&json, "id", app);
    build_end_for(batch, &json, account, KIND_APP_REVOKE);
}

/* Past the limit the session that was used longest ago makes room. */
static void revoke_oldest_session(struct batch *batch, const struct session *newcomer)
{
    const struct session *oldest = NULL;
    size_t cursor = 0, count = 0;
    for (const struct session *one;
         (one = state_session_next(batch->state, newcomer->account, &cursor)); count++) {
        if (uid_equal(one->id, newcomer->id))
            return;
        if (!oldest || one->rotated_ms < oldest->rotated_ms)
            oldest = one;
    }
    if (count >= ACCOUNT_MAX_SESSIONS)
        batch_session_revoke(batch, newcomer->account, oldest->id);
}

void batch_session(struct batch *batch, const struct session *session)
{
    revoke_oldest_session(batch, session);
    struct json json = build_begin(batch);
    build_uid(&json, "id", session->id);
    json_member_text(&json, "label", session->label);
    json_member_bytes(&json, "current", session->current.bytes, sizeof session->current.bytes);
    json_member_bytes(&json, "previous", session->previous.bytes, sizeof session->previous.bytes);
    json_member_i64(&json, "rotated", session->rotated_ms);
    json_member_i64(&json, "created", session->created_ms);
    json_member_i64(&json, "expires", session->expires_ms);
    build_end_for(batch, &json, session->account, KIND_SESSION);
}

void batch_session_revoke(struct batch *batch, struct uid account, struct uid session)
{
    struct json json = build_begin(batch);
    build_uid(&json, "id", session);
    build_end_for(batch, &json, account, KIND_SESSION_REVOKE);
}

static bool has_room_for_passkey(const struct state *state, const struct account_passkey *passkey)
{
    size_t cursor = 0, count = 0;
    while (state_passkey_next(state, passkey->account, &cursor))
        count++;
    return count < ACCOUNT_MAX_PASSKEYS || state_passkey(state, passkey->id);
}

void batch_passkey(struct batch *batch, const struct account_passkey *passkey)
{
    struct json json = build_begin(batch);
    json_member_bytes(&json, "credential", passkey->passkey.credential,
                      passkey->passkey.credential_size);
    json_member_bytes(&json, "key", passkey->passkey.key, passkey->passkey.key_size);
    json_member_i64(&json, "algorithm", passkey->passkey.algorithm);
    json_member_u64(&json, "count", passkey->passkey.count);
    json_member_text(&json, "label", passkey->label);
    json_member_i64(&json, "created", passkey->created_ms);
    if (passkey->used_ms)
        json_member_i64(&json, "used", passkey->used_ms);
    build_end_for(batch, &json, passkey->account, KIND_PASSKEY);
    if (!has_room_for_passkey(batch->state, passkey))
        batch_refuse(batch, batch->count - 1, OUTCOME_REFUSED,
                     "has as many passkeys as one may: remove one that is not used");
}

void batch_passkey_revoke(struct batch *batch, struct uid account, struct uid passkey)
{
    struct json json = build_begin(batch);
    build_uid(&json, "id", passkey);
    build_end_for(batch, &json, account, KIND_PASSKEY_REVOKE);
}

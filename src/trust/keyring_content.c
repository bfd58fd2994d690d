// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/keyring_content.h"

#include "base/encode.h"
#include "base/json.h"

#include <assert.h>
#include <jansson.h>
#include <sodium.h>
#include <string.h>

/* --- as JSON --- */

static void write_content(const struct keyring_content *content, struct buffer *out)
{
    struct json json;
    json_init(&json, out);
    json_begin_object(&json);
    json_member_bytes(&json, "root", content->root, sizeof content->root);
    json_name(&json, "keys");
    json_begin_array(&json);
    for (size_t i = 0; i < content->key_count; i++) {
        const struct ring_key *key = &content->keys[i];
        json_begin_object(&json);
        json_member_bytes(&json, "id", key->id.bytes, sizeof key->id.bytes);
        json_member_bytes(&json, "public", key->public_key, sizeof key->public_key);
        json_member_i64(&json, "from", key->from_s);
        json_member_i64(&json, "until", key->until_s);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_name(&json, "revoked");
    json_begin_array(&json);
    for (size_t i = 0; i < content->revoked_count; i++) {
        json_begin_object(&json);
        json_member_bytes(&json, "id", content->revoked[i].id.bytes, KEY_ID_BYTES);
        json_member_i64(&json, "until", content->revoked[i].until_s);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
}

static bool read_bytes(const json_t *object, const char *name, void *ret, size_t size)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) &&
           decode_base64url(text_make(json_string_value(value), json_string_length(value)), ret,
                            size) == size;
}

static bool read_time(const json_t *object, const char *name, int64_t *ret)
{
    const json_t *value = json_object_get(object, name);
    *ret = json_integer_value(value);
    return json_is_integer(value) && *ret >= 0;
}

static bool read_key(const json_t *object, struct ring_key *ret)
{
    return read_bytes(object, "id", ret->id.bytes, sizeof ret->id.bytes) &&
           read_bytes(object, "public", ret->public_key, sizeof ret->public_key) &&
           key_id_equal(ret->id, key_id_of(ret->public_key)) &&
           read_time(object, "from", &ret->from_s) && read_time(object, "until", &ret->until_s) &&
           ret->from_s < ret->until_s;
}

static bool read_keys(const json_t *list, struct keyring_content *ret)
{
    ret->key_count = json_array_size(list);
    bool is_good = json_is_array(list) && ret->key_count && ret->key_count <= KEYRING_MAX_KEYS;
    for (size_t i = 0; is_good && i < ret->key_count; i++)
        is_good = read_key(json_array_get(list, i), &ret->keys[i]) &&
                  (i == 0 || ret->keys[i - 1].from_s <= ret->keys[i].from_s);
    return is_good;
}

static bool read_revoked(const json_t *list, struct keyring_content *ret)
{
    ret->revoked_count = json_array_size(list);
    bool is_good = json_is_array(list) && ret->revoked_count <= KEYRING_MAX_REVOKED;
    for (size_t i = 0; is_good && i < ret->revoked_count; i++) {
        const json_t *one = json_array_get(list, i);
        struct revoked_key *key = &ret->revoked[i];
        is_good = read_bytes(one, "id", key->id.bytes, sizeof key->id.bytes) &&
                  read_time(one, "until", &key->until_s);
    }
    return is_good;
}

bool keyring_content_read(const struct signed_object *object, struct keyring_content *ret)
{
    if (object->body.size > KEYRING_MAX_OBJECT_BYTES)
        return false;
    json_t *root = json_loadb(object->body.data, object->body.size, JSON_REJECT_DUPLICATES, NULL);
    *ret = (struct keyring_content){.epoch = object->epoch,
                                    .number = object->number,
                                    .issued_s = object->issued_s,
                                    .expires_s = object->expires_s};
    bool is_good = read_bytes(root, "root", ret->root, sizeof ret->root) &&
                   read_keys(json_object_get(root, "keys"), ret) &&
                   read_revoked(json_object_get(root, "revoked"), ret);
    json_decref(root);
    return is_good;
}

void keyring_seal_content(const uint8_t root_secret[SIGNED_SECRET_BYTES],
                          const struct keyring_content *content, struct buffer *out)
{
    struct buffer body;
    buffer_init(&body, KEYRING_MAX_OBJECT_BYTES);
    write_content(content, &body);
    signed_seal(root_secret,
                &(struct signed_object){.name = TEXT(KEYRING_NAME),
                                        .epoch = content->epoch,
                                        .number = content->number,
                                        .issued_s = content->issued_s,
                                        .expires_s = content->expires_s,
                                        .body = buffer_view(&body)},
                out);
    buffer_release(&body);
}

/* --- its keys --- */

struct key_id keyring_id_of_seed(const uint8_t seed[KEYRING_SEED_BYTES])
{
    uint8_t public_key[SIGNED_PUBLIC_BYTES], secret[SIGNED_SECRET_BYTES];
    crypto_sign_seed_keypair(public_key, secret, seed);
    sodium_memzero(secret, sizeof secret);
    return key_id_of(public_key);
}

void keyring_content_add(struct keyring_content *content, const uint8_t seed[KEYRING_SEED_BYTES],
                         int64_t from_s)
{
    uint8_t secret[SIGNED_SECRET_BYTES];
    assert(content->key_count < KEYRING_MAX_KEYS);
    struct ring_key key = {.from_s = from_s, .until_s = from_s + KEYRING_KEY_LIFE_S};
    crypto_sign_seed_keypair(key.public_key, secret, seed);
    sodium_memzero(secret, sizeof secret);
    key.id = key_id_of(key.public_key);
    size_t at = content->key_count++;
    for (; at > 0 && content->keys[at - 1].from_s > from_s; at--)
        content->keys[at] = content->keys[at - 1];
    content->keys[at] = key;
}

const struct ring_key *keyring_content_newest(const struct keyring_content *content)
{
    return &content->keys[content->key_count - 1];
}

void keyring_content_forget(struct keyring_content *content, int64_t now_s)
{
    size_t kept = 0;
    for (size_t i = 0; i < content->key_count; i++)
        if (content->keys[i].until_s > now_s || i + 1 == content->key_count)
            content->keys[kept++] = content->keys[i];
    content->key_count = kept;
    kept = 0;
    for (size_t i = 0; i < content->revoked_count; i++)
        if (content->revoked[i].until_s > now_s)
            content->revoked[kept++] = content->revoked[i];
    content->revoked_count = kept;
}

const struct ring_key *keyring_content_key(const struct keyring_content *content, struct key_id id)
{
    for (size_t i = 0; i < content->key_count; i++)
        if (key_id_equal(content->keys[i].id, id))
            return &content->keys[i];
    return NULL;
}

bool keyring_content_names(const struct keyring_content *content, struct key_id id)
{
    bool is_named = keyring_content_key(content, id);
    for (size_t i = 0; i < content->revoked_count; i++)
        is_named |= key_id_equal(content->revoked[i].id, id);
    return is_named;
}

void keyring_content_revoke(struct keyring_content *content, struct key_id id)
{
    const struct ring_key *key = keyring_content_key(content, id);
    assert(key && content->revoked_count < KEYRING_MAX_REVOKED);
    size_t at = (size_t)(key - content->keys);
    content->revoked[content->revoked_count++] = (struct revoked_key){id, key->until_s};
    memmove(&content->keys[at], &content->keys[at + 1],
            (content->key_count - at - 1) * sizeof content->keys[0]);
    content->key_count--;
}

void keyring_content_make_room(struct keyring_content *content, int64_t now_s)
{
    keyring_content_forget(content, now_s);
    if (content->key_count < KEYRING_MAX_KEYS)
        return;
    content->key_count = KEYRING_MAX_KEYS - 1;
    memmove(&content->keys[0], &content->keys[1], content->key_count * sizeof content->keys[0]);
}

bool keyring_content_is_due(const struct keyring_content *content, int64_t now_s)
{
    return now_s >= keyring_content_newest(content)->from_s + KEYRING_ROTATE_S;
}

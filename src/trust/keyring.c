// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/keyring.h"

#include "base/encode.h"
#include "base/json.h"
#include "base/mem.h"
#include "trust/node_certificate.h"

#include <assert.h>
#include <jansson.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>

struct ring_secret {
    size_t key; /* index of its key */
    uint8_t secret[SIGNED_SECRET_BYTES];
};

struct keyring {
    atomic_uint references;
    struct keyring_content content;
    struct ring_secret *secrets; /* sodium's memory; NULL: this node does not sign */
    size_t secret_count;
    char *object;
    size_t object_size;
    struct ring_node *nodes;
    size_t node_count;
    struct own_node { /* sodium's memory; NULL: this node is no edge */
        struct key_id id;
        uint8_t secret[SIGNED_SECRET_BYTES];
    } * own;
};

/* --- the content as JSON --- */

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

static bool read_content(const struct signed_object *object, struct keyring_content *ret)
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

/* --- making a ring --- */

static struct keyring *ring_new(const struct keyring_content *content, struct text object)
{
    struct keyring *ring = MEM_NEW(struct keyring);
    atomic_init(&ring->references, 1);
    ring->content = *content;
    ring->object = mem_dup(object.data, object.size);
    ring->object_size = object.size;
    return ring;
}

static void take_seed(struct keyring *ring, const uint8_t seed[KEYRING_SEED_BYTES])
{
    struct ring_secret *place = &ring->secrets[ring->secret_count];
    uint8_t public_key[SIGNED_PUBLIC_BYTES];
    crypto_sign_seed_keypair(public_key, place->secret, seed);
    for (size_t i = 0; i < ring->content.key_count; i++) {
        if (memcmp(ring->content.keys[i].public_key, public_key, sizeof public_key) == 0) {
            place->key = i;
            ring->secret_count++;
            return;
        }
    }
    sodium_memzero(place, sizeof *place);
}

struct keyring *keyring_open_signing(const uint8_t root[SIGNED_PUBLIC_BYTES], struct text object,
                                     int64_t now_s, const uint8_t (*seeds)[KEYRING_SEED_BYTES],
                                     size_t seed_count, enum signed_verdict *ret)
{
    struct signed_object opened;
    struct keyring_content content;
    int ready = sodium_init();
    assert(ready >= 0 && seed_count <= KEYRING_MAX_SECRETS);
    *ret = signed_open(root, object, TEXT(KEYRING_NAME), now_s, &opened);
    if (*ret != SIGNED_GOOD && *ret != SIGNED_EXPIRED)
        return NULL;
    if (!read_content(&opened, &content) || memcmp(content.root, root, SIGNED_PUBLIC_BYTES) != 0) {
        *ret = SIGNED_MALFORMED;
        return NULL;
    }
    struct keyring *ring = ring_new(&content, object);
    if (seed_count == 0)
        return ring;
    ring->secrets = sodium_malloc(KEYRING_MAX_SECRETS * sizeof *ring->secrets);
    assert(ring->secrets);
    for (size_t i = 0; i < seed_count; i++)
        take_seed(ring, seeds[i]);
    sodium_mprotect_readonly(ring->secrets);
    return ring;
}

struct keyring *keyring_open(const uint8_t root[SIGNED_PUBLIC_BYTES], struct text object,
                             int64_t now_s, enum signed_verdict *ret)
{
    return keyring_open_signing(root, object, now_s, NULL, 0, ret);
}

struct keyring *keyring_ephemeral(int64_t now_s)
{
    struct keyring_content content = {
        .issued_s = now_s, .expires_s = now_s + KEYRING_KEY_LIFE_S, .number = 1};
    uint8_t root_secret[SIGNED_SECRET_BYTES], seed[1][KEYRING_SEED_BYTES];
    struct buffer object;
    enum signed_verdict verdict;
    int ready = sodium_init();
    assert(ready >= 0);
    crypto_sign_keypair(content.root, root_secret);
    randombytes_buf(seed, sizeof seed);
    keyring_content_add(&content, seed[0], now_s);
    buffer_init(&object, KEYRING_MAX_OBJECT_BYTES);
    keyring_seal_content(root_secret, &content, &object);
    struct keyring *ring =
        keyring_open_signing(content.root, buffer_view(&object), now_s,
                             (const uint8_t(*)[KEYRING_SEED_BYTES])seed, 1, &verdict);
    assert(ring);
    buffer_release(&object);
    sodium_memzero(root_secret, sizeof root_secret);
    return ring;
}

struct keyring *keyring_ref(struct keyring *ring)
{
    atomic_fetch_add_explicit(&ring->references, 1, memory_order_relaxed);
    return ring;
}

void keyring_unref(struct keyring **ring)
{
    struct keyring *gone = *ring;
    *ring = NULL;
    if (!gone || atomic_fetch_sub_explicit(&gone->references, 1, memory_order_acq_rel) != 1)
        return;
    sodium_free(gone->secrets); /* wipes */
    sodium_free(gone->own);
    mem_free(gone->nodes);
    mem_free(gone->object);
    mem_free(gone);
}

/* --- asking it --- */

const struct keyring_content *keyring_content(const struct keyring *ring) { return &ring->content; }

struct text keyring_object(const struct keyring *ring)
{
    return text_make(ring->object, ring->object_size);
}

static bool is_own_newest(const struct keyring *ring, size_t key)
{
    bool has_secret = false;
    for (size_t i = 0; i < ring->secret_count; i++)
        has_secret |= ring->secrets[i].key == key;
    return has_secret && key + 1 == ring->content.key_count;
}

const uint8_t *keyring_verifying(const struct keyring *ring, struct key_id id, int64_t now_s)
{
    for (size_t i = 0; i < ring->content.key_count; i++) {
        const struct ring_key *key = &ring->content.keys[i];
        if (key_id_equal(key->id, id))
            return now_s < key->until_s || is_own_newest(ring, i) ? key->public_key : NULL;
    }
    return NULL;
}

const uint8_t *keyring_signing(const struct keyring *ring, int64_t now_s, struct key_id *ret_id)
{
    const struct ring_secret *best = NULL;
    for (size_t i = 0; i < ring->secret_count; i++) {
        const struct ring_secret *one = &ring->secrets[i];
        bool is_begun = ring->content.keys[one->key].from_s <= now_s;
        if (is_begun && (!best || one->key > best->key))
            best = one;
    }
    /* a clock that was set back finds no key begun: the oldest will do */
    if (!best && ring->secret_count)
        best = &ring->secrets[0];
    if (best)
        *ret_id = ring->content.keys[best->key].id;
    return best ? best->secret : NULL;
}

bool keyring_seal(const struct keyring *ring, const struct signed_object *object, int64_t now_s,
                  struct buffer *out)
{
    struct key_id id;
    const uint8_t *secret = keyring_signing(ring, now_s, &id);
    if (secret)
        signed_seal(secret, object, out);
    return secret;
}

enum signed_verdict keyring_check(const struct keyring *ring, struct text bytes, struct text name,
                                  int64_t now_s, struct signed_object *ret)
{
    struct key_id id;
    if (!signed_names_key(bytes, &id))
        return SIGNED_MALFORMED;
    const uint8_t *public_key = keyring_verifying(ring, id, now_s);
    return public_key ? signed_open(public_key, bytes, name, now_s, ret) : SIGNED_UNKNOWN_KEY;
}

/* --- edges --- */

void ring_node_init(struct ring_node *node, const uint8_t public_key[SIGNED_PUBLIC_BYTES])
{
    node->id = node_id_of(public_key);
    node->key = key_id_of(public_key);
    memcpy(node->public_key, public_key, sizeof node->public_key);
}

static void copy_secrets(struct keyring *to, const struct keyring *from)
{
    if (!from->secrets)
        return;
    to->secrets = sodium_malloc(KEYRING_MAX_SECRETS * sizeof *to->secrets);
    assert(to->secrets);
    memcpy(to->secrets, from->secrets, KEYRING_MAX_SECRETS * sizeof *to->secrets);
    to->secret_count = from->secret_count;
    sodium_mprotect_readonly(to->secrets);
}

static void take_own(struct keyring *ring, const uint8_t seed[KEYRING_SEED_BYTES])
{
    uint8_t public_key[SIGNED_PUBLIC_BYTES];
    ring->own = sodium_malloc(sizeof *ring->own);
    assert(ring->own);
    crypto_sign_seed_keypair(public_key, ring->own->secret, seed);
    ring->own->id = key_id_of(public_key);
    sodium_mprotect_readonly(ring->own);
}

struct keyring *keyring_with_nodes(const struct keyring *ring, const struct ring_node *nodes,
                                   size_t count, const uint8_t own_seed[KEYRING_SEED_BYTES])
{
    struct keyring *made = ring_new(&ring->content, keyring_object(ring));
    copy_secrets(made, ring);
    made->node_count = count < KEYRING_MAX_NODES ? count : KEYRING_MAX_NODES;
    made->nodes = made->node_count ? mem_dup(nodes, made->node_count * sizeof *nodes) : NULL;
    if (own_seed)
        take_own(made, own_seed);
    return made;
}

size_t keyring_node_count(const struct keyring *ring) { return ring->node_count; }

const uint8_t *keyring_verifying_session(const struct keyring *ring, struct key_id id,
                                         int64_t now_s, struct uid *ret_node)
{
    const uint8_t *key = keyring_verifying(ring, id, now_s);
    *ret_node = (struct uid){{0}};
    for (size_t i = 0; !key && i < ring->node_count; i++) {
        if (!key_id_equal(ring->nodes[i].key, id))
            continue;
        *ret_node = ring->nodes[i].id;
        key = ring->nodes[i].public_key;
    }
    return key;
}

const uint8_t *keyring_signing_session(const struct keyring *ring, int64_t now_s,
                                       struct key_id *ret_id)
{
    const uint8_t *secret = keyring_signing(ring, now_s, ret_id);
    if (secret || !ring->own)
        return secret;
    *ret_id = ring->own->id;
    return ring->own->secret;
}

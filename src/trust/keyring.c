// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/keyring.h"

#include "base/mem.h"
#include "trust/node_certificate.h"

#include <assert.h>
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
    if (!keyring_content_read(&opened, &content) ||
        memcmp(content.root, root, SIGNED_PUBLIC_BYTES) != 0) {
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

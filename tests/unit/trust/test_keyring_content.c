// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/keyring_content.h"
#include "tap.h"
#include <sodium.h>
#include <string.h>

enum { DAY_S = 24 * 60 * 60 };

/* Keys of which the first begins at 0 and each next one sixty days later. */
static struct keyring_content keys_of(size_t count)
{
    struct keyring_content content = {.number = 7, .expires_s = INT64_MAX};
    for (size_t i = 0; i < count; i++) {
        uint8_t seed[KEYRING_SEED_BYTES] = {(uint8_t)(i + 1)};
        keyring_content_add(&content, seed, (int64_t)i * KEYRING_ROTATE_S);
    }
    return content;
}

static void test_keys(void)
{
    struct keyring_content content = keys_of(2);
    const uint8_t between[KEYRING_SEED_BYTES] = {9}, second[KEYRING_SEED_BYTES] = {2};
    OK(key_id_equal(content.keys[1].id, keyring_id_of_seed(second)) &&
           content.keys[0].until_s == KEYRING_KEY_LIFE_S,
       "a key has its seed's id, and ninety days");
    keyring_content_add(&content, between, DAY_S);
    OK(content.key_count == 3 && key_id_equal(content.keys[1].id, keyring_id_of_seed(between)) &&
           keyring_content_newest(&content) == &content.keys[2],
       "keys stand in the order in which they begin");
    OK(!keyring_content_is_due(&content, 2 * KEYRING_ROTATE_S - 1) &&
           keyring_content_is_due(&content, 2 * KEYRING_ROTATE_S),
       "sixty days after the newest began the next one is due");
}

static void test_revoking(void)
{
    struct keyring_content content = keys_of(3);
    struct key_id first = content.keys[0].id, middle = content.keys[1].id;
    int64_t until_s = content.keys[1].until_s;
    keyring_content_revoke(&content, middle);
    OK(!keyring_content_key(&content, middle) && content.key_count == 2 &&
           keyring_content_names(&content, middle),
       "a revoked key is none, and named all the same");
    OK(keyring_content_key(&content, first) == &content.keys[0] &&
           content.revoked[0].until_s == until_s,
       "the others stay, and it is known how long it is to be named");
    keyring_content_forget(&content, until_s - 1);
    OK(content.key_count == 1 && content.revoked_count == 1, "keys that are over are forgotten");
    keyring_content_forget(&content, until_s);
    OK(content.revoked_count == 0, "and revoked ones of which nothing could be good");
    keyring_content_forget(&content, INT64_MAX);
    OK(content.key_count == 1, "but never the newest");
}

static void test_room(void)
{
    struct keyring_content content = {.number = 1};
    for (uint8_t i = 0; i < KEYRING_MAX_KEYS; i++) {
        uint8_t seed[KEYRING_SEED_BYTES] = {i};
        keyring_content_add(&content, seed, i);
    }
    struct key_id oldest = content.keys[0].id, next = content.keys[1].id;
    keyring_content_make_room(&content, DAY_S);
    OK(content.key_count == KEYRING_MAX_KEYS - 1 && !keyring_content_names(&content, oldest) &&
           key_id_equal(content.keys[0].id, next),
       "of as many as there may be, the oldest gives way");
    keyring_content_make_room(&content, DAY_S);
    OK(content.key_count == KEYRING_MAX_KEYS - 1, "and no other, once there is room");
}

static bool reads(const struct keyring_content *content)
{
    uint8_t root[SIGNED_PUBLIC_BYTES], secret[SIGNED_SECRET_BYTES];
    struct keyring_content read;
    struct signed_object opened;
    struct buffer object;
    crypto_sign_keypair(root, secret);
    buffer_init(&object, KEYRING_MAX_OBJECT_BYTES);
    keyring_seal_content(secret, content, &object);
    bool is_good =
        signed_open(root, buffer_view(&object), TEXT(KEYRING_NAME), 0, &opened) == SIGNED_GOOD &&
        keyring_content_read(&opened, &read) && memcmp(&read, content, sizeof read) == 0;
    buffer_release(&object);
    return is_good;
}

static void test_reading(void)
{
    struct keyring_content content = keys_of(3);
    keyring_content_revoke(&content, content.keys[0].id);
    memset(&content.keys[content.key_count], 0, sizeof content.keys[0]);
    OK(reads(&content), "what is signed is read as it was");
    struct keyring_content none = {.number = 1, .expires_s = INT64_MAX}, turned = keys_of(2);
    struct ring_key first = turned.keys[0];
    turned.keys[0] = turned.keys[1];
    turned.keys[1] = first;
    OK(!reads(&none), "a list without keys is refused");
    OK(!reads(&turned), "and one whose keys are not in order");
    content.keys[0].id.bytes[0] ^= 1;
    OK(!reads(&content), "and one whose ids are not those of its keys");
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    test_keys();
    test_revoking();
    test_room();
    test_reading();
    return tap_done();
}

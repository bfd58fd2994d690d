// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/keyring.h"
#include "tap.h"
#include <sodium.h>

enum { DAY_S = 24 * 60 * 60 };

struct root {
    uint8_t public_key[SIGNED_PUBLIC_BYTES], secret[SIGNED_SECRET_BYTES];
};

static struct root root_new(void)
{
    struct root root;
    crypto_sign_keypair(root.public_key, root.secret);
    return root;
}

static struct text seal_at(const uint8_t secret[SIGNED_SECRET_BYTES], struct buffer *out)
{
    buffer_reset(out);
    signed_seal(secret,
                &(struct signed_object){
                    .name = TEXT("/x"), .issued_s = 0, .expires_s = INT64_MAX, .body = TEXT("b")},
                out);
    return buffer_view(out);
}

/* Two keys: one from the start, the next from day 61. */
static void test_rotation(void)
{
    struct root root = root_new();
    struct keyring_content content = {.expires_s = INT64_MAX, .number = 2};
    uint8_t seeds[2][KEYRING_SEED_BYTES];
    enum signed_verdict verdict;
    struct buffer object, out;
    struct key_id first, second;
    struct signed_object got;
    buffer_init(&object, KEYRING_MAX_OBJECT_BYTES);
    buffer_init(&out, 4096);
    randombytes_buf(seeds, sizeof seeds);
    memcpy(content.root, root.public_key, sizeof content.root);
    keyring_content_add(&content, seeds[0], 0);
    keyring_content_add(&content, seeds[1], 61LL * DAY_S);
    keyring_seal_content(root.secret, &content, &object);
    struct keyring *ring =
        keyring_open_signing(root.public_key, buffer_view(&object), 0,
                             (const uint8_t(*)[KEYRING_SEED_BYTES])seeds, 2, &verdict);
    OK(ring && verdict == SIGNED_GOOD, "a list of keys that the root signed makes a ring");

    const uint8_t *secret = keyring_signing(ring, 60LL * DAY_S, &first);
    OK(secret && key_id_equal(first, content.keys[0].id), "the first key signs in its time");
    struct text t = seal_at(secret, &out);
    OK(keyring_check(ring, t, TEXT("/x"), 61LL * DAY_S, &got) == SIGNED_GOOD,
       "what it signed verifies while its successor signs");
    OK(keyring_check(ring, t, TEXT("/x"), 90LL * DAY_S, &got) == SIGNED_UNKNOWN_KEY,
       "and not past its own end");
    secret = keyring_signing(ring, 61LL * DAY_S, &second);
    OK(secret && key_id_equal(second, content.keys[1].id), "then the next one signs");
    OK(keyring_verifying(ring, second, 500LL * DAY_S),
       "a node's own newest key goes on for itself, when the root is away for long");

    struct keyring *stranger =
        keyring_open(root.public_key, keyring_object(ring), 400LL * DAY_S, &verdict);
    OK(stranger && keyring_check(stranger, seal_at(secret, &out), TEXT("/x"), 70LL * DAY_S, &got) ==
                       SIGNED_GOOD,
       "who has only /keys verifies the same");
    OK(!keyring_signing(stranger, 70LL * DAY_S, &second), "but cannot sign");
    OK(!keyring_verifying(stranger, second, 500LL * DAY_S), "and takes no key past its end");
    keyring_unref(&stranger);
    keyring_unref(&ring);
    buffer_release(&object);
    buffer_release(&out);
}

static void test_refused(void)
{
    struct root root = root_new(), other = root_new();
    struct keyring_content content = {.expires_s = INT64_MAX};
    uint8_t seed[KEYRING_SEED_BYTES] = {1};
    enum signed_verdict verdict;
    struct buffer object;
    buffer_init(&object, KEYRING_MAX_OBJECT_BYTES);
    memcpy(content.root, root.public_key, sizeof content.root);
    keyring_content_add(&content, seed, 0);
    keyring_seal_content(other.secret, &content, &object);
    OK(!keyring_open(root.public_key, buffer_view(&object), 1, &verdict) &&
           verdict == SIGNED_UNKNOWN_KEY,
       "a list signed by another root is refused");
    OK(!keyring_open(other.public_key, buffer_view(&object), 1, &verdict) &&
           verdict == SIGNED_MALFORMED,
       "so is one that names another root than signed it");
    buffer_reset(&object);
    content.key_count = 0;
    keyring_seal_content(root.secret, &content, &object);
    OK(!keyring_open(root.public_key, buffer_view(&object), 1, &verdict), "and one without keys");
    buffer_reset(&object);
    content.key_count = 1;
    content.keys[0].public_key[0] ^= 1;
    keyring_seal_content(root.secret, &content, &object);
    OK(!keyring_open(root.public_key, buffer_view(&object), 1, &verdict),
       "and one whose ids are not those of its keys");
    buffer_release(&object);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    test_rotation();
    test_refused();
    struct keyring *ring = keyring_ephemeral(1000), *again = keyring_ref(ring);
    keyring_unref(&ring);
    OK(keyring_content(again)->key_count == 1, "a ring lives as long as its last reference");
    keyring_unref(&again);
    return tap_done();
}

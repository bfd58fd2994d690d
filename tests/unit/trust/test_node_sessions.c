// SPDX-License-Identifier: GPL-3.0-or-later
/* What an edge may sign for sessions, what is sealed to it alone, and how both are told apart from
 * the origin's. */
#include "tap.h"
#include "trust/box.h"
#include "trust/grant.h"
#include "trust/node_certificate.h"
#include "trust/opener.h"
#include "trust/token.h"
#include <sodium.h>

enum { NOW_S = 1000 };

/* An edge: its seed, what others know of it, and the ring it signs with. */
struct edge {
    uint8_t seed[KEYRING_SEED_BYTES];
    struct ring_node node;
    struct keyring *ring;
};

static void edge_init(struct edge *edge, const struct keyring *published, uint8_t fill)
{
    uint8_t key[SIGNED_PUBLIC_BYTES];
    memset(edge->seed, fill, sizeof edge->seed);
    node_key_of_seed(edge->seed, key);
    ring_node_init(&edge->node, key);
    edge->ring = keyring_with_nodes(published, NULL, 0, edge->seed);
}

static struct keyring *published_of(const struct keyring *ring)
{
    enum signed_verdict verdict;
    return keyring_open(keyring_content(ring)->root, keyring_object(ring), NOW_S, &verdict);
}

static enum token_verdict token_by(const struct keyring *signer, const struct keyring *verifier,
                                   struct token *ret)
{
    struct buffer out;
    const struct token token = {.session = uid_random(),
                                .account = uid_random(),
                                .issued_s = NOW_S,
                                .expires_s = NOW_S + TOKEN_LIFE_S};
    buffer_init(&out, TOKEN_MAX_BYTES);
    token_sign(signer, &token, &out);
    enum token_verdict verdict = token_verify(verifier, buffer_view(&out), NOW_S, ret);
    buffer_release(&out);
    return verdict;
}

static enum grant_verdict grant_by(const struct keyring *signer, const struct keyring *verifier,
                                   struct grant *ret)
{
    struct buffer out;
    const struct grant grant = {.session = uid_random(), .libraries = 1, .expires_s = NOW_S + 60};
    buffer_init(&out, GRANT_TEXT_BYTES);
    grant_sign(signer, &grant, NOW_S, &out);
    enum grant_verdict verdict = grant_verify(verifier, buffer_view(&out), NOW_S, ret);
    buffer_release(&out);
    return verdict;
}

static void test_tokens(const struct keyring *origin, const struct edge *paris,
                        const struct edge *oslo)
{
    struct token token;
    struct grant grant;
    struct keyring *knows = keyring_with_nodes(oslo->ring, &paris->node, 1, oslo->seed);
    OK(token_by(paris->ring, knows, &token) == TOKEN_GOOD && uid_equal(token.node, paris->node.id),
       "an edge's token is good where the edge is known, and says whose it is");
    OK(grant_by(paris->ring, knows, &grant) == GRANT_GOOD && uid_equal(grant.node, paris->node.id),
       "so is its grant");
    OK(token_by(origin, knows, &token) == TOKEN_GOOD && uid_is_none(token.node) &&
           grant_by(origin, knows, &grant) == GRANT_GOOD && uid_is_none(grant.node),
       "the origin's name no edge");
    OK(token_by(paris->ring, oslo->ring, &token) == TOKEN_FORGED &&
           grant_by(paris->ring, oslo->ring, &grant) == GRANT_FORGED,
       "where it is not known, or no longer, neither is believed");
    struct keyring *signs = keyring_with_nodes(origin, &paris->node, 1, NULL);
    OK(keyring_node_count(signs) == 1 && token_by(signs, origin, &token) == TOKEN_GOOD,
       "an origin that knows edges signs with its own key");
    keyring_unref(&signs);
    keyring_unref(&knows);
}

static void test_nothing_else(const struct edge *paris)
{
    struct buffer out;
    struct signed_object got;
    const struct signed_object object = {
        .name = TEXT("/revoked"), .issued_s = NOW_S, .expires_s = NOW_S + 60, .body = TEXT("{}")};
    uint8_t key[SIGNED_PUBLIC_BYTES], secret[crypto_sign_SECRETKEYBYTES];
    struct keyring *knows = keyring_with_nodes(paris->ring, &paris->node, 1, NULL);
    buffer_init(&out, 4096);
    OK(!keyring_seal(paris->ring, &object, NOW_S, &out), "an edge signs no objects by its ring");
    crypto_sign_seed_keypair(key, secret, paris->seed);
    signed_seal(secret, &object, &out);
    OK(keyring_check(knows, buffer_view(&out), TEXT("/revoked"), NOW_S, &got) == SIGNED_UNKNOWN_KEY,
       "and one that it signs by itself is not believed");
    buffer_release(&out);
    keyring_unref(&knows);
}

static void test_openers(const struct keyring *origin, const struct edge *paris,
                         const struct edge *oslo)
{
    struct uid session = opener_draw(paris->ring, NOW_S), other = opener_draw(paris->ring, NOW_S);
    OK(opener_is(session, paris->node.id) && !opener_is(session, oslo->node.id),
       "a session's id says which edge opened it");
    OK(!uid_equal(session, other), "two sessions have two ids");
    OK(!opener_is(opener_draw(origin, NOW_S), paris->node.id) &&
           !opener_is(session, (struct uid){{0}}),
       "those of the origin say nothing");
}

static void test_boxes(const struct edge *paris, const struct edge *oslo)
{
    struct buffer box, plain;
    buffer_init(&box, 256);
    buffer_init(&plain, 256);
    const uint8_t nothing[SIGNED_PUBLIC_BYTES] = {0};
    OK(box_seal(paris->node.public_key, TEXT("a secret"), &box) &&
           box.size == 8 + BOX_EXTRA_BYTES && !memmem(box.data, box.size, "secret", 6),
       "what is sealed cannot be read");
    OK(!box_open(oslo->seed, buffer_view(&box), &plain) && plain.size == 0,
       "another node does not open it");
    OK(box_open(paris->seed, buffer_view(&box), &plain) &&
           text_equal(buffer_view(&plain), TEXT("a secret")),
       "the node it is for does");
    size_t opened = 0;
    for (size_t i = 0; i < box.size; i++) {
        box.data[i] ^= 1;
        opened += box_open(paris->seed, buffer_view(&box), &plain);
        box.data[i] ^= 1;
        opened += box_open(paris->seed, text_make(box.data, i), &plain);
    }
    OK(opened == 0, "altered anywhere or cut anywhere it does not open");
    OK(!box_seal(nothing, TEXT("x"), &box), "a key that is none takes nothing");
    buffer_release(&box);
    buffer_release(&plain);
}

int main(void)
{
    struct edge paris, oslo;
    struct keyring *origin = keyring_ephemeral(NOW_S), *published = published_of(origin);
    edge_init(&paris, published, 1);
    edge_init(&oslo, published, 2);
    test_tokens(origin, &paris, &oslo);
    test_nothing_else(&paris);
    test_openers(origin, &paris, &oslo);
    test_boxes(&paris, &oslo);
    keyring_unref(&paris.ring);
    keyring_unref(&oslo.ring);
    keyring_unref(&published);
    keyring_unref(&origin);
    return tap_done();
}

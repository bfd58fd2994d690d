// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/joining.h"
#include "base/arena.h"
#include "tap.h"
#include <sodium.h>
#include <stdio.h>

enum { DAY_S = 24 * 60 * 60, NOW_S = 1767225600 };

/* --- requests --- */

static struct joining_request request_of(bool has_secret)
{
    struct joining_request request = {.has_secret = has_secret, .issued_s = NOW_S, .url_count = 1};
    (void)snprintf(request.urls[0], sizeof request.urls[0], "https://paris.example.org");
    memset(request.secret, 7, sizeof request.secret);
    return request;
}

static void test_requests(void)
{
    uint8_t seed[NODE_SEED_BYTES] = {1}, key[SIGNED_PUBLIC_BYTES];
    struct joining_request asked = request_of(true), read;
    struct buffer out;
    const char *why;
    buffer_init(&out, JOINING_REQUEST_MAX_BYTES);
    node_key_of_seed(seed, key);
    joining_request_write(&asked, seed, &out);
    struct text object = buffer_view(&out);
    OK(joining_request_read(object, TEXT(JOINING_JOIN), NOW_S, &read, &why),
       "a request to join is read");
    OK(memcmp(read.key, key, sizeof key) == 0 && read.has_secret && read.url_count == 1 &&
           memcmp(read.secret, asked.secret, sizeof read.secret) == 0,
       "and says what was asked, by which key");
    OK(!joining_request_read(object, TEXT(JOINING_RENEW), NOW_S, &read, &why),
       "it is no request to renew");
    OK(joining_request_read(object, TEXT(JOINING_JOIN), NOW_S - 3600, &read, &why) &&
           joining_request_read(object, TEXT(JOINING_JOIN), NOW_S + 3600, &read, &why),
       "an hour between the clocks is no fault");
    OK(!joining_request_read(object, TEXT(JOINING_JOIN), NOW_S - 2 * DAY_S, &read, &why) &&
           !joining_request_read(object, TEXT(JOINING_JOIN), NOW_S + 2 * DAY_S, &read, &why),
       "two days are");
    size_t refused = 0;
    for (size_t i = 0; i < object.size; i++) {
        out.data[i] ^= 1;
        refused += !joining_request_read(object, TEXT(JOINING_JOIN), NOW_S, &read, &why);
        out.data[i] ^= 1;
    }
    OK(refused == object.size, "with any bit of it changed it is refused");
    buffer_reset(&out);
    asked = request_of(false);
    joining_request_write(&asked, seed, &out);
    OK(joining_request_read(buffer_view(&out), TEXT(JOINING_RENEW), NOW_S, &read, &why) &&
           !read.has_secret,
       "a request to renew has no secret");
    buffer_release(&out);
}

/* --- certificates --- */

struct authority {
    uint8_t root_seed[NODE_SEED_BYTES], seed[NODE_SEED_BYTES];
    struct buffer root, pem;
};

static void authority_make(struct authority *authority)
{
    uint8_t key[SIGNED_PUBLIC_BYTES];
    memset(authority->root_seed, 3, NODE_SEED_BYTES);
    memset(authority->seed, 4, NODE_SEED_BYTES);
    node_key_of_seed(authority->seed, key);
    buffer_init(&authority->root, NODE_CHAIN_MAX_BYTES);
    buffer_init(&authority->pem, NODE_CHAIN_MAX_BYTES);
    OK(node_certificate_root(authority->root_seed, NOW_S, &authority->root) &&
           node_certificate_authority(authority->root_seed, buffer_view(&authority->root), key,
                                      NOW_S, &authority->pem),
       "a root certifies an authority");
}

static void authority_release(struct authority *authority)
{
    buffer_release(&authority->root);
    buffer_release(&authority->pem);
}

static void test_certificates(void)
{
    struct authority authority;
    struct node_certificate_facts facts;
    struct buffer leaf;
    uint8_t seed[NODE_SEED_BYTES] = {5}, key[SIGNED_PUBLIC_BYTES];
    authority_make(&authority);
    node_key_of_seed(seed, key);
    buffer_init(&leaf, NODE_CHAIN_MAX_BYTES);
    OK(node_certificate_leaf(authority.seed, buffer_view(&authority.pem), NODE_EDGE, key, NOW_S,
                             &leaf) &&
           node_certificate_read(buffer_view(&leaf), &facts),
       "an authority certifies a node");
    OK(memcmp(facts.key, key, sizeof key) == 0 && facts.from_s <= NOW_S - 3600 &&
           facts.until_s == NOW_S + NODE_CERTIFICATE_LIFE_S,
       "for thirty days, from before now");
    OK(!node_certificate_is_due(&facts, NOW_S + 20LL * DAY_S - 1) &&
           node_certificate_is_due(&facts, NOW_S + 20LL * DAY_S) &&
           node_certificate_is_due(&facts, NOW_S + 99LL * DAY_S),
       "it is due after twenty of them, and ever after");
    OK(!node_certificate_read(TEXT("-----BEGIN CERTIFICATE-----\nnone"), &facts) &&
           !node_certificate_read(TEXT_NONE, &facts),
       "what is no certificate is not read");
    buffer_release(&leaf);
    authority_release(&authority);
}

/* --- answers --- */

struct service {
    struct authority authority;
    struct keyring *ring;
    struct buffer keys, chain, delegation;
    uint8_t root[SIGNED_PUBLIC_BYTES], root_digest[INVITATION_DIGEST_BYTES];
    struct joining_answer answer;
};

static void make_ring(struct service *service)
{
    uint8_t secret[SIGNED_SECRET_BYTES], seeds[1][KEYRING_SEED_BYTES] = {{9}};
    struct keyring_content content = {
        .number = 1, .issued_s = NOW_S, .expires_s = NOW_S + KEYRING_KEY_LIFE_S};
    enum signed_verdict verdict;
    crypto_sign_seed_keypair(service->root, secret, service->authority.root_seed);
    memcpy(content.root, service->root, sizeof content.root);
    keyring_content_add(&content, seeds[0], NOW_S);
    buffer_init(&service->keys, KEYRING_MAX_OBJECT_BYTES);
    keyring_seal_content(secret, &content, &service->keys);
    service->ring = keyring_open_signing(service->root, buffer_view(&service->keys), NOW_S,
                                         (const uint8_t(*)[KEYRING_SEED_BYTES])seeds, 1, &verdict);
    crypto_hash_sha256(service->root_digest, service->root, sizeof service->root);
}

static void service_make(struct service *service, const uint8_t key[SIGNED_PUBLIC_BYTES])
{
    struct delegation delegation = {.id = node_id_of(key),
                                    .name = "paris",
                                    .may = DELEGATED_OPERATIONS,
                                    .since_s = NOW_S,
                                    .issued_s = NOW_S};
    authority_make(&service->authority);
    make_ring(service);
    memcpy(delegation.key, key, sizeof delegation.key);
    buffer_init(&service->chain, NODE_CHAIN_MAX_BYTES);
    buffer_init(&service->delegation, DELEGATION_OBJECT_MAX_BYTES);
    OK(delegation_write(service->ring, 0, &delegation, &service->delegation) &&
           node_certificate_leaf(service->authority.seed, buffer_view(&service->authority.pem),
                                 NODE_EDGE, key, NOW_S, &service->chain),
       "an origin delegates");
    service->answer = (struct joining_answer){.keys = buffer_view(&service->keys),
                                              .delegation = buffer_view(&service->delegation),
                                              .certificates = buffer_view(&service->chain),
                                              .addresses = TEXT("192.0.2.7:4748")};
    memcpy(service->answer.root, service->root, sizeof service->root);
}

static void service_release(struct service *service)
{
    keyring_unref(&service->ring);
    buffer_release(&service->keys);
    buffer_release(&service->chain);
    buffer_release(&service->delegation);
    authority_release(&service->authority);
}

static bool verifies(const struct service *service, const uint8_t *key, int64_t now_s)
{
    struct delegation delegation;
    const char *why;
    struct keyring *ring = joining_answer_verify(&service->answer, service->root_digest, key, now_s,
                                                 &delegation, &why);
    bool is_good =
        ring && strcmp(delegation.name, "paris") == 0 && delegation.may == DELEGATED_OPERATIONS;
    keyring_unref(&ring);
    return is_good;
}

static void test_answers(void)
{
    uint8_t seed[NODE_SEED_BYTES] = {5}, key[SIGNED_PUBLIC_BYTES], other[SIGNED_PUBLIC_BYTES];
    struct service service;
    struct joining_answer read;
    struct buffer json;
    struct arena *arena = arena_new(1 << 20);
    node_key_of_seed(seed, key);
    seed[0] = 6;
    node_key_of_seed(seed, other);
    service_make(&service, key);
    buffer_init(&json, JOINING_ANSWER_MAX_BYTES);
    joining_answer_write(&service.answer, &json);
    OK(joining_answer_parse(buffer_view(&json), arena, &read), "an answer is read");
    service.answer = read;
    OK(verifies(&service, key, NOW_S), "and verifies by the root's digest alone");
    OK(verifies(&service, key, NOW_S - 3600), "with a clock that is an hour behind");
    OK(verifies(&service, key, NOW_S + 60LL * DAY_S), "and when its delegation is over");
    OK(!verifies(&service, other, NOW_S), "not for another key");
    service.root_digest[0] ^= 1;
    OK(!verifies(&service, key, NOW_S), "not by another root");
    service.root_digest[0] ^= 1;
    service.delegation.data[service.delegation.size - 5] ^= 1;
    service.answer.delegation = buffer_view(&service.delegation);
    OK(!verifies(&service, key, NOW_S), "not with an altered delegation");
    size_t refused = 0;
    for (size_t size = 0; size < json.size; size++)
        refused += !joining_answer_parse(text_make(json.data, size), arena, &read);
    OK(refused == json.size, "half an answer is none");
    arena_free(&arena);
    buffer_release(&json);
    service_release(&service);
}

static void test_names(void)
{
    OK(delegation_name_is_sound(TEXT("paris-2.edge_a")), "a name has letters, digits, . _ and -");
    OK(!delegation_name_is_sound(TEXT("-paris")), "and begins with none of the last three");
    OK(!delegation_name_is_sound(TEXT_NONE) && !delegation_name_is_sound(TEXT("a b")) &&
           !delegation_name_is_sound(TEXT("a/b")) && !delegation_name_is_sound(TEXT("\xc3\xa9")),
       "and is neither empty nor anything else");
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    test_requests();
    test_certificates();
    test_answers();
    test_names();
    return tap_done();
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/joining.h"

#include "base/encode.h"
#include "base/guard.h"
#include "base/json.h"
#include "base/json_tree.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { ARENA_BYTES = 64 << 10 };

/* --- request --- */

static void write_request_body(const struct joining_request *request,
                               const uint8_t key[SIGNED_PUBLIC_BYTES], struct buffer *out)
{
    struct json json;
    json_init(&json, out);
    json_begin_object(&json);
    json_member_bytes(&json, "public", key, SIGNED_PUBLIC_BYTES);
    if (request->has_secret)
        json_member_bytes(&json, "secret", request->secret, sizeof request->secret);
    json_name(&json, "urls");
    json_begin_array(&json);
    for (size_t i = 0; i < request->url_count; i++)
        json_text(&json, text_of(request->urls[i]));
    json_end_array(&json);
    json_end_object(&json);
}

void joining_request_write(const struct joining_request *request,
                           const uint8_t seed[NODE_SEED_BYTES], struct buffer *out)
{
    uint8_t key[SIGNED_PUBLIC_BYTES], secret[SIGNED_SECRET_BYTES];
    struct buffer body;
    buffer_init(&body, JOINING_REQUEST_MAX_BYTES);
    crypto_sign_seed_keypair(key, secret, seed);
    write_request_body(request, key, &body);
    signed_seal(secret,
                &(struct signed_object){.name = request->has_secret ? TEXT(JOINING_JOIN)
                                                                    : TEXT(JOINING_RENEW),
                                        .number = (uint64_t)request->issued_s,
                                        .issued_s = request->issued_s,
                                        .expires_s = request->issued_s + JOINING_SKEW_S,
                                        .body = buffer_view(&body)},
                out);
    sodium_memzero(secret, sizeof secret);
    if (body.data)
        explicit_bzero(body.data, body.size);
    buffer_release(&body);
}

static bool read_bytes(const struct json_node *object, struct text name, uint8_t *ret, size_t size)
{
    const struct json_node *node = json_tree_member(object, name);
    return json_tree_is(node, JSON_NODE_TEXT) && decode_base64url(node->text, ret, size) == size;
}

/* Printable, and of a scheme that listeners have. */
static bool is_url(struct text url)
{
    for (size_t i = 0; i < url.size; i++)
        if (url.data[i] <= ' ' || url.data[i] > '~')
            return false;
    return url.size <= JOINING_URL_MAX_BYTES &&
           (text_starts(url, TEXT("http://")) || text_starts(url, TEXT("https://")));
}

static bool read_urls(const struct json_node *list, struct joining_request *ret)
{
    if (!json_tree_is(list, JSON_NODE_ARRAY) || list->count > JOINING_URLS_MAX)
        return false;
    for (const struct json_node *one = json_tree_items(list); one; one = one->next) {
        if (!json_tree_is(one, JSON_NODE_TEXT) || !is_url(one->text))
            return false;
        (void)snprintf(ret->urls[ret->url_count++], sizeof ret->urls[0], "%.*s",
                       TEXT_ARGS(one->text));
    }
    return true;
}

/* The body says by which key it must be signed. */
static bool read_request_body(struct text body, struct joining_request *ret)
{
    const char *why;
    struct arena *arena = arena_new(ARENA_BYTES);
    const struct json_node *root = json_tree_read(arena, body, &why);
    bool is_good = json_tree_is(root, JSON_NODE_OBJECT) &&
                   read_bytes(root, TEXT("public"), ret->key, sizeof ret->key) &&
                   read_urls(json_tree_member(root, TEXT("urls")), ret);
    ret->has_secret = is_good && json_tree_member(root, TEXT("secret"));
    if (ret->has_secret)
        is_good = read_bytes(root, TEXT("secret"), ret->secret, sizeof ret->secret);
    arena_free(&arena);
    return is_good;
}

bool joining_request_read(struct text object, struct text name, int64_t now_s,
                          struct joining_request *ret, const char **ret_why)
{
    struct joining_request read = {0};
    struct signed_object opened;
    struct text body = object, line;
    while (text_split(&body, '\n', &line) && line.size > 0)
        continue;
    *ret_why = "that is no request of a node";
    if (object.size > JOINING_REQUEST_MAX_BYTES || !body.data || !read_request_body(body, &read))
        return false;
    enum signed_verdict verdict =
        signed_open(read.key, object, name, now_s + JOINING_SKEW_S, &opened);
    if (verdict == SIGNED_EARLY) {
        *ret_why = "the clocks of the two nodes are more than a day apart";
        return false;
    }
    *ret_why = signed_verdict_words(verdict);
    if (verdict != SIGNED_GOOD && verdict != SIGNED_EXPIRED)
        return false;
    *ret_why = "the clocks of the two nodes are more than a day apart";
    if (opened.issued_s < now_s - JOINING_SKEW_S)
        return false;
    *ret_why = "the request holds a secret where none belongs, or none where one does";
    if (read.has_secret != text_equal(name, TEXT(JOINING_JOIN)))
        return false;
    read.issued_s = opened.issued_s;
    *ret = read;
    return true;
}

/* --- answer --- */

void joining_answer_write(const struct joining_answer *answer, struct buffer *out)
{
    struct json json;
    json_init(&json, out);
    json_begin_object(&json);
    json_member_bytes(&json, "root", answer->root, sizeof answer->root);
    json_member_text(&json, "keys", answer->keys);
    json_member_text(&json, "delegation", answer->delegation);
    json_member_text(&json, "certificates", answer->certificates);
    json_member_text(&json, "addresses", answer->addresses);
    json_end_object(&json);
}

static bool read_text(const struct json_node *object, struct text name, struct text *ret)
{
    const struct json_node *node = json_tree_member(object, name);
    if (!json_tree_is(node, JSON_NODE_TEXT))
        return false;
    *ret = node->text;
    return true;
}

static bool are_addresses(struct text addresses)
{
    struct text rest = addresses, one;
    size_t count = 0;
    while (text_split(&rest, ',', &one))
        if (!invitation_address_is_sound(one) || ++count > INVITATION_ADDRESSES_MAX)
            return false;
    return count > 0 && addresses.size < INVITATION_ADDRESSES_BYTES;
}

bool joining_answer_parse(struct text json, struct arena *arena, struct joining_answer *ret)
{
    const char *why;
    struct joining_answer read;
    const struct json_node *root =
        json.size <= JOINING_ANSWER_MAX_BYTES ? json_tree_read(arena, json, &why) : NULL;
    bool is_good = json_tree_is(root, JSON_NODE_OBJECT) &&
                   read_bytes(root, TEXT("root"), read.root, sizeof read.root) &&
                   read_text(root, TEXT("keys"), &read.keys) &&
                   read_text(root, TEXT("delegation"), &read.delegation) &&
                   read_text(root, TEXT("certificates"), &read.certificates) &&
                   read_text(root, TEXT("addresses"), &read.addresses) &&
                   are_addresses(read.addresses);
    if (is_good)
        *ret = read;
    return is_good;
}

static bool is_root(const struct joining_answer *answer, const uint8_t *root_digest)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, answer->root, sizeof answer->root);
    return sodium_memcmp(digest, root_digest, sizeof digest) == 0;
}

static bool is_of_key(const struct joining_answer *answer, const struct delegation *delegation,
                      const uint8_t *key)
{
    struct node_certificate_facts facts;
    return memcmp(delegation->key, key, SIGNED_PUBLIC_BYTES) == 0 &&
           answer->certificates.size <= NODE_CHAIN_MAX_BYTES &&
           node_certificate_read(answer->certificates, &facts) &&
           memcmp(facts.key, key, sizeof facts.key) == 0;
}

struct keyring *joining_answer_verify(const struct joining_answer *answer,
                                      const uint8_t root_digest[INVITATION_DIGEST_BYTES],
                                      const uint8_t key[SIGNED_PUBLIC_BYTES], int64_t now_s,
                                      struct delegation *ret, const char **ret_why)
{
    enum signed_verdict verdict;
    struct delegation delegation;
    *ret_why = "the root key is another than the one that was meant";
    if (!is_root(answer, root_digest) && guard_is_on(GUARD_NODE_ROOT))
        return NULL;
    struct keyring *ring =
        keyring_open(answer->root, answer->keys, now_s + JOINING_SKEW_S, &verdict);
    *ret_why = "the list of keys does not verify";
    if (!ring)
        return NULL;
    verdict = delegation_read(ring, answer->delegation, now_s + JOINING_SKEW_S, &delegation);
    *ret_why = "the delegation does not verify";
    if (verdict == SIGNED_GOOD || verdict == SIGNED_EXPIRED) {
        *ret_why = "the delegation or the certificate is another node's";
        if (is_of_key(answer, &delegation, key)) {
            *ret = delegation;
            return ring;
        }
    }
    keyring_unref(&ring);
    return NULL;
}

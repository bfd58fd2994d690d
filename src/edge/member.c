// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/member.h"

#include "base/arena.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define KEY_FILE "node.key"
#define JOINED_FILE "joined"
enum { ARENA_BYTES = 256 << 10, FILE_MAX_BYTES = JOINING_ANSWER_MAX_BYTES + 1024 };

/* What one answer says; replaced as a whole by a renewal. */
struct membership {
    struct arena *arena; /* of the answer's texts */
    struct joining_answer answer;
    struct delegation delegation;
    struct node_certificate_facts facts;
};

struct member {
    char *folder, *credentials;
    uint8_t seed[NODE_SEED_BYTES];
    struct membership now;
    struct node_tls *tls, *bare;
    pthread_mutex_t lock; /* of the ring */
    struct keyring *ring;
    size_t url_count;
    char urls[INVITATION_ADDRESSES_MAX][MEMBER_URL_BYTES];
};

static int open_files(const struct key_place *place, bool is_new_allowed, struct key_folder *ret,
                      struct keys_error *ret_error)
{
    *ret = (struct key_folder){.fd = -1, .credentials_fd = -1};
    return key_folder_open(place, is_new_allowed, ret, ret_error);
}

static int load_seed(const struct key_folder *files, uint8_t ret_seed[NODE_SEED_BYTES],
                     struct keys_error *ret_error)
{
    int size =
        key_file_load(files, KEY_FILE, NODE_SEED_BYTES, NODE_SEED_BYTES, ret_seed, ret_error);
    return size < 0 ? size : 0;
}

int member_prepare(const struct key_place *place, uint8_t ret_seed[NODE_SEED_BYTES],
                   struct keys_error *ret_error)
{
    struct key_folder files;
    int error = open_files(place, true, &files, ret_error);
    if (!error && !key_file_is_there(&files, KEY_FILE))
        error = key_file_create(&files, KEY_FILE, ret_error);
    if (!error)
        error = load_seed(&files, ret_seed, ret_error);
    key_folder_close(&files);
    return error;
}

/* --- answers --- */

static void membership_release(struct membership *membership)
{
    if (membership->arena)
        arena_free(&membership->arena);
}

/* Its certificate was made then: what it was shown with held at that time. */
static int64_t made_s(const struct membership *membership)
{
    return membership->facts.from_s + NODE_CERTIFICATE_EARLY_S;
}

/* NULL with static words; else the ring, and *ret is the caller's to release. */
static struct keyring *read_answer(struct text json, const uint8_t *root_digest,
                                   const uint8_t seed[NODE_SEED_BYTES], int64_t now_s,
                                   struct membership *ret, const char **ret_why)
{
    uint8_t key[SIGNED_PUBLIC_BYTES], digest[INVITATION_DIGEST_BYTES];
    struct membership read = {.arena = arena_new(ARENA_BYTES)};
    struct text copy = arena_text(read.arena, json);
    struct keyring *ring = NULL;
    node_key_of_seed(seed, key);
    *ret_why = "that is no answer of an origin";
    if (copy.data && joining_answer_parse(copy, read.arena, &read.answer) &&
        node_certificate_read(read.answer.certificates, &read.facts)) {
        crypto_hash_sha256(digest, read.answer.root, sizeof read.answer.root);
        ring = joining_answer_verify(&read.answer, root_digest ? root_digest : digest, key,
                                     now_s ? now_s : made_s(&read), &read.delegation, ret_why);
    }
    if (ring)
        *ret = read;
    else
        membership_release(&read);
    return ring;
}

/* "ADDRESS" first, then the others. */
static void put_first(struct text address, struct text addresses, char *ret, size_t capacity)
{
    struct text rest = addresses, one;
    size_t count = 1;
    int size = snprintf(ret, capacity, "%.*s", TEXT_ARGS(address.size ? address : addresses));
    while (address.size && text_split(&rest, ',', &one) && count < INVITATION_ADDRESSES_MAX &&
           size >= 0 && (size_t)size + one.size + 2 < capacity)
        if (!text_equal(one, address)) {
            size += snprintf(ret + size, capacity - (size_t)size, ",%.*s", TEXT_ARGS(one));
            count++;
        }
}

static int keep(const struct key_place *place, const struct membership *membership,
                struct text address, struct keys_error *ret_error)
{
    struct key_folder files;
    struct buffer bytes;
    char addresses[INVITATION_ADDRESSES_BYTES];
    struct joining_answer answer = membership->answer;
    put_first(address, answer.addresses, addresses, sizeof addresses);
    answer.addresses = text_of(addresses);
    buffer_init(&bytes, FILE_MAX_BYTES);
    joining_answer_write(&answer, &bytes);
    int error = open_files(place, true, &files, ret_error);
    if (!error)
        error = key_file_replace(&files, JOINED_FILE, buffer_view(&bytes), ret_error);
    key_folder_close(&files);
    buffer_release(&bytes);
    return error;
}

int member_found(const struct key_place *place, const uint8_t root_digest[INVITATION_DIGEST_BYTES],
                 struct text answer, struct text address, int64_t now_s,
                 struct keys_error *ret_error)
{
    uint8_t seed[NODE_SEED_BYTES];
    struct membership membership;
    const char *why;
    int error = member_prepare(place, seed, ret_error);
    if (error)
        return error;
    struct keyring *ring = read_answer(answer, root_digest, seed, now_s, &membership, &why);
    sodium_memzero(seed, sizeof seed);
    if (!ring) {
        (void)snprintf(ret_error->words, sizeof ret_error->words,
                       "the origin's answer was refused: %s", why);
        return -EBADMSG;
    }
    keyring_unref(&ring);
    error = keep(place, &membership, address, ret_error);
    membership_release(&membership);
    return error;
}

/* --- taking one over --- */

static void set_urls(struct member *member)
{
    struct text rest = member->now.answer.addresses, one;
    member->url_count = 0;
    while (member->url_count < INVITATION_ADDRESSES_MAX && text_split(&rest, ',', &one))
        (void)snprintf(member->urls[member->url_count++], MEMBER_URL_BYTES, "https://%.*s",
                       TEXT_ARGS(one));
}

static bool ring_is_newer(const struct keyring *candidate, const struct keyring *held)
{
    const struct keyring_content *a = keyring_content(candidate);
    const struct keyring_content *b = held ? keyring_content(held) : NULL;
    return !b || signed_is_newer(
                     &(struct signed_object){
                         .epoch = a->epoch, .number = a->number, .issued_s = a->issued_s},
                     &(struct signed_object){
                         .epoch = b->epoch, .number = b->number, .issued_s = b->issued_s});
}

/* Takes the reference. */
static void take_ring(struct member *member, struct keyring *ring)
{
    pthread_mutex_lock(&member->lock);
    bool is_newer = ring_is_newer(ring, member->ring);
    struct keyring *former = is_newer ? member->ring : ring;
    if (is_newer)
        member->ring = ring;
    pthread_mutex_unlock(&member->lock);
    keyring_unref(&former);
}

/* Takes both over, or releases both. */
static int take(struct member *member, struct membership *fresh, struct keyring *ring,
                struct keys_error *ret_error)
{
    char why[128];
    if (!node_tls_take(member->tls, fresh->answer.certificates, member->seed, why, sizeof why)) {
        (void)snprintf(ret_error->words, sizeof ret_error->words, "%s", why);
        membership_release(fresh);
        keyring_unref(&ring);
        return -EBADMSG;
    }
    membership_release(&member->now);
    member->now = *fresh;
    take_ring(member, ring);
    return 0;
}

static int load(struct member *member, const struct key_folder *files, struct keys_error *ret_error)
{
    struct membership membership;
    uint8_t digest[INVITATION_DIGEST_BYTES];
    const char *why;
    uint8_t *bytes = mem_alloc(FILE_MAX_BYTES);
    int error = load_seed(files, member->seed, ret_error);
    int size =
        error ? error : key_file_load(files, JOINED_FILE, 1, FILE_MAX_BYTES, bytes, ret_error);
    struct keyring *ring = size < 0 ? NULL
                                    : read_answer(text_make((char *)bytes, (size_t)size), NULL,
                                                  member->seed, 0, &membership, &why);
    mem_free(bytes);
    if (size < 0)
        return size;
    if (!ring)
        return keys_fail(ret_error, EBADMSG, member->folder, JOINED_FILE,
                         "is damaged: remove it and join again with another token");
    crypto_hash_sha256(digest, membership.answer.root, sizeof membership.answer.root);
    const struct node_tls_config config = {.root_digest = digest, .expects = NODE_ORIGIN_NAME};
    member->tls = node_tls_new(&config);
    member->bare = node_tls_new(&config);
    error = take(member, &membership, ring, ret_error);
    set_urls(member);
    return error;
}

int member_open(const struct key_place *place, struct member **ret, struct keys_error *ret_error)
{
    struct key_folder files;
    int error = open_files(place, true, &files, ret_error);
    if (!error && !key_file_is_there(&files, JOINED_FILE)) {
        key_folder_close(&files);
        return -ENOENT;
    }
    struct member *member = MEM_NEW(struct member);
    pthread_mutex_init(&member->lock, NULL);
    member->folder = mem_strdup(place->folder);
    member->credentials = place->credentials ? mem_strdup(place->credentials) : NULL;
    if (!error)
        error = load(member, &files, ret_error);
    key_folder_close(&files);
    if (error)
        member_close(&member);
    else
        *ret = member;
    return error;
}

void member_close(struct member **member)
{
    if (!*member)
        return;
    node_tls_free(&(*member)->tls);
    node_tls_free(&(*member)->bare);
    keyring_unref(&(*member)->ring);
    membership_release(&(*member)->now);
    pthread_mutex_destroy(&(*member)->lock);
    sodium_memzero((*member)->seed, sizeof(*member)->seed);
    mem_free((*member)->folder);
    mem_free((*member)->credentials);
    mem_free_p(member);
}

int member_renew(struct member *member, struct text answer, struct text address, int64_t now_s,
                 struct keys_error *ret_error)
{
    const struct key_place place = {member->folder, member->credentials};
    uint8_t digest[INVITATION_DIGEST_BYTES];
    struct membership fresh;
    const char *why;
    crypto_hash_sha256(digest, member->now.answer.root, sizeof member->now.answer.root);
    struct keyring *ring = read_answer(answer, digest, member->seed, now_s, &fresh, &why);
    if (!ring) {
        (void)snprintf(ret_error->words, sizeof ret_error->words,
                       "the origin's answer was refused: %s", why);
        return -EBADMSG;
    }
    int error = keep(&place, &fresh, address, ret_error);
    if (!error)
        return take(member, &fresh, ring, ret_error);
    membership_release(&fresh);
    keyring_unref(&ring);
    return error;
}

bool member_is_due(const struct member *member, int64_t now_s)
{
    return node_certificate_is_due(&member->now.facts, now_s);
}

bool member_is_over(const struct member *member, int64_t now_s)
{
    return now_s >= member->now.facts.until_s;
}

void member_write_renewal(const struct member *member, const struct text *urls, size_t url_count,
                          int64_t now_s, struct buffer *out)
{
    struct joining_request request = {.issued_s = now_s};
    for (size_t i = 0; i < url_count && i < JOINING_URLS_MAX; i++)
        if (urls[i].size <= JOINING_URL_MAX_BYTES)
            (void)snprintf(request.urls[request.url_count++], sizeof request.urls[0], "%.*s",
                           TEXT_ARGS(urls[i]));
    joining_request_write(&request, member->seed, out);
}

/* --- what it is --- */

const struct delegation *member_delegation(const struct member *member)
{
    return &member->now.delegation;
}

struct text member_delegation_object(const struct member *member)
{
    return member->now.answer.delegation;
}

int64_t member_certificate_until_s(const struct member *member)
{
    return member->now.facts.until_s;
}

const uint8_t *member_seed(const struct member *member) { return member->seed; }

const uint8_t *member_root(const struct member *member) { return member->now.answer.root; }

struct keyring *member_ring(struct member *member)
{
    pthread_mutex_lock(&member->lock);
    struct keyring *ring = keyring_ref(member->ring);
    pthread_mutex_unlock(&member->lock);
    return ring;
}

enum signed_verdict member_take_keys(struct member *member, struct text object, int64_t now_s)
{
    enum signed_verdict verdict;
    struct keyring *ring = keyring_open(member->now.answer.root, object, now_s, &verdict);
    if (!ring)
        return verdict;
    take_ring(member, ring);
    return verdict;
}

void member_sign(const struct member *member, const struct signed_object *object,
                 struct buffer *out)
{
    uint8_t key[SIGNED_PUBLIC_BYTES], secret[SIGNED_SECRET_BYTES];
    crypto_sign_seed_keypair(key, secret, member->seed);
    signed_seal(secret, object, out);
    sodium_memzero(secret, sizeof secret);
}

size_t member_url_count(const struct member *member) { return member->url_count; }

const char *member_url(const struct member *member, size_t i) { return member->urls[i]; }

struct node_tls *member_tls(const struct member *member) { return member->tls; }

struct node_tls *member_bare_tls(const struct member *member) { return member->bare; }

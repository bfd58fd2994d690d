// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/grant.h"

#include "base/encode.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/reader.h"

#include <sodium.h>

enum { VERSION = 2, BODY_BYTES = 57 };
static const char CONTEXT[] = "sostenuto grant 2";
_Static_assert(GRANT_BYTES == BODY_BYTES + crypto_sign_BYTES, "body and signature");

/* What is signed: the context (without NUL), then the body. */
struct signed_bytes {
    uint8_t bytes[sizeof CONTEXT - 1 + BODY_BYTES];
};

static struct signed_bytes in_context(const void *body)
{
    struct signed_bytes whole;
    memcpy(whole.bytes, CONTEXT, sizeof CONTEXT - 1);
    memcpy(whole.bytes + sizeof CONTEXT - 1, body, BODY_BYTES);
    return whole;
}

static bool is_zero(const uint8_t track[GRANT_TRACK_BYTES])
{
    return sodium_is_zero(track, GRANT_TRACK_BYTES);
}

bool grant_is_for_one_track(const struct grant *grant) { return !is_zero(grant->track); }

bool grant_opens_track(const struct grant *grant, const uint8_t track[GRANT_TRACK_BYTES])
{
    return is_zero(grant->track) || memcmp(grant->track, track, GRANT_TRACK_BYTES) == 0;
}

void grant_sign(const struct keyring *ring, const struct grant *grant, int64_t now_s,
                struct buffer *out)
{
    struct buffer body;
    struct key_id id;
    uint8_t signature[crypto_sign_BYTES];
    const uint8_t *secret = keyring_signing_session(ring, now_s, &id);
    if (!secret)
        return;
    buffer_init(&body, GRANT_BYTES);
    buffer_byte(&body, VERSION);
    buffer_append(&body, id.bytes, sizeof id.bytes);
    buffer_append(&body, grant->session.bytes, UID_BYTES);
    buffer_u64(&body, (uint64_t)grant->expires_s);
    buffer_u64(&body, grant->libraries);
    buffer_append(&body, grant->track, sizeof grant->track);
    struct signed_bytes whole = in_context(body.data);
    crypto_sign_detached(signature, NULL, whole.bytes, sizeof whole.bytes, secret);
    buffer_append(&body, signature, sizeof signature);
    encode_base64url(out, body.data, body.size);
    buffer_release(&body);
}

static bool read_grant(struct text body, struct grant *ret, struct key_id *ret_id)
{
    struct reader reader = reader_of(body);
    if (reader_u8(&reader) != VERSION)
        return false;
    reader_copy(&reader, ret_id->bytes, KEY_ID_BYTES);
    ret->session = uid_read(&reader);
    uint64_t expires_s = reader_u64(&reader);
    ret->expires_s = (int64_t)expires_s;
    ret->libraries = reader_u64(&reader);
    reader_copy(&reader, ret->track, GRANT_TRACK_BYTES);
    return expires_s <= INT64_MAX;
}

enum grant_verdict grant_verify(const struct keyring *ring, struct text t, int64_t now_s,
                                struct grant *ret)
{
    uint8_t bytes[GRANT_BYTES];
    struct grant grant;
    struct key_id id;
    if (t.size != GRANT_TEXT_BYTES || decode_base64url(t, bytes, sizeof bytes) != sizeof bytes ||
        !read_grant(text_make((const char *)bytes, BODY_BYTES), &grant, &id))
        return GRANT_MALFORMED;
    struct signed_bytes whole = in_context(bytes);
    const uint8_t *public_key = keyring_verifying_session(ring, id, now_s, &grant.node);
    if (!public_key || crypto_sign_verify_detached(bytes + BODY_BYTES, whole.bytes,
                                                   sizeof whole.bytes, public_key) != 0)
        return GRANT_FORGED;
    if (now_s >= grant.expires_s)
        return GRANT_EXPIRED;
    *ret = grant;
    return GRANT_GOOD;
}

/* Direct-mapped: a grant has one place, the later one stays.  The whole text is compared, never its
 * hash alone. */
struct grant_cache {
    struct hash_key key;
    size_t mask;
    struct entry {
        struct grant grant;
        char text[GRANT_TEXT_BYTES];
        bool is_used;
    } entries[];
};

struct grant_cache *grant_cache_new(size_t max_entries)
{
    size_t capacity = 16;
    while (capacity < max_entries)
        capacity *= 2;
    struct grant_cache *cache = mem_zalloc(sizeof *cache + capacity * sizeof cache->entries[0]);
    randombytes_buf(&cache->key, sizeof cache->key);
    cache->mask = capacity - 1;
    return cache;
}

void grant_cache_free(struct grant_cache **cache) { mem_free_p(cache); }

void grant_cache_forget(struct grant_cache *cache)
{
    for (size_t i = 0; i <= cache->mask; i++)
        cache->entries[i].is_used = false;
}

enum grant_verdict grant_cache_verify(struct grant_cache *cache, const struct keyring *ring,
                                      struct text t, int64_t now_s, struct grant *ret)
{
    if (t.size != GRANT_TEXT_BYTES)
        return GRANT_MALFORMED;
    struct entry *entry = &cache->entries[hash_bytes(cache->key, t.data, t.size) & cache->mask];
    if (entry->is_used && memcmp(entry->text, t.data, t.size) == 0) {
        if (now_s >= entry->grant.expires_s)
            return GRANT_EXPIRED;
        *ret = entry->grant;
        return GRANT_GOOD;
    }
    struct grant grant;
    enum grant_verdict verdict = grant_verify(ring, t, now_s, &grant);
    if (verdict != GRANT_GOOD)
        return verdict;
    entry->grant = *ret = grant;
    memcpy(entry->text, t.data, t.size);
    entry->is_used = true;
    return GRANT_GOOD;
}

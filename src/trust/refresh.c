// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/refresh.h"

#include "base/encode.h"

#include <sodium.h>

enum { RANDOM_BYTES = 32 };

static struct refresh_hash hash_of(const uint8_t random[RANDOM_BYTES])
{
    struct refresh_hash hash;
    crypto_generichash(hash.bytes, sizeof hash.bytes, random, RANDOM_BYTES, NULL, 0);
    return hash;
}

void refresh_generate(struct uid session, struct refresh *ret)
{
    uint8_t random[RANDOM_BYTES];
    struct uid_text session_text;
    randombytes_buf(random, sizeof random);
    memcpy(ret->text, uid_text(&session_text, session).data, UID_TEXT_BYTES);
    ret->text[UID_TEXT_BYTES] = '.';
    sodium_bin2base64(ret->text + UID_TEXT_BYTES + 1, sizeof ret->text - UID_TEXT_BYTES - 1, random,
                      sizeof random, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    ret->hash = hash_of(random);
    sodium_memzero(random, sizeof random);
}

bool refresh_parse(struct text cookie, struct uid *ret_session, struct refresh_hash *ret_hash)
{
    uint8_t random[RANDOM_BYTES];
    struct uid session;
    if (cookie.size != REFRESH_TEXT_BYTES || cookie.data[UID_TEXT_BYTES] != '.' ||
        !uid_from_text(text_make(cookie.data, UID_TEXT_BYTES), &session) ||
        decode_base64url(text_from(cookie, UID_TEXT_BYTES + 1), random, sizeof random) !=
            sizeof random)
        return false;
    *ret_session = session;
    *ret_hash = hash_of(random);
    sodium_memzero(random, sizeof random);
    return true;
}

static bool is_same(const struct refresh_hash *a, const struct refresh_hash *b)
{
    return sodium_memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

enum refresh_verdict refresh_judge(const struct refresh_hash *presented,
                                   const struct refresh_hash *current,
                                   const struct refresh_hash *previous, int64_t rotated_ms,
                                   int64_t expires_ms, int64_t now_ms)
{
    bool is_current = is_same(presented, current);
    bool is_previous = is_same(presented, previous);
    if (now_ms >= expires_ms)
        return REFRESH_EXPIRED;
    if (is_current)
        return REFRESH_GOOD;
    return is_previous && now_ms - rotated_ms <= REFRESH_GRACE_MS ? REFRESH_GRACE : REFRESH_REUSED;
}

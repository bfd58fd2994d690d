// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "trust/keys.h"
#include "trust/uid.h"

/*
 * grant: the right to fetch /m and /art: a signed (session, libraries, expiry) carried as ?g= or
 * a header.
 *
 * Any node with the public key can check it without asking.  Text form: base64url of
 *
 *   0   1  version, 1
 *   1  16  session
 *  17   8  libraries, bit (id - 1) for musicFolder id 1 to 64, little-endian
 *  25   8  expires, Unix time in seconds, little-endian
 *  33  64  Ed25519 signature over "sostenuto grant 1" and bytes 0 to 32
 *
 * Ed25519 costs some 60 us: grant_cache remembers what verified, so that a hot listener costs a
 * look-up.
 */
enum { GRANT_BYTES = 97, GRANT_TEXT_BYTES = 130, GRANT_LIFE_S = 12 * 60 * 60 };

struct grant {
    struct uid session;
    uint64_t libraries;
    int64_t expires_s;
};

enum grant_verdict { GRANT_GOOD, GRANT_MALFORMED, GRANT_FORGED, GRANT_EXPIRED };

void grant_sign(const struct keys *keys, const struct grant *grant, struct buffer *out);
enum grant_verdict grant_verify(const struct keys *keys, struct text t, int64_t now_s,
                                struct grant *ret) MUST_USE;

/* Not for two threads at once.  `max_entries` is rounded up to a power of two; older entries are
 * overwritten. */
struct grant_cache;
struct grant_cache *grant_cache_new(size_t max_entries) MUST_USE;
void grant_cache_free(struct grant_cache **cache);
/* As grant_verify(); only grants that verified are remembered, and their expiry is checked each
 * time. */
enum grant_verdict grant_cache_verify(struct grant_cache *cache, const struct keys *keys,
                                      struct text t, int64_t now_s, struct grant *ret) MUST_USE;

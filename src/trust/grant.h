// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "trust/keyring.h"
#include "trust/uid.h"

/*
 * grant: the right to fetch /m and /art: a signed (session, libraries or one track, expiry) carried
 * as ?g= or in the field Sostenuto-Grant (docs/formats/tokens.md).
 *
 * Any node that has /keys can check it without asking.  Text form: base64url of
 *
 *   0   1  version, 2
 *   1   8  key id
 *   9  16  session
 *  25   8  expires, Unix time in seconds, little-endian
 *  33   8  libraries, bit (id - 1) for musicFolder id 1 to 64, little-endian
 *  41  16  track, or zero: every track of the libraries, and artwork
 *  57  64  Ed25519 signature over "sostenuto grant 2" and bytes 0 to 56
 *
 * A grant for one track is for URLs that are handed to other programs (playlists of HLS): it opens
 * /m/{track}/ and nothing else.
 *
 * Ed25519 costs some 60 us: grant_cache remembers what verified, so that a hot listener costs a
 * look-up.
 */
enum {
    GRANT_BYTES = 121,
    GRANT_TEXT_BYTES = 162,
    GRANT_TRACK_BYTES = 16,
    GRANT_LIFE_S = 12 * 60 * 60
};

struct grant {
    struct uid session;
    uint64_t libraries;
    int64_t expires_s;
    uint8_t track[GRANT_TRACK_BYTES]; /* all zero: no track in particular */
    struct uid node;                  /* the edge that signed it; none: the origin */
};

bool grant_is_for_one_track(const struct grant *grant);
/* May it open /m/{track}/…?  (The libraries are the caller's to look at.) */
bool grant_opens_track(const struct grant *grant, const uint8_t track[GRANT_TRACK_BYTES]);

enum grant_verdict {
    GRANT_GOOD,
    GRANT_MALFORMED,
    GRANT_FORGED, /* the signature does not verify, or by no key that we believe */
    GRANT_EXPIRED,
};

/* Appends nothing when the ring cannot sign. */
void grant_sign(const struct keyring *ring, const struct grant *grant, int64_t now_s,
                struct buffer *out);
enum grant_verdict grant_verify(const struct keyring *ring, struct text t, int64_t now_s,
                                struct grant *ret) MUST_USE;

/* Not for two threads at once.  `max_entries` is rounded up to a power of two; older entries are
 * overwritten. */
struct grant_cache;
struct grant_cache *grant_cache_new(size_t max_entries) MUST_USE;
void grant_cache_free(struct grant_cache **cache);
void grant_cache_forget(struct grant_cache *cache); /* everything: a key was revoked */
/* As grant_verify(); only grants that verified are remembered, and their expiry is checked each
 * time. */
enum grant_verdict grant_cache_verify(struct grant_cache *cache, const struct keyring *ring,
                                      struct text t, int64_t now_s, struct grant *ret) MUST_USE;

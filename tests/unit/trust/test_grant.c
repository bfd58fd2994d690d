// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/grant.h"
#include "tap.h"

int main(void)
{
    struct keyring *keys = keyring_ephemeral(1000), *other = keyring_ephemeral(1000);
    struct grant grant = {.session = uid_random(), .libraries = 5, .expires_s = 2000}, got = {0};
    uint8_t track[GRANT_TRACK_BYTES] = {7}, another[GRANT_TRACK_BYTES] = {8};
    struct buffer out;
    buffer_init(&out, 1024);
    grant_sign(keys, &grant, 1000, &out);
    struct text t = buffer_view(&out);
    OK(t.size == GRANT_TEXT_BYTES, "a grant is 162 characters");
    OK(grant_verify(keys, t, 1000, &got) == GRANT_GOOD && got.libraries == 5 &&
           got.expires_s == 2000 && uid_equal(got.session, grant.session),
       "it says for which session, which libraries and until when");
    OK(grant_verify(keys, t, 2000, &got) == GRANT_EXPIRED, "and ends then");
    OK(grant_verify(other, t, 1000, &got) == GRANT_FORGED, "another key does not verify it");

    char copy[GRANT_TEXT_BYTES + 1] = {0};
    unsigned good = 0;
    memcpy(copy, t.data, t.size);
    struct grant_cache *cache = grant_cache_new(100);
    for (size_t i = 0; i < t.size; i++) {
        copy[i] = copy[i] == 'A' ? 'B' : 'A';
        good += grant_cache_verify(cache, keys, text_make(copy, t.size), 1000, &got) == GRANT_GOOD;
        copy[i] = t.data[i];
    }
    OK(good == 0, "changing any one character spoils it");
    for (size_t size = 0; size < t.size; size++)
        good += grant_verify(keys, text_make(copy, size), 1000, &got) == GRANT_GOOD;
    OK(good == 0 && grant_verify(keys, text_make(copy, t.size + 1), 1000, &got) == GRANT_MALFORMED,
       "a shorter or longer one is malformed");

    OK(grant_cache_verify(cache, keys, t, 1000, &got) == GRANT_GOOD,
       "through the cache it is good the first time");
    OK(grant_cache_verify(cache, other, t, 1000, &got) == GRANT_GOOD,
       "and the second without looking at a key");
    OK(grant_cache_verify(cache, keys, t, 2000, &got) == GRANT_EXPIRED, "but still expires");
    grant_cache_forget(cache);
    OK(grant_cache_verify(cache, other, t, 1000, &got) == GRANT_FORGED,
       "a cache that was made to forget looks at the key again");
    grant_cache_free(&cache);

    OK(!grant_is_for_one_track(&grant) && grant_opens_track(&grant, track),
       "a grant for libraries opens any track");
    memcpy(grant.track, track, sizeof track);
    buffer_reset(&out);
    grant_sign(keys, &grant, 1000, &out);
    OK(grant_verify(keys, buffer_view(&out), 1000, &got) == GRANT_GOOD &&
           grant_is_for_one_track(&got) && grant_opens_track(&got, track) &&
           !grant_opens_track(&got, another),
       "a grant for one track opens that one alone");
    buffer_release(&out);
    keyring_unref(&keys);
    keyring_unref(&other);
    return tap_done();
}

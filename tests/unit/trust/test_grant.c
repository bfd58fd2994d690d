// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/grant.h"
#include "tap.h"

int main(void)
{
    struct keys *keys = keys_ephemeral(), *other = keys_ephemeral();
    struct grant grant = {uid_random(), 5, 2000}, got = {0};
    struct buffer out;
    buffer_init(&out, 1024);
    grant_sign(keys, &grant, &out);
    struct text t = buffer_view(&out);
    OK(t.size == GRANT_TEXT_BYTES, "a grant is 130 characters");
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
    grant_cache_free(&cache);
    buffer_release(&out);
    keys_free(&keys);
    keys_free(&other);
    return tap_done();
}

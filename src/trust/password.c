// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/password.h"

#include <assert.h>
#include <sodium.h>

/* RFC 9106 4, second choice, in libsodium's terms: 64 MiB, 3 passes would be 100 ms here; 2 passes
 * take 70. */
enum { PASSES = 2, MEMORY_BYTES = 64 * 1024 * 1024 };

static unsigned long long passes = PASSES;
static size_t memory_bytes = MEMORY_BYTES;

_Static_assert(PASSWORD_HASH_BYTES >= crypto_pwhash_STRBYTES, "a libsodium hash fits");

void password_use_test_cost(void)
{
    passes = crypto_pwhash_OPSLIMIT_MIN;
    memory_bytes = crypto_pwhash_MEMLIMIT_MIN;
}

static bool is_allowed(struct text password)
{
    return password.size > 0 && password.size <= PASSWORD_MAX_BYTES;
}

bool password_hash(struct text password, struct password_hash *ret)
{
    int ready = sodium_init();
    assert(ready >= 0);
    if (!is_allowed(password))
        return false;
    int error = crypto_pwhash_str_alg(ret->text, password.data, password.size, passes, memory_bytes,
                                      crypto_pwhash_ALG_ARGON2ID13);
    assert(!error); /* only for want of memory, which is our bug */
    return true;
}

bool password_verify(struct text password, struct text hash)
{
    char copy[PASSWORD_HASH_BYTES] = {0};
    if (!is_allowed(password) || hash.size == 0 || hash.size >= crypto_pwhash_STRBYTES)
        return false;
    memcpy(copy, hash.data, hash.size);
    return crypto_pwhash_str_verify(copy, password.data, password.size) == 0;
}

void password_verify_nobody(struct text password)
{
    struct password_hash ignored;
    if (password_hash(password, &ignored))
        sodium_memzero(&ignored, sizeof ignored);
}

bool password_is_outdated(struct text hash)
{
    char copy[PASSWORD_HASH_BYTES] = {0};
    if (hash.size >= sizeof copy)
        return true;
    bytes_copy(copy, hash.data, hash.size);
    return crypto_pwhash_str_needs_rehash(copy, passes, memory_bytes) != 0;
}

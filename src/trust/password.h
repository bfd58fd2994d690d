// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * password: Argon2id (RFC 9106) by libsodium, parameters stored in the hash ("$argon2id$v=19$m=…").
 *
 * password_hash() and password_verify() block for tens of milliseconds and use
 * PASSWORD_MEMORY_BYTES: run them on the "passwords" worker pool only, whose queue is bounded.
 * Safe from any thread.
 */
enum { PASSWORD_HASH_BYTES = 128, PASSWORD_MAX_BYTES = 1024 };

struct password_hash {
    char text[PASSWORD_HASH_BYTES]; /* NUL-terminated */
};

/* False for an empty password or one over PASSWORD_MAX_BYTES. */
bool password_hash(struct text password, struct password_hash *ret) MUST_USE;
/* Constant time in the password; false for an empty or strange hash. */
bool password_verify(struct text password, struct text hash) MUST_USE;
/* Verifies against nothing but takes as long: for names that do not exist. */
void password_verify_nobody(struct text password);
/* True when `hash` was made with other parameters than today's: hash again after a good sign-in. */
bool password_is_outdated(struct text hash);
/* Cheap parameters for tests; process-wide; call before any thread starts. */
void password_use_test_cost(void);

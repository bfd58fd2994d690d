// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * keys: the secrets of one node, in files of mode 0600 in STATE/keys, never in the database.
 *
 *   signing.key   32 bytes: seed of an Ed25519 key pair; signs access tokens and grants
 *   sealing.key   32 bytes: seals app secrets at rest; what finds them is keyed by a derived key
 *
 * A file that group or others may read, of another size, or not owned by us is refused, with
 * words for a person. Immutable after keys_open(); any thread may use it.  Memory is locked and
 * wiped by libsodium.
 */
struct keys {
    uint8_t signing_public[32];
    uint8_t signing_secret[64];
    uint8_t sealing[32];
    uint8_t indexing[32]; /* derived: crypto_kdf(sealing, 1, "sostindx") */
};

/* What to do, for a person; static text or in `words`. */
struct keys_error {
    char words[240];
};

/* Opens `folder`, making folder and missing keys when `is_new_allowed`.  0, or -errno with
 * *ret_error filled. */
int keys_open(const char *folder, bool is_new_allowed, struct keys **ret,
              struct keys_error *ret_error) MUST_USE;
/* Keys that live in memory only: for tests and fuzzers. */
struct keys *keys_ephemeral(void) MUST_USE;
void keys_free(struct keys **keys);
